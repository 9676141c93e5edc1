"""Recordings as fixtures: a pytest plugin. It is installed with arirecord, and loads nothing until a test uses it.

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
    """Make the mark known."""
    config.addinivalue_line("markers", _MARK)


@pytest.fixture
def ari(request: pytest.FixtureRequest) -> "Iterator[Ari]":
    """The recording of the test's mark `arirecord`, replayed while the test runs.

    It is looked for beside the test's file, then from where pytest has its root.
    """
    mark = request.node.get_closest_marker("arirecord")
    if mark is None or not mark.args:
        raise pytest.UsageError(
            'the fixture `ari` wants to know what to replay: @pytest.mark.arirecord("FILE.parquet")'
        )
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
    raise pytest.UsageError(f"there is no recording {tried[0]}, nor {tried[1]}")


class Ari:
    """A replay in a thread of its own, so that tests of any kind can use it. Options are those of `arirecord.replay`.

    `url` is where ARI is (`http://127.0.0.1:40123/ari`), `base_url` the same without `/ari`, `ws_url` where the events
    are (a client adds `?app=`), `app` the first application of the recording.
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
        """What clients asked so far: `method`, `path`, `parameters`, `body`, `status` each."""
        return tuple(self._replay.requests)

    @property
    def status(self) -> Mapping[str, Any]:
        """Where it is, and how it does: `position_s`, `duration_s`, `frames`, `clients`, `finished` and more."""
        return self._do(self._replay.status)

    def pause(self) -> None:
        """Let time stand still."""
        self._do(self._replay.pause)

    def resume(self) -> None:
        """Let time run again, while a client is there."""
        self._do(self._replay.resume)

    def step(self) -> None:
        """While time stands still: send the next event."""
        self._do(self._replay.step)

    def seek(self, position_s: float) -> None:
        """Go on from so many seconds after the start of the recording, also back."""
        self._do(lambda: self._replay.seek(position_s))

    def set_speed(self, speed: float | Literal["max"]) -> None:
        """Go on at another speed."""
        self._do(lambda: self._replay.set_speed(speed))

    def expect(self, method: str, path: str, timeout: float = 5, **parameters: str) -> "ClientRequest":
        """Wait until a client has asked this, at most so many seconds, and return it; each request is returned once.

        `path` is without `/ari`, with `*` for any text: `expect("POST", "/channels/*/play", media="sound:hello")`.
        Raises `NotAsked`, an `AssertionError` that says what was asked instead. In an async test: `expected`.
        """
        return self._wait(self._replay.expect(method, path, timeout, **parameters), "expected")

    async def expected(self, method: str, path: str, timeout: float = 5, **parameters: str) -> "ClientRequest":  # noqa: ASYNC109 - as `expect`
        """`expect` for async tests: what runs in the test's event loop goes on meanwhile."""
        found = asyncio.run_coroutine_threadsafe(self._replay.expect(method, path, timeout, **parameters), self._loop)
        return await asyncio.wrap_future(found)

    def wait_end(self, timeout: float = 60) -> None:
        """Wait until the last event was sent. Raises `TimeoutError`. In an async test: `ended`."""
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
        import selectors

        # select() sleeps to the microsecond, epoll to the millisecond.
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
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
