"""Calls through a carrier, over SIP and IAX2: Asterisk dials itself, so that each is two calls."""

from .chains import joined_through
from .desk import Desk, answers, kind, over, talk
from .transfers import connected, passes_on


@kind
async def carried(desk: Desk) -> None:
    await talk(desk.ann.call("2611002"), await answers(desk.bob))


@kind
async def carried_to_busy(desk: Desk) -> None:
    call = desk.ann.call("2611002")
    (await desk.bob.rings()).reject()
    await over(call)


@kind
async def carrier_transfers(desk: Desk) -> None:
    """Beyond the carrier: here only the called number changes."""
    call, answered = await connected(desk.ann, desk.bob, "2611002")
    await talk(call, await passes_on(answered, desk.cem))


@kind
async def attended_through_carrier(desk: Desk) -> None:
    await joined_through(desk, "261")


@kind
async def carried_by_iax(desk: Desk) -> None:
    await talk(desk.ann.call("2621002"), await answers(desk.bob))


@kind
async def carried_by_iax_and_called_hangs_up(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob, "2621002")
    await answered.hangup()
    await over(call)


@kind
async def carried_by_iax_to_busy(desk: Desk) -> None:
    call = desk.ann.call("2621002")
    (await desk.bob.rings()).reject()
    await over(call)


@kind
async def carried_by_iax_given_up(desk: Desk) -> None:
    call = desk.ann.call("2621002")
    ringing = await desk.bob.rings()
    await call.until("ringing")
    await call.cancel()
    await over(ringing)
