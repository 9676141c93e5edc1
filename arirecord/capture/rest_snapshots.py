"""Send REST requests to an ARI, and record the exchanges."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from arirecord.json_text import json_value
from arirecord.session.rows import body_fields

from .address import Address
from .recorder import Recorder

__all__ = ["RestRecorder", "take_snapshot"]

SNAPSHOT = ("/asterisk/info", "/applications", "/channels", "/bridges", "/endpoints", "/deviceStates", "/sounds")
"""Requests for the state before the recording, or after a gap."""

DOCUMENTS = "/api-docs/resources.json"

_LONGEST_BODY = 1 << 24
_LONGEST_ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class SnapshotResponse:
    """A response: HTTP `status`, the body, and for JSON its `value`."""

    status: int
    body: bytes

    @property
    def value(self) -> Any:
        """Return the body as JSON; None for any other body."""
        return json_value(self.body)


class RestRecorder:
    """An ARI's REST interface. `async with Rest(address) as rest: await rest.ask("GET", "/channels")`.

    Exchanges become rows of `recorder` after it is set. An answer of more than 16 MiB, or of more than a minute, is
    not read to its end.
    """

    def __init__(self, address: Address, timeout_s: float = 10) -> None:
        self.recorder: Recorder | None = None
        auth = (address.user, address.password or "") if address.user is not None else None
        self._base = address.http_base
        # No proxy from the environment: the recorder connects to the PBX directly.
        self._client = httpx2.AsyncClient(
            auth=auth, timeout=timeout_s, verify=address.tls if address.tls is not None else True, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self, method: str, path: str, body: Any = None, *, is_recorded: bool = True
    ) -> SnapshotResponse | None:
        """Make one exchange; `body` is sent as JSON. None without a complete response."""
        content = orjson.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if content is not None else {}
        plain = {"Accept-Encoding": "identity"}  # a few compressed bytes could become any number
        began = time.monotonic_ns()
        status, reason, answered, content_type = None, None, b"", None
        try:
            async with (
                asyncio.timeout(_LONGEST_ANSWER_S),
                self._client.stream(
                    method, self._base + path, content=content, headers={**headers, **plain}
                ) as response,
            ):
                answered = await _body(response)
                status, reason = response.status_code, response.reason_phrase
                content_type = response.headers.get("content-type")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:  # must not end a recording
            reason = f"no answer: {error or type(error).__name__}"
        if self.recorder is not None and is_recorded:
            self.recorder.rest(
                method,
                by="recorder",
                transport="http",
                uri=path,
                request_type=headers.get("Content-Type"),
                **body_fields("request", content),
                status=status,
                reason=reason,
                answer_type=content_type,
                **body_fields("answer", answered if status is not None else None),
                duration_ns=time.monotonic_ns() - began,
            )
        return None if status is None else SnapshotResponse(status, answered)


async def _body(response: httpx2.Response) -> bytes:
    """Return the body as it was sent. Raises `ValueError` if it is too long."""
    body = bytearray()
    async for data in response.aiter_raw():
        body += data
        if len(body) > _LONGEST_BODY:
            raise ValueError(f"the body has more than {_LONGEST_BODY:,} bytes")
    return bytes(body)


async def take_snapshot(rest: RestRecorder) -> None:
    """Request the complete state, and the PBX's own description of its ARI."""
    for path in SNAPSHOT:
        await rest.ask("GET", path)
    documents = await rest.ask("GET", DOCUMENTS)
    for path in _listed(documents.value if documents else None):
        await rest.ask("GET", path)


def _listed(resources: Any) -> Sequence[str]:
    """Return the paths of the declarations in a resource list, `/api-docs/channels.{format}` as `.json`."""
    entries = resources.get("apis") if isinstance(resources, dict) else None
    paths = [entry.get("path") for entry in entries or [] if isinstance(entry, dict)]
    return [path.replace("{format}", "json") for path in paths if isinstance(path, str) and path.startswith("/")][:50]
