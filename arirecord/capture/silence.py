"""Notice a connection that is open but delivers no events: the switch is asked whether anything has changed there.

Asterisk itself makes one: if a client connects while the connection of another client of its application ends, Asterisk
removes the application after the new client has it.
"""

import asyncio
from collections.abc import Callable
from itertools import chain, repeat
from typing import NamedTuple

from .connect import CaptureOptions
from .rest_snapshots import RestRecorder

__all__ = ["SilenceWatch"]

_GRACE_S = 2.0
"""Time that an event may take after the change that it reports."""
_FIRST_WAITS_S = (1.0, 4.0)
_MAX_MISSES = 3
"""Connections without an application, after which the server is one that does not list applications."""


class _State(NamedTuple):
    """The state of a switch: whether it has the application; its channels, if each change of them is an event."""

    has_application: bool
    channels: frozenset[tuple[str, str]] | None


class SilenceWatch:
    """Watches the connections of one recording; `path` is that of the application.

    A connection is looked at after 1 s, after 5 s, and then every `options.keepalive_s`, if no event arrived since.
    """

    def __init__(self, options: CaptureOptions, path: str) -> None:
        self._options = options
        self._path = path
        self._miss_count = 0

    async def until_deaf(self, rest: RestRecorder, count_events: Callable[[], int]) -> str:
        """Wait until the state of the switch changes while no event arrives, and return a sentence about it.

        `count_events` returns the number of events so far.
        """
        keepalive_s = self._options.keepalive_s
        count, before = count_events(), await self._state(rest)
        for wait_s in chain(_FIRST_WAITS_S, repeat(keepalive_s)):
            await asyncio.sleep(min(wait_s, keepalive_s))
            if count_events() != count:
                count, before = count_events(), None
                continue
            after = await self._state(rest)
            if after is not None and count_events() == count:
                if not after.has_application and self._is_loss(before):
                    self._miss_count += 1
                    return "no event came although the application was gone at the switch"
                if before is not None and _is_changed(before, after):
                    await asyncio.sleep(min(_GRACE_S, keepalive_s))
                    if count_events() == count:
                        return "no event came although channels changed at the switch"
            before = after if count_events() == count else None
        raise AssertionError  # the waits do not end

    def _is_loss(self, before: _State | None) -> bool:
        """Return whether an application that is not there was lost; some servers do not list applications."""
        return (before is not None and before.has_application) or self._miss_count < _MAX_MISSES

    async def _state(self, rest: RestRecorder) -> _State | None:
        state = await _state(self._options, self._path, rest)
        if state is not None and state.has_application:
            self._miss_count = 0
        return state


def _is_changed(before: _State, after: _State) -> bool:
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
