"""One thing after another: transfers of calls that came through Local channels, forwards, queues, parking, pickup."""

from tests.real_asterisk.phone import Call, eventually

from .console import console
from .desk import Desk, answers, hears, kind, logged, over, talk
from .dialling import group_answered
from .transfers import asked_for_number, connected, consults, joins, passes_on


async def passed_on_through(desk: Desk, prefix: str) -> None:
    """Each call goes through what the prefix stands for in the dialplan."""
    call, answered = await connected(desk.ann, desk.bob, f"{prefix}1002")
    await talk(call, await passes_on(answered, desk.cem))


async def joined_through(desk: Desk, prefix: str) -> None:
    call, answered = await connected(desk.ann, desk.bob, f"{prefix}1002")
    await answered.hold()
    asking, asked = await connected(desk.bob, desk.cem, f"{prefix}1003")
    await joins(answered, asking)
    await hears(desk.ann, desk.cem)
    await talk(call, asked)


async def queued(desk: Desk) -> tuple[Call, Call]:
    """Ann comes to a queue, and Cem takes her call."""
    call = desk.ann.call("230")
    other = await desk.bob.rings()
    answered = await answers(desk.cem)
    await call.until("up")
    await hears(desk.ann, desk.cem)
    await over(other)
    return call, answered


@kind
async def blind_behind_local(desk: Desk) -> None:
    await passed_on_through(desk, "264")


@kind
async def blind_behind_local_that_stays(desk: Desk) -> None:
    await passed_on_through(desk, "263")


@kind
async def attended_behind_locals(desk: Desk) -> None:
    await joined_through(desk, "264")


@kind
async def attended_behind_locals_that_stay(desk: Desk) -> None:
    await joined_through(desk, "263")


@kind
async def blind_to_local(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await talk(call, await passes_on(answered, desk.cem, "2631003"))


@kind
async def blind_to_forwarded(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("1003")
    (await desk.cem.rings()).redirect("1004")
    last = await answers(desk.dee)
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await talk(call, last)


@kind
async def blind_to_oneself(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await talk(call, await passes_on(answered, desk.bob))


@kind
async def blind_picked_up(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("1003")
    ringing = await desk.cem.rings()
    picked = await desk.dee.call("*811003").until("up")
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await talk(call, picked)
    await over(ringing)


@kind
async def picked_up_and_passed_on(desk: Desk) -> None:
    call = desk.ann.call("1002")
    ringing = await desk.bob.rings()
    picked = await desk.cem.call("*811002").until("up")
    await over(ringing)
    await hears(desk.ann, desk.cem)
    await talk(call, await passes_on(picked, desk.dee))


@kind
async def attended_to_forwarded(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.hold()
    asking = desk.bob.call("1003")
    (await desk.cem.rings()).redirect("1004")
    asked = await answers(desk.dee)
    await asking.until("up")
    await hears(desk.bob, desk.dee)
    await joins(answered, asking)
    await hears(desk.ann, desk.dee)
    await talk(call, asked)


@kind
async def attended_to_queue(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.dee)
    await answered.hold()
    asking = desk.dee.call("230")
    other = await desk.bob.rings()
    asked = await answers(desk.cem)
    await asking.until("up")
    await hears(desk.dee, desk.cem)
    await joins(answered, asking)
    await hears(desk.ann, desk.cem)
    await talk(call, asked)
    await over(other)


@kind
async def attended_to_queue_that_rings(desk: Desk) -> None:
    """Dee waits in the queue for Ann, and gives her the place."""
    call, answered = await connected(desk.ann, desk.dee)
    await answered.hold()
    asking = await desk.dee.call("251").until("up")
    ringing = await desk.bob.rings()
    await joins(answered, asking)
    ringing.answer()
    await hears(desk.ann, desk.bob)
    await talk(call, ringing)


@kind
async def queue_joined_by_agent(desk: Desk) -> None:
    call, answered = await queued(desk)
    await answered.hold()
    asking, asked = await connected(desk.cem, desk.dee)
    await joins(answered, asking)
    await hears(desk.ann, desk.dee)
    await talk(call, asked)


@kind
async def queue_passed_to_queue(desk: Desk) -> None:
    call, answered = await queued(desk)
    await talk(call, await passes_on(answered, desk.bob, "231"))


@kind
async def queue_ring_group(desk: Desk) -> None:
    """The agent is a Local channel that rings three telephones."""
    await group_answered(desk, "265", desk.cem)


@kind
async def queue_agent_forwards(desk: Desk) -> None:
    call = desk.ann.call("230")
    (await desk.bob.rings()).redirect("1004")
    other = await desk.cem.rings()
    await talk(call, await answers(desk.dee))
    await over(other)


@kind
async def queue_picked_up(desk: Desk) -> None:
    call = desk.ann.call("230")
    others = [await desk.bob.rings(), await desk.cem.rings()]
    await talk(call, await desk.dee.call("*811002").until("up"))
    await over(*others)


@kind
async def queue_parked_by_agent(desk: Desk) -> None:
    call, answered = await queued(desk)
    await answered.transfer("700")
    await logged(desk, "PARK_START", desk.ann)
    await answered.hangup()
    await talk(call, await desk.dee.call("701").until("up"))


@kind
async def parked_and_passed_on(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("700")
    await logged(desk, "PARK_START", desk.ann)
    await answered.hangup()
    taken = await desk.cem.call("701").until("up")
    await hears(desk.ann, desk.cem)
    await talk(call, await passes_on(taken, desk.dee))


@kind
async def attended_to_parking(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.hold()
    asking = await desk.bob.call("700").until("up")
    await joins(answered, asking)
    await eventually(lambda: "PJSIP/1001" in desk.asterisk.cli("parking show default"), "Ann is parked")
    await talk(call, await desk.cem.call("701").until("up"))


@kind
async def keys_blind_by_caller(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await asked_for_number(desk.ann, call, "#1", "1003")
    passed_on = await answers(desk.cem)
    await over(call)
    await talk(answered, passed_on)


@kind
async def keys_attended_by_caller(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await asked_for_number(desk.ann, call, "*2", "1003")
    asked = await answers(desk.cem)
    await hears(desk.ann, desk.cem)
    await call.press("*4")
    await over(call)
    await talk(answered, asked)


@kind
async def keys_then_blind(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await answered.press("*4")
    await over(answered)
    await hears(desk.ann, desk.cem)
    await talk(call, await passes_on(asked, desk.dee))


@kind
async def transferee_hangs_up_amid_consultation(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.hold()
    asking, asked = await connected(desk.bob, desk.cem)
    await call.hangup()
    await over(answered)
    await talk(asking, asked)


@kind
async def third_comes_in(desk: Desk) -> None:
    """Cem puts himself into the call of Ann and Bob, and leaves it."""
    call, answered = await connected(desk.ann, desk.bob)
    third = await desk.cem.call("266").until("up")
    await hears(*desk.phones[:3])
    await third.hangup()
    await hears(desk.ann, desk.bob)
    await talk(call, answered)


@kind
async def clicked_behind_local(desk: Desk) -> None:
    await console(desk, "channel originate PJSIP/1001 extension 2631002@phones")
    clicker = await answers(desk.ann)
    answered = await answers(desk.bob)
    await hears(desk.ann, desk.bob)
    await clicker.hangup()
    await over(answered)
