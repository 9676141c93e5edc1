"""Notice a connection that is open but delivers no events: the switch is asked whether anything has changed there."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from .connect import CaptureOptions
from .rest_snapshots import RestRecorder

__all__ = ["until_deaf"]

_GRACE_S = 2.0
"""Time that an event may take after the change that it reports."""


class _State(NamedTuple):
    """The state of a switch: whether it has the application; its channels, if each change of them is an event."""

    has_application: bool
    channels: frozenset[tuple[str, str]] | None


async def until_deaf(options: CaptureOptions, path: str, rest: RestRecorder, count_events: Callable[[], int]) -> str:
    """Wait until the state of the switch changes while no event arrives, and return a sentence about it.

    `path` is that of the application, `count_events` returns the number of events so far. A silent connection is
    looked at every `options.keepalive_s`.
    """
    count = count_events()
    before = await _state(options, path, rest)
    while True:
        await asyncio.sleep(options.keepalive_s)
        if count_events() != count:
            count, before = count_events(), None
            continue
        after = await _state(options, path, rest)
        if before is not None and after is not None and _is_changed(before, after):
            await asyncio.sleep(min(_GRACE_S, options.keepalive_s))
            if count_events() == count:
                lost = "the application was gone" if not after.has_application else "channels changed"
                return f"no event came although {lost} at the switch"
        before = after if count_events() == count else None


def _is_changed(before: _State, after: _State) -> bool:
    if before.has_application and not after.has_application:
        return True
    return None not in (before.channels, after.channels) and before.channels != after.channels


async def _state(options: CaptureOptions, path: str, rest: RestRecorder) -> _State | None:
    """Ask the switch; None if it does not answer as one."""
    application = await rest.ask("GET", path, is_recorded=False)
    if application is None or application.status not in (200, 404):
        return None
    is_filtered = bool(options.allowed or options.disallowed)
    if isinstance(application.value, dict):  # another program may have set a filter
        is_filtered |= bool(application.value.get("events_allowed") or application.value.get("events_disallowed"))
    channels = None
    if options.subscribe_all and not is_filtered:
        listed = await rest.ask("GET", "/channels", is_recorded=False)
        if listed is not None and listed.status == 200 and isinstance(listed.value, list):
            entries = [entry for entry in listed.value if isinstance(entry, dict)]
            channels = frozenset((str(entry.get("id")), str(entry.get("state"))) for entry in entries)
    return _State(application.status == 200, channels)
