"""The requests of a replay's clients, for tests: wait for them, check their order, or that they never came."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import parse_qsl

from .rest.messages import RestRequest

__all__ = ["ClientRequest", "NotAsked", "RequestLog", "parse_pattern"]

_SHOWN: Final = 20
_MOST: Final = 100_000


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

    @classmethod
    def of(cls, request: RestRequest, status: int) -> "ClientRequest":
        """The same of a request that was answered with this status."""
        path = "/" + "/".join(request.segments)
        return cls(request.method, path, request.parameters, request.document, status)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")

    def fits(self, method: str, path: str, parameters: Mapping[str, str]) -> bool:
        """Whether the request matches. `path` may hold `*` for any text; only the given parameters are compared."""
        same = fnmatchcase(self.method, method.upper()) and fnmatchcase(self.path, path)
        return same and all(self.parameters.get(name) == value for name, value in parameters.items())


class RequestLog:
    """The requests of clients so far, in order: the latest 100,000."""

    def __init__(self) -> None:
        self.all: deque[ClientRequest] = deque(maxlen=_MOST)
        self.arrived = asyncio.Event()
        self._count = 0
        self._unexpected: dict[int, ClientRequest] = {}

    def add(self, request: ClientRequest) -> None:
        """Add the next request."""
        self.all.append(request)
        self._unexpected[self._count] = request
        self._count += 1
        if len(self._unexpected) > _MOST:
            del self._unexpected[next(iter(self._unexpected))]
        self.arrived.set()

    async def expect(self, method: str, path: str, parameters: Mapping[str, str], within_s: float) -> ClientRequest:
        """Wait for a request and return it. Each request is returned once. Raises `NotAsked`."""
        pattern = ClientRequest(method, path, parameters, None, 0)
        return (await self._within(within_s, pattern, str(pattern)))[1]

    async def expect_in_order(self, requests: Sequence[str], within_s: float) -> list[ClientRequest]:
        """Wait for requests, each after the one before it; others may come between. Returns them.

        `requests` are patterns, `POST /channels/*/play?media=sound:hello`. Raises `NotAsked`, and `ValueError` for
        another form.
        """
        matched: list[ClientRequest] = []
        number = -1
        for text, pattern in [(text, parse_pattern(text)) for text in requests]:
            number, request = await self._within(within_s, pattern, text, number, matched)
            matched.append(request)
        return matched

    async def wait_quiet(self, quiet_s: float) -> None:
        """Wait until no request came for `quiet_s` seconds."""
        while True:
            self.arrived.clear()
            try:
                async with asyncio.timeout(quiet_s):
                    await self.arrived.wait()
            except TimeoutError:
                return

    def never(self, method: str, path: str, parameters: Mapping[str, str]) -> None:
        """Check that a request has not come so far. Raises `AssertionError` with the requests that came."""
        unwanted = [str(request) for request in self.all if request.fits(method, path, parameters)]
        if unwanted:
            raise AssertionError("\n".join([f"{len(unwanted)} requests that must not come:", *unwanted[:_SHOWN]]))

    async def _within(
        self, within_s: float, pattern: ClientRequest, text: str, after: int = -1, matched: Sequence[ClientRequest] = ()
    ) -> tuple[int, ClientRequest]:
        """The next unexpected request that fits, after the one with a number, which is the last one `matched`."""
        try:
            async with asyncio.timeout(within_s):
                while (number := self._number(pattern, after)) is None:
                    self.arrived.clear()
                    await self.arrived.wait()
                return number, self._unexpected.pop(number)
        except TimeoutError:
            if (early := self._number(pattern, -1)) is not None:
                raise NotAsked(f"{self._unexpected[early]} came before {matched[-1]}, not after it") from None
            raise NotAsked(_in_vain(text, within_s, self._unexpected.values())) from None

    def _number(self, pattern: ClientRequest, after: int) -> int | None:
        fits = (n for n, one in self._unexpected.items() if one.fits(pattern.method, pattern.path, pattern.parameters))
        return next((number for number in fits if number > after), None)


def parse_pattern(text: str) -> ClientRequest:
    """The pattern of a request, `POST /channels/*/play?media=sound:hello`. Raises `ValueError` for another form."""
    method, _, rest = text.strip().partition(" ")
    path, _, query = rest.strip().partition("?")
    if not path.startswith(("/", "*")):
        raise ValueError(f"{text!r} is not METHOD /PATH, as in 'POST /channels/*/play'")
    return ClientRequest(method.upper(), path, dict(parse_qsl(query, keep_blank_values=True)), None, 0)


def _in_vain(pattern: str, seconds: float, others: Iterable[ClientRequest]) -> str:
    text = f"No request {pattern} within {seconds:g} s"
    if not (listed := list(others)):
        return f"{text}; no other request either"
    shown = [f"  {request}" for request in listed[-_SHOWN:]]
    more = [f"  … and {len(listed) - _SHOWN} before these"] if len(listed) > _SHOWN else []
    return "\n".join([f"{text}; requests that were not expected:", *more, *shown])
