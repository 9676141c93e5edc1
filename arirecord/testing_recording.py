"""Records the recording of a test: the test's app talks to a real Asterisk through a tap."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from arirecord.capture.address import Address
from arirecord.capture.recorder import Recorder
from arirecord.capture.rotation import SingleFile
from arirecord.errors import CaptureError
from arirecord.replay.request_log import ClientRequest, RequestLog
from arirecord.replay.rest.recorded_exchanges import exchange_of
from arirecord.session.journal import journal_path
from arirecord.session.rows import own_text
from arirecord.tap import Tap, TapOptions

__all__ = ["LiveRun", "live_run"]

# Without requests and events for this long, calls are taken for ended.
_END_S: Final = 2.0


class _WatchedRecorder(Recorder):
    """A recorder that also gives the requests of apps to `log`, and notes when frames arrive in `arrived`."""

    def __init__(self, target: SingleFile, source: Mapping[str, Any], log: RequestLog) -> None:
        super().__init__(target, source, counts_channels=False)
        self._log = log
        self.arrived = asyncio.Event()
        self.has_rows = False

    def frames(self, data: bytes, places: Sequence[slice]) -> None:
        """Record WebSocket messages."""
        super().frames(data, places)
        self._note()

    def rest(self, method: str, **fields: Any) -> None:
        """Record a REST exchange."""
        super().rest(method, **fields)
        self._note()
        exchange = exchange_of(own_text("rest", method, method=method, **fields))
        if exchange is not None and exchange.status is not None:
            self._log.add(ClientRequest.of(exchange.request, exchange.status))

    def _note(self) -> None:
        self.has_rows = True
        self.arrived.set()


class LiveRun:
    """A test in progress with a real Asterisk. It has the methods of `arirecord.replay.api.Replay`.

    Nothing controls real time: `pause`, `seek` and the like have no effect, and `verify` only waits.
    """

    def __init__(self, tap: Tap, log: RequestLog, app: str) -> None:
        self.app = app
        self.requests: Sequence[ClientRequest] = log.all
        self.recorder: _WatchedRecorder | None = None
        self._tap = tap
        self._log = log

    @property
    def url(self) -> str:
        """The base URL of ARI, with `/ari`."""
        return self._tap.url

    @property
    def base_url(self) -> str:
        """The same without `/ari`."""
        return self.url.removesuffix("/ari")

    @property
    def ws_url(self) -> str:
        """The WebSocket URL of the events, without `?app=`."""
        return self.url.replace("http", "ws", 1) + "/events"

    def status(self) -> Mapping[str, Any]:
        """Return the state: `clients`, and `finished`, which is false."""
        return {"clients": self._tap.status.applications, "finished": False}

    def pause(self) -> None:
        """Do nothing."""

    def resume(self) -> None:
        """Do nothing."""

    def step(self) -> None:
        """Do nothing."""

    def seek(self, position_s: float) -> None:
        """Do nothing."""

    def set_speed(self, speed: object) -> None:
        """Do nothing."""

    def answer(self, request: str, *_: object, **__: object) -> NoReturn:
        """Raise `CaptureError`: a real Asterisk gives its own answers."""
        raise CaptureError("ari.answer needs a replay: record the recording with a test that does not use it")

    def send(self, event: Mapping[str, Any]) -> NoReturn:
        """Raise `CaptureError`: a real Asterisk sends its own events."""
        raise CaptureError("ari.send needs a replay: record the recording with a test that does not use it")

    def never(self, method: str, path: str, **parameters: str) -> None:
        """As `Replay.never`."""
        self._log.never(method, path, parameters)

    async def expect(self, method: str, path: str, timeout: float = 5, **parameters: str) -> ClientRequest:  # noqa: ASYNC109 - as `Replay`
        """As `Replay.expect`."""
        return await self._log.expect(method, path, parameters, timeout)

    async def expect_in_order(self, *requests: str, timeout: float = 5) -> Sequence[ClientRequest]:  # noqa: ASYNC109 - as `Replay`
        """As `Replay.expect_in_order`."""
        return await self._log.expect_in_order(requests, timeout)

    async def wait_end(self) -> None:
        """Wait until something came, and then nothing for 2 s."""
        await self._wait(_END_S)

    async def wait_quiet(self, quiet_s: float = 0.5, timeout: float = 60) -> None:  # noqa: ASYNC109 - as `Replay`
        """The same, or longer. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            await self._wait(max(quiet_s, _END_S))

    async def verify(self, *, quiet_s: float = 0.5, timeout: float = 60, **_: Any) -> None:  # noqa: ASYNC109 - as `Replay`
        """The same: these requests are those that will be compared."""
        await self.wait_quiet(quiet_s, timeout)

    async def _wait(self, quiet_s: float) -> None:
        assert self.recorder is not None
        await self.recorder.arrived.wait()
        while True:
            self.recorder.arrived.clear()
            try:
                async with asyncio.timeout(quiet_s):
                    await self.recorder.arrived.wait()
            except TimeoutError:
                self.recorder.arrived.set()
                return


@asynccontextmanager
async def live_run(target: Path, upstream: str, app: str) -> AsyncIterator[LiveRun]:
    """Record to `target` what an app does with the Asterisk at `upstream` while the block runs.

    An existing file is replaced when the recording is complete. Raises `CaptureError` if no event and no request came,
    and for an address that is not one.
    """
    options = TapOptions(Address.parse(upstream), port=0)
    log = RequestLog()
    recorders: list[_WatchedRecorder] = []

    def start() -> _WatchedRecorder:
        recorders.append(_WatchedRecorder(SingleFile(target, force=True), options.source, log))
        return recorders[0]

    tap = Tap(options, start)
    try:
        async with tap:
            run = LiveRun(tap, log, app)
            run.recorder = recorders[0]
            yield run
    finally:
        for recorder in recorders:
            await asyncio.to_thread(_finish, recorder)


def _finish(recorder: _WatchedRecorder) -> None:
    recorder.close()
    if not recorder.has_rows:
        journal_path(recorder.target.path).unlink()
        raise CaptureError(f"nothing was recorded for {recorder.target.path}: no app used the address of the test")
    recorder.seal()
