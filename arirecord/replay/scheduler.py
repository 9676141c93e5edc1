"""The schedule of a replay: which frames are sent now, and what the next ones wait for. No sockets, tasks or files."""

from collections.abc import Sequence
from typing import Final

from arirecord.errors import ReplayError
from arirecord.select.times import Position
from arirecord.session.reader import Frame
from arirecord.session.rows import END_OF_RECORDING

from .connected_clients import ConnectedClients
from .events import Command, EndReached, Exit, ReadFrames, Report, SeekFrames, Wait
from .options import ReplayOptions
from .pbx.lazy_state import LazyState
from .rest.client_pacing import ClientPacing, split_lead
from .rest_handler import RestHandler
from .timing.chaos import Chaos, Fault
from .timing.clock import PlaybackClock
from .timing.date_shift import DateShift
from .timing.due_frames import DueFrames
from .timing.pacing import AGAIN, GATE, ClientMoments, GateWait
from .timing.progress import Place, Progress

__all__ = ["Scheduler"]

_CLOSE_S: Final = 10.0

# The first of many frames goes out when the last of them is ready: batches are small if timing matters.
_TIMED_BATCH: Final = 64
_FULL_BATCH: Final = 256

# Reading a little ahead, or parsing a few frames, takes less than this.
_IDLE_NS: Final = 300_000

_READ: Final = (ReadFrames(),)


class Scheduler:
    """Decides at each `turn` what is sent, read or waited for.

    `is_paused` and `steps` are set by the user, `has_ended` is true after the last frame. `frames` counts the sent
    frames, `late_ns` is how late the latest were. With a `pacing` it waits for the requests of the recorded app; a
    `chaos` injects faults. Each stop of the `progress` ends a turn.
    """

    def __init__(
        self,
        options: ReplayOptions,
        clock: PlaybackClock,
        clients: ConnectedClients,
        state: LazyState,
        rest: RestHandler,
        pacing: ClientPacing | None,
        chaos: Chaos | None,
    ) -> None:
        self.is_paused = options.start_paused
        self.steps = 0
        self.has_ended = False
        self.frames = self.late_ns = 0
        self.progress = Progress()
        self.shift = DateShift() if options.shift_to_now else None
        self._options = options
        self._clock = clock
        self._clients = clients
        self._state = state
        self._rest = rest
        self._pacing = pacing
        self._chaos = chaos
        self._due_frames = DueFrames(clock)
        self._seek: Position | None = None
        self._seeking: Position | None = None
        self.gate_wait = GateWait(options.pace_timeout_s)
        self.moments = ClientMoments(options.pace_settle_s)
        self._held: Sequence[Frame] = ()
        self._in_flight: Sequence[Frame] = ()
        self._sent_count = self._receivers = 0
        self._faults: list[Fault] = []
        self._stalled_until_ns = 0
        self._restart(options.start_ns)

    @property
    def is_finished(self) -> bool:
        """Whether the last frame was taken."""
        return self._due_frames.finished and self.seeks is None

    @property
    def seeks(self) -> Position | None:
        """Where the replay will continue; None: it goes on here."""
        return self._seek or self._seeking

    @property
    def is_held_due(self) -> bool:
        """Whether the next turn sends frames that were held: requests come after them."""
        return bool(self._held) and self._clock.now_ns() >= self._stalled_until_ns

    def approaches(self, place: Place) -> bool:
        """Whether the frames before this place are going to be sent, without a further action of the user."""
        if self.progress.place >= place or self.has_ended or self._due_frames.finished:
            return False
        if not self._due_frames.begun:
            return True
        if (until_ns := self.gate_wait.concurrent_until_ns) is not None and self._clock.now_ns() >= until_ns:
            return False
        return self._clients.can_receive and not self.is_paused

    def seek(self, position: Position) -> None:
        """Continue at a position in the recording, at the next turn."""
        self._seek = position

    def restart(self) -> None:
        """Start again at the position in the options, at the next turn."""
        self._seek = self._options.start or Position(0)

    def lost(self) -> None:
        """The frames of this turn did not reach one of the clients."""
        self._receivers -= 1

    def requested(self) -> None:
        """A client has sent a request: an event that waited for the first one is due."""
        if self.moments.requested() and self._held:
            self._stalled_until_ns = 0

    def update_clock(self) -> None:
        """The clock runs while a client is connected, unless it is paused or an event waits for a request."""
        runs = self.gate_wait.gate is None and not self.is_paused and self._clients.can_receive
        if runs and self._clock.paused:
            self._clock.resume()
        elif not runs and not self._clock.paused:
            self._clock.pause()

    def feed(self, frames: Sequence[Frame]) -> None:
        """Take the next frames of the recording; empty at the end."""
        if not frames:
            self._due_frames.end()
        elif self._due_frames.begun:
            self._due_frames.feed(frames)
        else:
            # Exchanges before the first event are the initial state: a client that asks early receives it.
            lead, played, begin_ns = split_lead(frames, self._pacing is None and self.progress.is_at_start)
            self._state.lead(lead)
            self.progress.lead(lead)
            self._due_frames.feed(played)
            if begin_ns is not None:
                self._clock.jump(begin_ns)

    def turn(self, can_read: bool) -> Sequence[Command]:
        """Return the commands that are due; none: call again at once. `can_read`: frames can be read without a wait."""
        if self._seek is not None:
            return self._start_seek(self._seek)
        if self._seeking is not None:
            return [Wait()]
        if self._in_flight:
            self._settle_flight()
        now_ns = self._clock.now_ns()
        if now_ns < self._stalled_until_ns:
            return [Wait(self._stalled_until_ns)]
        if self._faults:
            return self._apply(self._faults.pop(0), now_ns)
        if self.has_ended:
            return [Wait()]
        if self._held:  # before a gate: these frames precede it
            batch, self._held = self._up_to_stop(self._held), ()
            self.gate_wait.renew(now_ns)  # the client did not have yet what it reacts to
            return self._send(batch)
        if (gate := self.gate_wait.gate) is not None and not self.steps and (waiting := self._at_gate(gate, now_ns)):
            return waiting
        if self._due_frames.hungry and self._due_frames.empty:
            return _READ
        if self._due_frames.finished and self._clients.arrivals:
            return self._end()
        if not (batch := self._next_batch()):
            return () if self.gate_wait.gate is not None else self._wait(can_read)
        if now_ns < (until_ns := self.moments.until_ns(batch[0], self.progress.place[0], self.frames)) and any(
            self._options.sends(frame) for frame in batch
        ):
            self._held, self._stalled_until_ns = batch, until_ns
            return ()
        return self._send(batch)

    def _wait(self, can_read: bool) -> Sequence[Command]:
        """Use the time until the next frame, or wait for it."""
        due_ns = self._due_frames.next_due_ns()
        if due_ns is None or due_ns - self._clock.now_ns() > _IDLE_NS:
            if can_read and self._due_frames.hungry:
                return _READ
            if self._clock.speed is not None and self._state.idle():
                return ()
        return [Wait(due_ns)]

    def _start_seek(self, position: Position) -> Sequence[Command]:
        self._seek, self._seeking = None, position
        build = self._state.seek(position)
        return self._finish_seek(position) if build is None else [build]

    def state_built(self, unreadable: str) -> Sequence[Command]:
        """Continue at the position of a seek, if there was one. Raises `ReplayError` if its state is `unreadable`."""
        if self._seeking is None:
            return ()
        if unreadable:
            raise ReplayError(unreadable)
        return self._finish_seek(self._seeking)

    def _finish_seek(self, position: Position) -> Sequence[Command]:
        self._seeking = self.gate_wait.gate = None
        self._held = self._in_flight = ()
        self._faults.clear()
        self._stalled_until_ns = 0
        self.has_ended = False
        self._due_frames.restart()
        # Nothing may follow, and then no frame sets the clock.
        self._clock.jump(self._clock.position_ns() + position.ns - self._clock.recording_ns())
        self.progress.restart(position)
        self._clients.moved()
        if self.shift is not None:
            self.shift.reset()
        self._restart(position.ns)
        self.update_clock()
        return [SeekFrames(position)]

    def _restart(self, moment_ns: int | None) -> None:
        """The recording starts again (None), or continues at this time."""
        self._rest.restart(moment_ns)
        if self._pacing is not None:
            self._pacing.restart(moment_ns)

    def _end(self) -> Sequence[Command]:
        self.has_ended = True
        commands: list[Command] = [EndReached(), Report(f"The recording ends; {self.frames} frames were sent.")]
        if self._chaos is not None:
            commands.append(Report(self._chaos.summary))
        if self._options.at_end != "hold":
            commands.append(self._close(1000, END_OF_RECORDING))
        if self._options.at_end == "exit":
            commands.append(Exit())
        return commands

    def _next_batch(self) -> Sequence[Frame]:
        """The frames that are due, up to what interrupts them."""
        if self.steps:
            return self._step()
        most = _FULL_BATCH if self._clock.speed is None else _TIMED_BATCH
        batch = self._up_to_gate(self._up_to_stop(self._due_frames.take(most)))
        if self._chaos is None or (count := self._chaos.up_to_break(batch)) == len(batch):
            return batch
        self._due_frames.give_back(batch[count:])
        return batch[:count]

    def _up_to_stop(self, batch: Sequence[Frame]) -> Sequence[Frame]:
        """The frames up to the first place of a response."""
        if (count := self.progress.up_to_stop(batch)) == len(batch):
            return batch
        self._due_frames.give_back(batch[count:])
        if self._clock.speed is None:
            self._clock.jump(batch[count - 1].elapsed_ns)
        return batch[:count]

    def _step(self) -> Sequence[Frame]:
        """The frames up to the next that is sent, if the clock is paused and a client is connected."""
        if not self._clock.paused or not self._clients.can_receive:
            self.steps = 0 if not self._clock.paused else self.steps
            return self._due_frames.take()
        batch: list[Frame] = []
        while frame := self._due_frames.step():
            batch.append(frame)
            if self._options.sends(frame):
                self.steps -= 1
                break
        return batch

    def _up_to_gate(self, batch: Sequence[Frame]) -> Sequence[Frame]:
        """The frames before the first closed gate; the clock stops there."""
        if self._pacing is None:
            return batch
        for n, frame in enumerate(batch):
            if frame.kind == AGAIN:
                part = max(n, 1)  # alone: requests before it do not open gates after it
                self._due_frames.give_back(batch[part:])
                return batch[:part]
            if frame.kind == GATE and not self._pacing.is_open(frame, self._clients.recorded_applications):
                self._due_frames.give_back(batch[n:])
                before_ns = batch[n - 1].t_ns if n else self.progress.place[0]
                self.gate_wait.begin(frame, before_ns, self._clock.now_ns())
                self._clock.jump(frame.elapsed_ns)
                self.update_clock()
                return batch[:n]
        return batch

    def _at_gate(self, gate: Frame, now_ns: int) -> Sequence[Command]:
        """Wait for the request of a gate; nothing if it came. After the wait, the replay continues without it."""
        assert self._pacing is not None
        if self._pacing.is_open(gate, self._clients.recorded_applications):
            self.gate_wait.end(has_come=True)
            self.update_clock()
            return ()
        if self.is_paused or not self._clients.can_receive:
            self.gate_wait.renew(now_ns)
            return [Wait()]
        if now_ns < self.gate_wait.until_ns:
            return [Wait(self.gate_wait.until_ns)]
        self.gate_wait.end(has_come=False)
        self.update_clock()
        return [Report(f"The client did not send {self._pacing.pass_by(gate)}; the replay continues without it.")]

    def _apply(self, fault: Fault, now_ns: int) -> Sequence[Command]:
        """Apply a fault that follows a frame."""
        if fault.name == "stall":
            self._stalled_until_ns = now_ns + int(fault.amount * 1e9)
            return ()
        return [self._close(int(fault.amount), "chaos")]

    def _close(self, code: int, reason: str) -> Command:
        command = self._clients.close(code, reason, _CLOSE_S)
        self.update_clock()
        return command

    def _send(self, batch: Sequence[Frame]) -> Sequence[Command]:
        # Before the send: a client may react to the events with a query at once.
        self._state.take(batch, self._clock.speed is None)
        if any(frame.kind == AGAIN for frame in batch):
            self._restart(self._options.start_ns)
            self.progress.restart()
        self.progress.take(batch, self._clock.now_ns() if self.progress.times is not None else 0)
        sent = [frame for frame in batch if self._options.sends(frame)]
        if self._chaos is not None and self._clients.can_receive:
            sent = self._chaos.multiply(sent)
        if self.shift is not None:
            sent = [self.shift.take(frame) for frame in sent]
        if sent:
            self._clock.set_origin(sent[-1].t_ns - sent[-1].elapsed_ns)
        self.frames += len(sent)
        self._in_flight, self._sent_count = batch, len(sent)
        self._rest.take(sent)
        self._receivers, sends = self._clients.take(sent, self._rest.ids)
        return sends

    def _settle_flight(self) -> None:
        """The latest frames were sent, or have reached no client: then they are sent again."""
        batch, self._in_flight = self._in_flight, ()
        if self._receivers <= 0:
            self._due_frames.give_back(batch)
            self._state.give_back(batch)
            self.progress.give_back(batch)
            self.frames -= self._sent_count
            return
        due_ns = self._clock.due_ns(batch[0].elapsed_ns)
        self.late_ns = 0 if due_ns is None or self._clock.speed is None else self._clock.now_ns() - due_ns
        if self._chaos is not None and self._options.sends(batch[-1]):
            self._faults = self._chaos.breaks(batch[-1])
            for fault in self._faults:
                self._chaos.did(fault.name, batch[-1])
