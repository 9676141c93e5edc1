"""The control API for tests in any language: requests of clients, expectations, responses, verification."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from arirecord.errors import ArirecordError

from .request_log import ClientRequest, NotAsked
from .rest.messages import RestRequest, RestResponse, error
from .verify import Differs

__all__ = ["Checked", "check"]

_METHODS: Final = {"requests": "GET", "expect": "POST", "answer": "POST", "send": "POST", "verify": "POST"}


class Checked(Protocol):
    """A replay whose clients can be checked, as `Replay`."""

    @property
    def requests(self) -> Sequence[ClientRequest]: ...
    async def expect_in_order(self, *requests: str, timeout: float = 5) -> Sequence[ClientRequest]: ...  # noqa: ASYNC109 - as `Replay`
    def answer(
        self, request: str, status: int | None = None, delay_s: float = 0, count: int | None = None, chance: float = 1
    ) -> None: ...
    def send(self, event: Mapping[str, Any]) -> None: ...
    async def verify(
        self,
        *,
        quiet_s: float = 0.5,
        timeout: float = 60,  # noqa: ASYNC109 - as `Replay`
        any_order: bool = False,
        max_delay_s: float | None = 1,
        strict: bool = False,
        ignore: Sequence[str] = (),
        app: str | None = None,
    ) -> None: ...


async def check(replay: Checked, request: RestRequest) -> RestResponse | None:
    """Answer a request to `/control/requests`, `expect`, `answer`, `send` or `verify`; None for any other path.

    A failed check has status 409 and a text, `{"message": …}`.
    """
    verb = request.segments[1] if len(request.segments) == 2 else ""
    if verb not in _METHODS:
        return None
    if request.method != _METHODS[verb]:
        return error(405, f"Ask with {_METHODS[verb]}")
    given = dict(request.document) if isinstance(request.document, dict) else dict(request.parameters)
    try:
        return RestResponse(200, await _value(replay, verb, given))
    except (NotAsked, Differs) as failed:
        return error(409, str(failed))
    except (ValueError, TypeError, KeyError) as wrong:
        text = f"{wrong.args[0]} is missing" if isinstance(wrong, KeyError) else str(wrong)
        return error(400, text)
    except asyncio.CancelledError:
        return error(503, "The replay ends")
    except TimeoutError:
        return error(409, "The recording did not end in time")
    except ArirecordError as failed:
        return error(409, str(failed))


async def _value(replay: Checked, verb: str, given: dict[str, Any]) -> Any:
    if verb == "requests":
        return [_shown(request) for request in replay.requests]
    if verb == "expect":
        timeout_s = _number(given.get("timeout", 5))
        requests = given["request"]
        listed = [requests] if isinstance(requests, str) else [str(text) for text in requests]
        matched = await replay.expect_in_order(*listed, timeout=timeout_s)
        return _shown(matched[0]) if isinstance(requests, str) else [_shown(one) for one in matched]
    if verb == "answer":
        status = given.get("status")
        count = given.get("count")
        replay.answer(
            str(given["request"]),
            None if status is None else int(status),
            delay_s=_number(given.get("delay_s", 0)),
            count=None if count is None else int(count),
            chance=_number(given.get("chance", 1)),
        )
        return {}
    if verb == "send":
        replay.send(given)
        return {}
    ignore = given.get("ignore", ())
    await replay.verify(
        quiet_s=_number(given.get("quiet_s", 0.5)),
        timeout=_number(given.get("timeout", 60)),
        any_order=_is_true(given.get("any_order", False)),
        max_delay_s=None if given.get("max_delay_s", 1) is None else _number(given.get("max_delay_s", 1)),
        strict=_is_true(given.get("strict", False)),
        ignore=[ignore] if isinstance(ignore, str) else [str(rule) for rule in ignore],
        app=given.get("app"),
    )
    return {}


def _shown(request: ClientRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.path,
        "parameters": dict(request.parameters),
        "body": request.body,
        "status": request.status,
    }


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or not 0 <= number < 1e6:
        raise ValueError(f"{value!r} is not a number of seconds")
    return number


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() in ("1", "true", "yes", "on")
