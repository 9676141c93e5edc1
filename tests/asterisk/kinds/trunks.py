"""Calls through a carrier, over SIP and IAX2: Asterisk dials itself, so that each is two calls."""

from .desk import Desk, answers, hears, kind, over, talk
from .transfers import joins, passes_on


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
    call = desk.ann.call("2611002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await talk(call, await passes_on(answered, desk.cem))


@kind
async def attended_through_carrier(desk: Desk) -> None:
    call = desk.ann.call("2611002")
    answered = await answers(desk.bob)
    await call.until("up")
    await answered.hold()
    asking = desk.bob.call("2611003")
    asked = await answers(desk.cem)
    await asking.until("up")
    await hears(desk.bob, desk.cem)
    await joins(answered, asking)
    await hears(desk.ann, desk.cem)
    await talk(call, asked)


@kind
async def carried_by_iax(desk: Desk) -> None:
    await talk(desk.ann.call("2621002"), await answers(desk.bob))


@kind
async def carried_by_iax_and_called_hangs_up(desk: Desk) -> None:
    call = desk.ann.call("2621002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
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
