"""Making all kinds of calls, one after the other, with the same telephones."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress

from tests.real_asterisk.phone import Phone, eventually
from tests.real_asterisk.switch import Asterisk

from .desk import KINDS, Desk

__all__ = ["Spans", "make"]

Spans = dict[str, tuple[float, float]]
"""When each kind was made: seconds since the epoch, from and to."""


async def make(asterisk: Asterisk, names: Iterable[str]) -> tuple[Spans, dict[str, str]]:
    """Make each kind, the next when all channels of the last are gone. Returns when each was, and what failed."""
    spans: Spans = {}
    failed: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        desk = Desk(
            asterisk,
            *[
                await stack.enter_async_context(Phone.at(asterisk.sip_port, number, asterisk.password))
                for number in ("1001", "1002", "1003", "1004")
            ],
        )
        for name in names:
            for phone in desk.phones:
                await phone.register()
            began = time.time()
            try:
                async with asyncio.timeout(20):
                    await KINDS[name](desk)
            except (TimeoutError, AssertionError) as error:
                failed[name] = repr(error)
            await _clear(desk, by_force=name in failed)
            spans[name] = began, time.time()
    return spans, failed


async def _clear(desk: Desk, by_force: bool) -> None:
    for phone in desk.phones:
        for call in phone.calls:
            if call.state == "up":
                await call.hangup()
        phone.calls.clear()
        while not phone.incoming.empty():
            phone.incoming.get_nowait()
    for channel in desk.asterisk.ari("GET", "channels") if by_force else ():
        with suppress(LookupError):  # gone meanwhile
            desk.asterisk.ari("DELETE", f"channels/{channel['id']}")
    await eventually(lambda: not desk.asterisk.ari("GET", "channels"), "all channels are gone")
