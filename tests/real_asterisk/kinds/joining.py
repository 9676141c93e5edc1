"""Channels that meet otherwise than by a dial: pickup, takeover, listening, waiting rooms, conferences."""

from .desk import Desk, answers, hears, kind, over, talk


async def picked_up(desk: Desk, code: str, number: str = "1002") -> None:
    call = desk.ann.call("1002")
    ringing = await desk.bob.rings()
    await call.until("ringing")
    taker = await desk.cem.call(code + number).until("up")
    await talk(call, taker)
    await over(ringing)


@kind
async def picked_up_by_channel(desk: Desk) -> None:
    await picked_up(desk, "*81")


@kind
async def picked_up_by_extension(desk: Desk) -> None:
    await picked_up(desk, "*82")


@kind
async def taken_over(desk: Desk) -> None:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    taker = desk.cem.call("*831001")
    await over(answered)
    await talk(call, await taker.until("up"))


@kind
async def listened_to(desk: Desk) -> None:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    spy = await desk.cem.call("*841001").until("up")
    await hears(desk.ann, desk.bob, desk.cem)
    await spy.hangup()
    await talk(call, answered)


@kind
async def waiting_room(desk: Desk) -> None:
    call = await desk.ann.call("240").until("up")
    await hears(desk.ann)
    await call.hangup()


@kind
async def waited_too_long(desk: Desk) -> None:
    await over(desk.ann.call("249"))


@kind
async def taken_from_waiting_room(desk: Desk) -> None:
    call = await desk.ann.call("240").until("up")
    await hears(desk.ann)
    await talk(call, await desk.cem.call("*831001").until("up"))


@kind
async def conference(desk: Desk) -> None:
    calls = [await phone.call("400").until("up") for phone in (desk.ann, desk.bob, desk.cem)]
    await hears(desk.ann, desk.bob, desk.cem)
    for call in calls:
        await call.hangup()


@kind
async def picked_up_from_group(desk: Desk) -> None:
    await picked_up(desk, "*8", "")


@kind
async def held_by_both(desk: Desk) -> None:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await call.hold()
    await answered.hold()
    await call.unhold()
    await answered.unhold()
    await talk(call, answered)


@kind
async def held_and_hung_up(desk: Desk) -> None:
    """The held gives up."""
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await call.hold()
    await hears(desk.bob)
    await answered.hangup()
    await over(call)


@kind
async def call_waiting(desk: Desk) -> None:
    """Bob holds Ann, answers Cem, and goes back to Ann."""
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    second = desk.cem.call("1002")
    ringing = await desk.bob.rings()
    await answered.hold()
    ringing.answer()
    await second.until("up")
    await hears(desk.ann, desk.bob, desk.cem)
    await second.hangup()
    await over(ringing)
    await answered.unhold()
    await call.hangup()
    await over(answered)
