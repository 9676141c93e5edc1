"""The scheduler of a replay: sends frames from the source to the connected clients when the clock makes them due."""

import asyncio
import os
from collections.abc import Callable, Sequence

from arirecord.errors import ReplayError
from arirecord.select.times import Position
from arirecord.session.reader import Frame
from arirecord.session.rows import END_OF_RECORDING

from .clients.ws_endpoint import WsEndpoint
from .frame_source import FrameSource
from .options import ReplayOptions
from .pbx.lazy_state import LazyState
from .rest.client_pacing import ClientPacing
from .timing.chaos import Chaos
from .timing.clock import PlayerClock, Wakeup
from .timing.date_shift import DateShift
from .timing.pacing import AGAIN, GATE
from .timing.player import Player

__all__ = ["Scheduler"]

_EXIT_S = 10.0
_LEAST_PATIENT = 6

# The first of many frames goes out when the last of them is ready: batches are small if timing matters.
_TIMED_BATCH = 64
_FULL_BATCH = 256

# Reading a little ahead, or parsing a few frames, takes less than this.
_IDLE_NS = 300_000

# Linux wakes a local client on the processor of the sender. The sender yields it: otherwise one frame in fifty was
# two milliseconds late. The reading thread would use that time for much longer.
_step_aside: Callable[[], None] = getattr(os, "sched_yield", lambda: None)

# Clients wait at most this long for their turn while others receive the frames that are due.
_TURN_NS = 1_000_000


class Scheduler:
    """Sends each frame when it is due; `run` is the task that does it. It can be controlled while it runs.

    `frames` counts the sent frames, `late_ns` is how late the latest were. `offset_ns` plus a position in the replay is
    the time of the recording, since 1970 UTC. `end` is set while nothing is left to send, and `done` when the
    server should end. `restarted` is called with the new time, since 1970 UTC, when the recording starts again or
    continues elsewhere. With a `pace` it waits for the requests of the recorded app; a `chaos` injects faults.
    """

    def __init__(
        self,
        options: ReplayOptions,
        clock: PlayerClock,
        source: FrameSource,
        door: WsEndpoint,
        model: LazyState,
        say: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self.halted = options.start_paused
        self.frames = 0
        self.late_ns = 0
        self.offset_ns = source.session.header.started_ns
        self.end = asyncio.Event()
        self.done = asyncio.Event()
        self.shift = DateShift() if options.shift_to_now else None
        self.restarted: Callable[[int | None], object] = lambda moment_ns: None
        self.pace: ClientPacing | None = None
        self.chaos: Chaos | None = None
        self._options = options
        self._source = source
        self._door = door
        self._model = model
        self._say = say
        self._player = Player(clock)
        self._alarm = Wakeup()
        self._steps = 0
        self._seek: Position | None = None
        self._calls: asyncio.Future[Sequence[Position]] | None = None
        self._gate: Frame | None = None
        self._patient_until_ns = 0
        self._missed = 0
        self._turn_ns = 0

    @property
    def finished(self) -> bool:
        """Whether the last frame was taken."""
        return self._player.finished

    @property
    def moment_ns(self) -> int:
        """The time of the recording at the position of the replay, since 1970 UTC."""
        return self.offset_ns + self.clock.position_ns()

    def halt(self, halted: bool) -> None:
        """Stop the clock, or let it run while a client is connected."""
        self.halted = halted
        self.changed()

    def set_speed(self, speed: float | None) -> None:
        """Change the speed. Raises `ValueError` as the clock does."""
        self.clock.set_speed(speed)
        self.changed()

    def step(self) -> None:
        """Send the next event while the clock is stopped, as soon as a client is connected."""
        self._steps += 1
        self._alarm.ring()

    def seek(self, place: Position) -> None:
        """Continue at a position in the recording."""
        self._seek = place
        self._alarm.ring()

    def restart(self) -> None:
        """Start again at the position in the options."""
        self.seek(self._options.start or Position(0))

    def next_call(self) -> None:
        """Continue where the next call begins, once that is known. Raises `ReplayError` if it cannot be known."""
        starts = self._options.call_starts
        if starts is None:
            raise ReplayError("where calls begin is not known here")
        if self._calls is None:
            self._calls = asyncio.get_running_loop().run_in_executor(None, starts)
        self._calls.add_done_callback(self._to_next_call)

    def _to_next_call(self, calls: asyncio.Future[Sequence[Position]]) -> None:
        if calls.cancelled():
            return
        if (error := calls.exception()) is not None:
            self._say(f"The calls can't be found: {error}.")
            return
        place = next((place for place in calls.result() if place.ns > self.moment_ns), None)
        if place is None:
            self._say("No further call in the recording.")
        else:
            self.seek(place)

    def changed(self) -> None:
        """Wake the task: a client connected or left, or a command came."""
        runs = bool(self._door.clients) and not self.halted and self._gate is None
        if runs and self.clock.paused:
            self.clock.resume()
        elif not runs and not self.clock.paused:
            self.clock.pause()
        self._alarm.ring()

    async def run(self) -> None:
        """Play to the end, and again after a seek."""
        while True:
            await self._play()
            self._door.ended = True
            self.end.set()
            self._say(f"The recording ends; {self.frames} frames were sent.")
            if self.chaos is not None:
                self._say(self.chaos.summary)
            if self._options.at_end != "hold":
                await self._door.close_all(1000, END_OF_RECORDING, _EXIT_S)
            if self._options.at_end == "exit":
                self.done.set()
            while self._seek is None:
                await self._alarm.sleep(None)
            self._door.ended = False
            self.end.clear()

    async def _reseat(self, place: Position) -> None:
        self._seek = self._gate = None
        await self._model.prime(place)
        self._player.restart()
        self._source.seek(place)
        self._door.moved()
        if self.shift is not None:
            self.shift.reset()
        self.restarted(place.ns)
        self.changed()

    async def _play(self) -> None:
        player = self._player
        while True:
            if self._seek is not None:
                await self._reseat(self._seek)
            if self._gate is not None and not self._steps and not await self._passed(self._gate):
                continue
            await self._refill()
            if self._seek is not None:
                continue
            if player.finished and self._door.arrivals:
                return
            if batch := self._step() if self._steps else self._up_to_break(self._up_to_gate(player.take(self._most))):
                await self._settle(batch)
                if not await self._send(batch):
                    player.give_back(batch)
                    self._model.give_back(batch)
                elif self.chaos is not None:
                    await self._break(self.chaos, batch[-1])
                if self._source.is_idle:
                    _step_aside()
                await self._let_others()
                continue
            if self._gate is not None:
                continue
            due_ns = player.next_due_ns()
            has_time = due_ns is None or due_ns - self.clock.now_ns() > _IDLE_NS
            if has_time and self._work():
                await self._let_others()
                continue
            await self._alarm.sleep(None if due_ns is None else max(0, due_ns - self.clock.now_ns()))
            self._turn_ns = self.clock.now_ns()

    async def _let_others(self) -> None:
        """Let other tasks run, so that others can connect while a client reads at full speed. Costs a little."""
        if self.clock.now_ns() - self._turn_ns > _TURN_NS:
            await asyncio.sleep(0)
            self._turn_ns = self.clock.now_ns()

    def _work(self) -> bool:
        """Do a little of the background work. Returns whether there was any."""
        if self._player.hungry and self._source.is_ready:
            self._feed()
            return True
        return self.clock.speed is not None and self._model.idle()

    def _step(self) -> list[Frame]:
        """The frames up to the next that is sent, if a step is requested and a client is connected."""
        batch: list[Frame] = []
        if not self.clock.paused or not self._door.clients:
            self._steps = 0 if not self.clock.paused else self._steps
            return self._player.take()
        while frame := self._player.step():
            batch.append(frame)
            if self._options.sends(frame):
                self._steps -= 1
                break
        return batch

    @property
    def _most(self) -> int:
        return _FULL_BATCH if self.clock.speed is None else _TIMED_BATCH

    def _up_to_gate(self, batch: list[Frame]) -> list[Frame]:
        """The frames before the first closed gate; the clock stops there."""
        for n, frame in enumerate(batch if self.pace is not None else ()):
            if frame.kind == AGAIN:
                part = max(n, 1)  # alone: requests before it do not open gates after it
                self._player.give_back(batch[part:])
                return batch[:part]
            if frame.kind == GATE and self.pace is not None and not self.pace.is_open(frame, self._recorded_names()):
                self._player.give_back(batch[n:])
                self._gate = frame
                self._be_patient()
                self.clock.jump(frame.elapsed_ns)
                self.changed()
                return batch[:n]
        return batch

    def _up_to_break(self, batch: list[Frame]) -> list[Frame]:
        """The frames before a fault that interrupts all."""
        if self.chaos is None or (count := self.chaos.up_to_break(batch)) == len(batch):
            return batch
        self._player.give_back(batch[count:])
        return batch[:count]

    async def _break(self, chaos: Chaos, frame: Frame) -> None:
        """Apply the faults that follow a frame."""
        for fault in chaos.breaks(frame) if self._options.sends(frame) else ():
            chaos.did(fault.name, frame)
            if fault.name == "stall":
                await asyncio.sleep(fault.amount)
            elif fault.amount:
                await self._door.close_all(int(fault.amount), "chaos", _EXIT_S)
            else:
                await asyncio.gather(*(client.abort() for client in self._door.clients))

    async def _passed(self, gate: Frame) -> bool:
        """Whether the gate is open, or its wait is over; otherwise wait for a change."""
        assert self.pace is not None
        if not self.pace.is_open(gate, self._recorded_names()):
            if self.halted or not self._door.clients:
                await self._alarm.sleep(None)
                self._be_patient()
                return False
            left_ns = self._patient_until_ns - self.clock.now_ns()
            if left_ns > 0:
                await self._alarm.sleep(left_ns)
                return False
            self._say(f"The client did not send {self.pace.pass_by(gate)}; the replay continues without it.")
            self._missed += 1
        else:
            self._missed = 0
        self._gate = None
        self.changed()
        return True

    async def _settle(self, batch: Sequence[Frame]) -> None:
        """Give the client time to process the response to its last request before the next event."""
        if self.pace is not None and any(self._options.sends(frame) for frame in batch):
            left_s = self._options.pace_settle_s - (self.clock.now_ns() - self.pace.heard_at_ns) / 1e9
            if left_s > 0:
                await asyncio.sleep(left_s)

    def _recorded_names(self) -> set[str]:
        return {name for client in self._door.clients for view, _ in client.views for name in view.recorded}

    def _be_patient(self) -> None:
        """Start to wait for the client. Each wait in vain halves the next: a silent client would cost hours."""
        patience_s = self._options.pace_timeout_s / 2 ** min(self._missed, _LEAST_PATIENT)
        self._patient_until_ns = self.clock.now_ns() + int(patience_s * 1e9)

    async def _refill(self) -> None:
        while self._player.hungry and self._player.empty:
            await self._source.wait()
            self._feed()

    def _feed(self) -> None:
        if frames := self._source.take():
            self._player.feed(frames if self._player.begun else self._without_lead(frames))
        else:
            self._player.end()

    def _without_lead(self, chunk: Sequence[Frame]) -> Sequence[Frame]:
        """Take the exchanges before the first frame: they are the initial state, and no frame waits for them."""
        lead = next((i for i, frame in enumerate(chunk) if frame.kind != "rest"), len(chunk))
        self._model.lead(chunk[:lead])
        return chunk[lead:]

    async def _send(self, batch: Sequence[Frame]) -> bool:
        """Send a batch to all clients; False if all clients have gone."""
        self._model.take(
            batch, self.clock.speed is None
        )  # before the send: a client may react to the events with a query at once
        if any(frame.kind == AGAIN for frame in batch):
            self.restarted(self._options.start_ns)
        sent = [frame for frame in batch if self._options.sends(frame)]
        if self.chaos is not None and self._door.clients:
            sent = self.chaos.multiply(sent)
        if self.shift is not None:
            sent = [self.shift.take(frame) for frame in sent]
        if not any([await client.send(sent) for client in tuple(self._door.clients)]):
            return False
        self.frames += len(sent)
        if sent:
            self.offset_ns = sent[-1].t_ns - sent[-1].elapsed_ns
        due_ns = self.clock.due_ns(batch[0].elapsed_ns)
        self.late_ns = 0 if due_ns is None or self.clock.speed is None else self.clock.now_ns() - due_ns
        return True
