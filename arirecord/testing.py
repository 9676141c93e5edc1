"""A pytest plugin that replays recordings as fixtures. It loads nothing until a test uses it.

@pytest.mark.arirecord("transfer.parquet", speed=50)
def test_my_app(ari):
    start_my_app(ari.url)
    ari.expect("POST", "/channels/*/answer")
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import pytest

if TYPE_CHECKING:
    from arirecord.replay.api import ClientRequest, Replay

__all__ = ["Ari", "ari", "pytest_configure"]

T = TypeVar("T")

_MARK = "arirecord(session, *, speed=1, **options): the recording that the fixture `ari` replays, as arirecord.replay"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", _MARK)


@pytest.fixture
def ari(request: pytest.FixtureRequest) -> "Iterator[Ari]":
    """Replay the recording of the test's mark `arirecord` while the test runs.

    A relative path is looked up beside the test's file, then under the root folder of pytest.
    """
    mark = request.node.get_closest_marker("arirecord")
    if mark is None or not mark.args:
        raise pytest.UsageError('the fixture `ari` needs a recording: @pytest.mark.arirecord("FILE.parquet")')
    name, *rest = mark.args
    if rest:
        raise pytest.UsageError("the mark arirecord takes one recording, and options by name")
    with Ari(_find(Path(name), request), **mark.kwargs) as running:
        yield running


def _find(name: Path, request: pytest.FixtureRequest) -> Path:
    tried = [request.path.parent / name, request.config.rootpath / name]
    for path in tried:
        if path.exists():
            return path
    raise pytest.UsageError(f"recording not found: neither {tried[0]} nor {tried[1]} exists")


class Ari:
    """A replay in its own thread, for tests of any kind. Options are those of `arirecord.replay`.

    `url` is the base URL of ARI (`http://127.0.0.1:40123/ari`), `base_url` the same without `/ari`, `ws_url` the
    WebSocket URL of the events (without `?app=`), `app` the first application of the recording.
    """

    def __init__(self, session: str | Path, **options: Any) -> None:
        self.url = self.base_url = self.ws_url = self.app = ""
        self._session, self._options = session, options
        self._begun = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="arirecord replay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._begun.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def requests(self) -> "Sequence[ClientRequest]":
        """The requests of clients so far: `method`, `path`, `parameters`, `body`, `status` each."""
        return tuple(self._replay.requests)

    @property
    def status(self) -> Mapping[str, Any]:
        """Return the state of the replay: `position_s`, `duration_s`, `frames`, `clients`, `finished` and more."""
        return self._do(self._replay.status)

    def pause(self) -> None:
        """Stop the clock of the replay."""
        self._do(self._replay.pause)

    def resume(self) -> None:
        """Start the clock again; it runs while a client is connected."""
        self._do(self._replay.resume)

    def step(self) -> None:
        """Send the next event while the replay is paused."""
        self._do(self._replay.step)

    def seek(self, position_s: float) -> None:
        """Continue at this position, in seconds after the start of the recording; backwards is possible."""
        self._do(lambda: self._replay.seek(position_s))

    def set_speed(self, speed: float | Literal["max"]) -> None:
        """Change the speed: a factor, or `"max"`."""
        self._do(lambda: self._replay.set_speed(speed))

    def expect(self, method: str, path: str, timeout: float = 5, **parameters: str) -> "ClientRequest":
        """Wait at most `timeout` seconds for this request of a client and return it. Each request is returned once.

        `path` is without `/ari`, with `*` for any text: `expect("POST", "/channels/*/play", media="sound:hello")`.
        Raises `NotAsked`, an `AssertionError` that lists the requests that came instead. In async tests use `expected`.
        """
        __tracebackhide__ = True
        return self._wait(self._replay.expect(method, path, timeout, **parameters), "expected")

    async def expected(self, method: str, path: str, timeout: float = 5, **parameters: str) -> "ClientRequest":  # noqa: ASYNC109 - as `expect`
        """`expect` for async tests: the test's event loop keeps running."""
        found = asyncio.run_coroutine_threadsafe(self._replay.expect(method, path, timeout, **parameters), self._loop)
        return await asyncio.wrap_future(found)

    def answer(self, request: str, status: int | None = None, **conditions: Any) -> None:
        """Give further requests an error status, or the usual response later: see `arirecord.replay.api.Replay.answer`.

        `ari.answer("POST /channels/*/play", 500, count=1)`, `ari.answer("GET *", delay_s=2)`.
        """
        self._do(lambda: self._replay.answer(request, status, **conditions))

    def never(self, method: str, path: str, **parameters: str) -> None:
        """Check that this request has not come so far; after `wait_quiet`, that it never does."""
        __tracebackhide__ = True
        self._do(lambda: self._replay.never(method, path, **parameters))

    def wait_quiet(self, quiet_s: float = 0.5, timeout: float = 60) -> None:
        """Wait for the last event, and then until no request came for `quiet_s` seconds. Raises `TimeoutError`.

        In async tests use `quiet`.
        """
        self._wait(self._replay.wait_quiet(quiet_s, timeout), "quiet")

    async def quiet(self, quiet_s: float = 0.5, timeout: float = 60) -> None:  # noqa: ASYNC109 - as `wait_quiet`
        """`wait_quiet` for async tests."""
        waiting = asyncio.run_coroutine_threadsafe(self._replay.wait_quiet(quiet_s, timeout), self._loop)
        await asyncio.wrap_future(waiting)

    def wait_end(self, timeout: float = 60) -> None:
        """Wait until the last event was sent. Raises `TimeoutError`. In async tests use `ended`."""
        self._wait(asyncio.wait_for(self._replay.wait_end(), timeout), "ended")

    async def ended(self) -> None:
        """`wait_end` for async tests."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._replay.wait_end(), self._loop))

    def _wait(self, coroutine: Coroutine[Any, Any, T], instead: str) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
        coroutine.close()
        raise RuntimeError(f"this would hold up the event loop of the test: await ari.{instead}(…) instead")

    def _do(self, action: Callable[[], T]) -> T:
        async def done() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    def _run(self) -> None:
        from arirecord.replay.wire.precise_loop import precise_loop

        with asyncio.Runner(loop_factory=precise_loop) as runner:
            try:
                runner.run(self._serve())
            except BaseException as failure:
                self._failure = failure
            finally:
                self._begun.set()

    async def _serve(self) -> None:
        from arirecord.replay.api import replay

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with replay(self._session, **self._options) as running:
            self._replay: Replay = running
            self.url, self.base_url, self.ws_url, self.app = running.url, running.base_url, running.ws_url, running.app
            self._begun.set()
            await self._stop.wait()
