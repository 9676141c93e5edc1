"""The control API, outside `/ari`: pause, resume, step, speed, seek, status."""

import math
from typing import Any, Final, Protocol

from arirecord.errors import ReplayError
from arirecord.replay.rest.messages import RestRequest, RestResponse, error

__all__ = ["FURTHER", "Controlled", "control"]


FURTHER: Final = ("requests", "expect", "answer", "send", "verify")
"""Verbs for tests: `arirecord.replay.control_for_tests` answers them."""

_VERBS: Final = ("status", "pause", "resume", "step", "next-call", "speed", "seek")


class Controlled(Protocol):
    """A replay that can be controlled."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def step(self) -> None: ...
    def next_call(self) -> None: ...
    def set_speed(self, speed: float | None) -> None: ...
    def seek(self, to: str) -> None: ...
    def describe(self) -> dict[str, Any]: ...


def control(replay: Controlled, request: RestRequest) -> RestResponse:
    """Do `POST /control/VERB`, or report `GET /control/status`; each responds with the status after it."""
    verb = request.segments[1] if len(request.segments) == 2 else ""
    if verb not in _VERBS:
        return error(404, f"There are {', '.join((*_VERBS, *FURTHER))}")
    if request.method != ("GET" if verb == "status" else "POST"):
        return error(405, f"Ask with {'GET' if verb == 'status' else 'POST'}")
    given = request.parameters
    if verb == "speed":
        speed = _number(given.get("speed"))
        if given.get("speed") != "max" and not (speed and speed > 0):
            return error(400, "speed is a number above 0, or max")
        replay.set_speed(speed)
    elif verb == "seek":
        try:
            replay.seek(given.get("to", ""))
        except ReplayError as unknown:
            return error(400, str(unknown))
    elif verb == "next-call":
        try:
            replay.next_call()
        except ReplayError as unknown:
            return error(409, str(unknown))
    elif verb == "pause":
        replay.pause()
    elif verb == "resume":
        replay.resume()
    elif verb == "step":
        replay.step()
    return RestResponse(200, replay.describe())


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e9 else None
