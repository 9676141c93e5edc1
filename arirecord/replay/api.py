"""The Python API of a running replay: start it, control it, and check the requests of its clients."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial, update_wrapper
from inspect import signature
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec, cast

from arirecord.session.reader import SessionFile

from .control_for_tests import check
from .options import ReplayOptions
from .request_log import ClientRequest, NotAsked, RequestLog, parse_pattern
from .rest.exchange_reader import read_recorded
from .rest.matcher import queued_exchange
from .rest_handler import ClientExchange
from .server import ReplayServer
from .timing.chaos import Fault
from .verify import Compared, Comparison, Differs, Limits, Request, Rule, request_of

__all__ = ["ClientRequest", "Differs", "NotAsked", "Replay", "replay"]

_MOST: Final = 100_000


class Replay:
    """A running replay, made by `arirecord.replay`. `requests` are the requests of clients so far."""

    def __init__(
        self, session: SessionFile | str | Path, options: ReplayOptions, say: Callable[[str], None] | None = None
    ) -> None:
        self._log = RequestLog()
        self._compared: deque[Request] = deque(maxlen=_MOST)
        self.requests: Sequence[ClientRequest] = self._log.all
        self.server = ReplayServer(session, options, say, self._add)
        self.server.further_control = partial(check, self)
        self._sent = self.server.keep_times() if options.pace == "client" and options.loop == 1 else None

    def _add(self, exchange: ClientExchange) -> None:
        self._log.add(ClientRequest.of(exchange.request, exchange.response.status))
        self._compared.append(request_of(exchange))

    @property
    def url(self) -> str:
        """The base URL of ARI, with `/ari`."""
        return f"{self.server.http_url}/ari"

    @property
    def base_url(self) -> str:
        """The same without `/ari`, as most client libraries expect it."""
        return self.server.http_url

    @property
    def ws_url(self) -> str:
        """The WebSocket URL of the events, without `?app=`."""
        return self.server.url

    @property
    def app(self) -> str:
        """The first application of the recording; empty if it has none."""
        return next(iter(self.server.session.header.applications), "")

    def pause(self) -> None:
        """Stop the clock of the replay."""
        self.server.pause()

    def resume(self) -> None:
        """Start the clock again; it runs while a client is connected."""
        self.server.resume()

    def step(self) -> None:
        """Send the next event while the replay is paused."""
        self.server.step()

    def seek(self, position_s: float) -> None:
        """Continue at this position, in seconds after the start of the recording; backwards is possible."""
        self.server.seek(position_s)

    def set_speed(self, speed: float | Literal["max"]) -> None:
        """Change the speed: a factor, or `"max"`."""
        self.server.set_speed(None if speed == "max" else speed)

    def status(self) -> Mapping[str, Any]:
        """Return the state of the replay: `position_s`, `duration_s`, `frames`, `clients`, `finished` and more."""
        return self.server.describe()

    def answer(
        self,
        request: str,
        status: int | None = None,
        delay_s: float = 0,
        count: int | None = None,
        chance: float = 1,
    ) -> None:
        """Give further requests another response: an error `status`, or the usual response after `delay_s` seconds.

        `request` is a pattern, `POST /channels/*/play`; `count` requests are struck (None: all), each with a `chance`.
        Raises `ValueError` for another form, and unless there is either a status from 400 to 599 or a delay.
        """
        pattern = parse_pattern(request)
        if (status is None) == (delay_s <= 0) or not 400 <= (status or 400) <= 599:
            raise ValueError("give either a status from 400 to 599 or a delay_s above 0")
        name, amount = ("rest-slow", delay_s) if status is None else ("rest-status", float(status))
        self.server.add_fault(Fault(name, amount, chance, method=pattern.method, path=pattern.path, count=count))

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event that is not in the recording, with the ids of the client, to the clients of its application.

        `application`, `timestamp` and `asterisk_id` may be missing. The pbx state does not follow it. Raises
        `ValueError` without a `type`.
        """
        if not isinstance(event.get("type"), str):
            raise ValueError("an event needs a type")
        self.server.inject(event)

    async def wait_quiet(self, quiet_s: float = 0.5, timeout: float = 60) -> None:  # noqa: ASYNC109 - as `expect`
        """Wait for the last event, and then until no request came for `quiet_s` seconds. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            await self.wait_end()
            await self._log.wait_quiet(quiet_s)

    def never(self, method: str, path: str, **parameters: str) -> None:
        """Check that this request has not come so far; after `wait_quiet`, that it never does.

        Raises `AssertionError` with the requests that came.
        """
        self._log.never(method, path, parameters)

    def unrecorded(self) -> Sequence[str]:
        """The requests so far that the recording does not have, other than `GET`."""
        recorded = read_recorded(self.server.session)
        keys = {
            one.key.compared for exchange in recorded.exchanges if (one := queued_exchange(exchange, recorded.name_of))
        }
        pairs = zip(self.requests, self._compared, strict=True)
        return [str(request) for request, one in pairs if request.method != "GET" and one.key.compared not in keys]

    async def wait_end(self) -> None:
        """Wait until the last event was sent."""
        await self.server.wait_end()

    async def expect(self, method: str, path: str, timeout: float = 5, **parameters: str) -> ClientRequest:  # noqa: ASYNC109 - the error lists what came instead
        """Wait at most `timeout` seconds for this request of a client and return it. Each request is returned once.

        `path` is without `/ari`, with `*` for any text: `expect("POST", "/channels/*/play", media="sound:hello")`.
        Raises `NotAsked`, an `AssertionError`.
        """
        return await self._log.expect(method, path, parameters, timeout)

    async def expect_in_order(self, *requests: str, timeout: float = 5) -> Sequence[ClientRequest]:  # noqa: ASYNC109 - as `expect`
        """Wait for these requests, each after the one before it, at most `timeout` seconds each; return them.

        Others may come between: `expect_in_order("POST /channels/*/answer", "POST /channels/*/play?media=sound:hi")`.
        Raises `NotAsked`, and `ValueError` for another form.
        """
        return await self._log.expect_in_order(requests, timeout)

    async def verify(
        self,
        *,
        quiet_s: float = 0.5,
        timeout: float = 60,  # noqa: ASYNC109 - as `expect`
        any_order: bool = False,
        max_delay_s: float | None = 1,
        strict: bool = False,
        ignore: Sequence[str] = (),
        app: str | None = None,
    ) -> None:
        """Wait as `wait_quiet` does, then compare all requests with the recorded ones, as `arirecord verify` does.

        `ignore` are rules, `POST /channels?timeout`; `app` is one of the recording's apps, by default the first. Times
        are compared with `pace="client"` only. Raises `Differs`, an `AssertionError` with the differences,
        `VerifyError` if there is nothing to compare, and `TimeoutError`.
        """
        rules = [Rule.parse(text) for text in ignore]
        await self.wait_quiet(quiet_s, timeout)
        limits = Limits(any_order, max_delay_s, strict)
        asked, sent = list(self._compared), None if self._sent is None else list(self._sent)

        def compared() -> Sequence[Compared]:
            return Comparison(self.server.session, app or self.app or None).compare(asked, limits, rules, sent)

        calls = await asyncio.to_thread(compared)
        if not all(call.is_same for call in calls):
            raise Differs(calls)


P = ParamSpec("P")
Function = Callable[[SessionFile | str | Path, ReplayOptions], AbstractAsyncContextManager[Replay]]
Typed = Callable[Concatenate[SessionFile | str | Path, P], AbstractAsyncContextManager[Replay]]


def with_options(make: Callable[P, ReplayOptions]) -> "Callable[[Function], Typed[P]]":
    """Give a function that takes `ReplayOptions` the parameters of their constructor instead, as types too."""

    def decorate(function: Function) -> Typed[P]:
        def call(
            session: SessionFile | str | Path, *args: P.args, **options: P.kwargs
        ) -> AbstractAsyncContextManager[Replay]:
            return function(session, make(*args, **options))

        first, *_ = signature(function).parameters.values()
        parameters = [first, *signature(make).parameters.values()]
        update_wrapper(call, function)
        call.__signature__ = signature(function).replace(parameters=parameters)  # type: ignore[attr-defined]  # any function has one
        return cast(Typed[P], call)

    return decorate


@with_options(ReplayOptions)
@asynccontextmanager
async def replay(session: SessionFile | str | Path, options: ReplayOptions) -> AsyncIterator[Replay]:
    """Replay a session to ARI clients while the block runs, on a free port of this machine.

        async with arirecord.replay("transfer.parquet", speed=50) as ari:
            await my_app.connect(ari.url)
            await ari.expect("POST", "/channels/*/answer")

    The `options` are given by name: those of `ReplayOptions`, such as `speed="max"` and `pace="client"`. Raises
    `NotASession`, `FileNotFoundError`, `ReplayError`, and `TypeError` at the call for an unknown option.
    """
    running = Replay(session, options)
    async with running.server:
        yield running
