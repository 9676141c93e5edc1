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

from arirecord.testing_check import check_recording, find_beside_test

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextlib import AbstractAsyncContextManager

    from arirecord.replay.api import Replay
    from arirecord.replay.request_log import ClientRequest
    from arirecord.testing_recording import LiveRun

__all__ = [
    "Ari", "ari", "check_recording", "pytest_addoption", "pytest_configure", "pytest_runtest_makereport",
    "pytest_terminal_summary",
]  # fmt: skip

T = TypeVar("T")

_MARK = (
    'arirecord(session, *, app="", speed=1, **options): the recording that the fixture `ari` replays, with the options '
    "of arirecord.replay; app names the app while a recording is made"
)
_PASSED = pytest.StashKey[bool]()
_NOTES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that make recordings."""
    group = parser.getgroup("arirecord")
    group.addoption(
        "--arirecord-record",
        metavar="URL",
        help="record missing recordings with the Asterisk at this URL of ARI, such as http://pbx:8088/ari",
    )
    group.addoption(
        "--arirecord-mode",
        choices=["none", "once", "new", "all"],
        default="once",
        help="with --arirecord-record: none records nothing; once (default) records what is missing; new also puts "
        "aside a recording that lacks a request of its test, so that the next run records it; all records all again",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", _MARK)
    config.stash[_NOTES] = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note whether a test passed."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when == "call":
        item.stash[_PASSED] = report.passed


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the recordings that were made."""
    for note in config.stash[_NOTES]:
        terminalreporter.write_line(f"arirecord: {note}")


@pytest.fixture
def ari(request: pytest.FixtureRequest) -> "Iterator[Ari]":
    """Replay the recording of the test's mark `arirecord` while the test runs, or record it (`--arirecord-record`).

    A relative path is looked up beside the test's file, then under the root folder of pytest.
    """
    mark = request.node.get_closest_marker("arirecord")
    if mark is None or not mark.args:
        raise pytest.UsageError('the fixture `ari` needs a recording: @pytest.mark.arirecord("FILE.parquet")')
    name, *rest = mark.args
    if rest:
        raise pytest.UsageError("the mark arirecord takes one recording, and options by name")
    upstream, mode = request.config.getoption("--arirecord-record"), request.config.getoption("--arirecord-mode")
    upstream = None if mode == "none" else upstream
    options = {key: value for key, value in mark.kwargs.items() if key != "app"}
    path = find_beside_test(Path(name), request, may_miss=True)
    if upstream is None and not path.exists():
        raise pytest.UsageError(f"recording not found: {path}; --arirecord-record=URL makes it")
    notes = request.config.stash[_NOTES]
    if upstream is not None and (mode == "all" or not path.exists()):
        unfinished = path.with_name(f"{path.stem}.failed.parquet")
        with Ari(unfinished, upstream, app=mark.kwargs.get("app", "")) as running:
            yield running
        if request.node.stash.get(_PASSED, False):
            unfinished.replace(path)
            notes.append(f"recorded {path}")
        else:
            notes.append(f"the test failed, so {path} was not recorded; what happened is in {unfinished}")
        return
    with Ari(path, **options) as running:
        yield running
        unrecorded = running.unrecorded() if upstream is not None and mode == "new" else ()
    if unrecorded:
        aside = path.rename(path.with_name(f"{path.name}.old"))
        notes.append(f"{path} lacks {unrecorded[0]}: it is {aside.name} now, and the next run records it again")


class Ari:
    """A replay in its own thread, for tests of any kind. Options are those of `arirecord.replay`.

    With an `upstream`, the URL of a real ARI, the test runs with that instead (`is_recording`), and `session` is
    recorded: replaced if it exists. The only option is then `app`, the app's name.

    `url` is the base URL of ARI (`http://127.0.0.1:40123/ari`), `base_url` the same without `/ari`, `ws_url` the
    WebSocket URL of the events (without `?app=`), `app` the first application of the recording.
    """

    def __init__(self, session: str | Path, upstream: str | None = None, **options: Any) -> None:
        self.is_recording = upstream is not None
        self._upstream = upstream
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
        __tracebackhide__ = True
        return await self._await(self._replay.expect(method, path, timeout, **parameters))

    def expect_in_order(self, *requests: str, timeout: float = 5) -> "Sequence[ClientRequest]":
        """Wait for these requests, each after the one before it; others may come between. Return them.

        `expect_in_order("POST /channels/*/answer", "POST /channels/*/play?media=sound:hello")`. Raises `NotAsked`. In
        async tests use `expected_in_order`.
        """
        __tracebackhide__ = True
        return self._wait(self._replay.expect_in_order(*requests, timeout=timeout), "expected_in_order")

    async def expected_in_order(self, *requests: str, timeout: float = 5) -> "Sequence[ClientRequest]":  # noqa: ASYNC109 - as `expect`
        """`expect_in_order` for async tests."""
        __tracebackhide__ = True
        return await self._await(self._replay.expect_in_order(*requests, timeout=timeout))

    def verify(self, **options: Any) -> None:
        """Wait as `wait_quiet` does, then compare all requests with the recorded ones, as `arirecord verify` does.

        Raises `Differs`, an `AssertionError` with the differences as a diff. Options: `any_order`, `max_delay_s`,
        `strict`, `ignore=["POST /channels?timeout"]`, `app`, `quiet_s`, `timeout`. In async tests use `verified`.
        """
        __tracebackhide__ = True
        self._wait(self._replay.verify(**options), "verified")

    async def verified(self, **options: Any) -> None:
        """`verify` for async tests."""
        __tracebackhide__ = True
        await self._await(self._replay.verify(**options))

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event that is not in the recording to the app, with the ids that the app knows.

        `ari.send({"type": "ChannelDtmfReceived", "digit": "1", "duration_ms": 100, "channel": {"id": …}})`. The state
        that `GET` requests show does not follow it. Raises `ValueError` without a `type`.
        """
        self._do(lambda: self._replay.send(event))

    def answer(self, request: str, status: int | None = None, **conditions: Any) -> None:
        """Give further requests an error status, or the usual response later: see `arirecord.replay.api.Replay.answer`.

        `ari.answer("POST /channels/*/play*", 500, count=1)`, `ari.answer("GET *", delay_s=2)`.
        """
        self._do(lambda: self._replay.answer(request, status, **conditions))

    def unrecorded(self) -> "Sequence[str]":
        """The requests so far that the recording does not have, other than `GET`."""
        replay = self._replay
        return self._do(lambda: () if self.is_recording else replay.unrecorded())  # type: ignore[union-attr]  # checked

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
        await self._await(self._replay.wait_quiet(quiet_s, timeout))

    def wait_end(self, timeout: float = 60) -> None:
        """Wait until the last event was sent. Raises `TimeoutError`. In async tests use `ended`."""
        self._wait(asyncio.wait_for(self._replay.wait_end(), timeout), "ended")

    async def ended(self) -> None:
        """`wait_end` for async tests."""
        await self._await(self._replay.wait_end())

    async def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        __tracebackhide__ = True
        failure: AssertionError
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))
        except AssertionError as error:
            failure = error.with_traceback(None)
        raise failure  # without the frames in which it was found

    def _wait(self, coroutine: Coroutine[Any, Any, T], instead: str) -> T:
        __tracebackhide__ = True
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._result(asyncio.run_coroutine_threadsafe(coroutine, self._loop))
        coroutine.close()
        raise RuntimeError(f"this would hold up the event loop of the test: await ari.{instead}(…) instead")

    def _do(self, action: Callable[[], T]) -> T:
        __tracebackhide__ = True

        async def done() -> T:
            return action()

        return self._result(asyncio.run_coroutine_threadsafe(done(), self._loop))

    @staticmethod
    def _result(future: "Future[T]") -> T:
        __tracebackhide__ = True
        failure: AssertionError
        try:
            return future.result()
        except AssertionError as error:
            failure = error.with_traceback(None)
        raise failure  # without the frames in which it was found

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
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._open() as running:
            self._replay: Replay | LiveRun = running
            self.url, self.base_url, self.ws_url, self.app = running.url, running.base_url, running.ws_url, running.app
            self._begun.set()
            await self._stop.wait()

    def _open(self) -> "AbstractAsyncContextManager[Replay | LiveRun]":
        from arirecord.replay.api import replay

        if self._upstream is None:
            return replay(self._session, **self._options)
        from arirecord.testing_recording import live_run

        return live_run(Path(self._session), self._upstream, **self._options)
