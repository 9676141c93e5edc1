"""The Python API of a running replay: start it, control it, and check the requests of its clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import update_wrapper
from inspect import signature
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec, cast

from arirecord.session.reader import SessionFile

from .options import ReplayOptions
from .rest_handler import ClientExchange
from .server import ReplayServer
from .timing.chaos import Fault

__all__ = ["ClientRequest", "NotAsked", "Replay", "replay"]

_SHOWN: Final = 20


class NotAsked(AssertionError):
    """An expected request did not come in time; the text lists the requests that came instead."""


@dataclass(frozen=True)
class ClientRequest:
    """One request of a client, as ARI knows it.

    `method` is for example `POST`. `path` is decoded and without `/ari`. `parameters` are those of query and body, as
    texts. `body` is the JSON of the body, None without JSON. `status` is the HTTP status of the response.
    """

    method: str
    path: str
    parameters: Mapping[str, str]
    body: Any
    status: int

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")

    def fits(self, method: str, path: str, parameters: Mapping[str, str]) -> bool:
        """Whether the request matches. `path` may hold `*` for any text; only the given parameters are compared."""
        same = fnmatchcase(self.method, method.upper()) and fnmatchcase(self.path, path)
        return same and all(self.parameters.get(name) == value for name, value in parameters.items())


class _Requests:
    """The requests of clients so far that ARI knows, in order; `unexpected` are those that no `take` returned."""

    def __init__(self) -> None:
        self.all: list[ClientRequest] = []
        self.unexpected: list[ClientRequest] = []
        self.arrived = asyncio.Event()

    def add(self, exchange: ClientExchange) -> None:
        request = exchange.request
        path = "/" + "/".join(request.segments)
        status = exchange.response.status
        received = ClientRequest(request.method, path, request.parameters, request.document, status)
        self.all.append(received)
        self.unexpected.append(received)
        self.arrived.set()

    def take(self, method: str, path: str, parameters: Mapping[str, str]) -> ClientRequest | None:
        match = next((one for one in self.unexpected if one.fits(method, path, parameters)), None)
        if match is not None:
            self.unexpected.remove(match)
        return match


class Replay:
    """A running replay, made by `arirecord.replay`. `requests` are the requests of clients so far that ARI knows."""

    def __init__(self, session: SessionFile | str | Path, options: ReplayOptions) -> None:
        self._requests = _Requests()
        self.requests: Sequence[ClientRequest] = self._requests.all
        self.server = ReplayServer(session, options, on_exchange=self._requests.add)

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
        method, _, path = request.partition(" ")
        if not path.startswith(("/", "*")):
            raise ValueError(f"{request!r} is not METHOD /PATH, as in 'POST /channels/*/play'")
        if (status is None) == (delay_s <= 0) or not 400 <= (status or 400) <= 599:
            raise ValueError("give either a status from 400 to 599 or a delay_s above 0")
        name, amount = ("rest-slow", delay_s) if status is None else ("rest-status", float(status))
        self.server.add_fault(Fault(name, amount, chance, method=method.upper(), path=path, count=count))

    async def wait_quiet(self, quiet_s: float = 0.5, timeout: float = 60) -> None:  # noqa: ASYNC109 - as `expect`
        """Wait for the last event, and then until no request came for `quiet_s` seconds. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            await self.wait_end()
            while True:
                self._requests.arrived.clear()
                try:
                    async with asyncio.timeout(quiet_s):
                        await self._requests.arrived.wait()
                except TimeoutError:
                    return

    def never(self, method: str, path: str, **parameters: str) -> None:
        """Check that this request has not come so far; after `wait_quiet`, that it never does.

        Raises `AssertionError` with the requests that came.
        """
        found = [str(request) for request in self.requests if request.fits(method, path, parameters)]
        if found:
            raise AssertionError("\n".join([f"{len(found)} requests that must not come:", *found[:_SHOWN]]))

    async def wait_end(self) -> None:
        """Wait until the last event was sent."""
        await self.server.wait_end()

    async def expect(self, method: str, path: str, timeout: float = 5, **parameters: str) -> ClientRequest:  # noqa: ASYNC109 - the error lists what came instead
        """Wait at most `timeout` seconds for this request of a client and return it. Each request is returned once.

        `path` is without `/ari`, with `*` for any text: `expect("POST", "/channels/*/play", media="sound:hello")`.
        Raises `NotAsked`, an `AssertionError`.
        """
        try:
            async with asyncio.timeout(timeout):
                while (request := self._requests.take(method, path, parameters)) is None:
                    self._requests.arrived.clear()
                    await self._requests.arrived.wait()
                return request
        except TimeoutError:
            wanted = ClientRequest(method, path, parameters, None, 0)
            raise NotAsked(_in_vain(wanted, timeout, self._requests.unexpected)) from None


def _in_vain(wanted: ClientRequest, seconds: float, others: Sequence[ClientRequest]) -> str:
    text = f"No request {wanted} within {seconds:g} s"
    if not others:
        return f"{text}; no other request either"
    shown = [f"  {request}" for request in others[-_SHOWN:]]
    more = [f"  … and {len(others) - _SHOWN} before these"] if len(others) > _SHOWN else []
    return "\n".join([f"{text}; requests that were not expected:", *more, *shown])


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
        call.__signature__ = signature(function).replace(parameters=parameters)  # type: ignore[attr-defined]
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
