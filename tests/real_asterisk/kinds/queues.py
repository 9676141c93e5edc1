"""Calls that wait: app_queue, agents, parking."""

from tests.real_asterisk.phone import eventually

from .desk import Desk, answers, hears, kind, logged, over, talk


@kind
async def queue_ringall(desk: Desk) -> None:
    call = desk.ann.call("230")
    other = await desk.bob.rings()
    await talk(call, await answers(desk.cem))
    await over(other)


@kind
async def queue_agent_hangs_up(desk: Desk) -> None:
    call = desk.ann.call("230")
    other = await desk.bob.rings()
    answered = await answers(desk.cem)
    await call.until("up")
    await hears(desk.ann, desk.cem)
    await answered.hangup()
    await over(call, other)


@kind
async def queue_second_in_line(desk: Desk) -> None:
    call = desk.ann.call("231")
    missed = await desk.bob.rings()
    await over(missed)
    await talk(call, await answers(desk.cem))


@kind
async def queue_busy_agents(desk: Desk) -> None:
    call = desk.ann.call("230")
    (await desk.bob.rings()).reject()
    (await desk.cem.rings()).reject()
    again = await desk.bob.rings()
    await talk(call, await answers(desk.cem))
    await over(again)


@kind
async def queue_abandoned(desk: Desk) -> None:
    call = desk.ann.call("230")
    ringing = [await desk.bob.rings(), await desk.cem.rings()]
    await call.cancel()
    await over(*ringing)


@kind
async def queue_timeout(desk: Desk) -> None:
    call = desk.ann.call("232")
    missed = await desk.bob.rings()
    await over(missed, call)


@kind
async def queue_local_members(desk: Desk) -> None:
    call = desk.ann.call("233")
    other = await desk.bob.rings()
    await talk(call, await answers(desk.cem))
    await over(other)


@kind
async def queue_empty(desk: Desk) -> None:
    await over(desk.ann.call("234"))


@kind
async def queue_transferred_by_agent(desk: Desk) -> None:
    call = desk.ann.call("230")
    other = await desk.bob.rings()
    answered = await answers(desk.cem)
    await call.until("up")
    await hears(desk.ann, desk.cem)
    await answered.transfer("1004")
    passed_on = await answers(desk.dee)
    await eventually(lambda: answered.refer_status == 200, "Cem is told that it worked")
    await answered.hangup()
    await talk(call, passed_on)
    await over(other)


@kind
async def agent_requested(desk: Desk) -> None:
    agent = await desk.bob.call("246").until("up")
    await hears(desk.bob)
    call = await desk.ann.call("247").until("up")
    await hears(desk.ann, desk.bob)
    await call.hangup()
    await hears(desk.bob)
    await agent.hangup()


@kind
async def parked_and_taken(desk: Desk) -> None:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await answered.transfer("700")
    await logged(desk, "PARK_START", desk.ann)
    await answered.hangup()
    await talk(call, await desk.cem.call("701").until("up"))


@kind
async def parked_by_key_and_given_up(desk: Desk) -> None:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await answered.press("#7")
    await logged(desk, "PARK_START", desk.ann)
    await call.hangup()
    await over(answered)


@kind
async def parked_and_back(desk: Desk) -> None:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await answered.press("#7")
    await over(answered)
    await talk(call, await answers(desk.bob))


@kind
async def queue_left_by_key(desk: Desk) -> None:
    call = await desk.ann.call("251").until("up")
    ringing = await desk.bob.rings()
    await call.press("1")
    await over(ringing, call)


@kind
async def queue_full(desk: Desk) -> None:
    first = desk.ann.call("252")
    ringing = await desk.bob.rings()
    await over(desk.cem.call("252"))
    await first.cancel()
    await over(ringing)


@kind
async def queue_tried_once(desk: Desk) -> None:
    call = desk.ann.call("253")
    missed = await desk.bob.rings()
    await over(missed)
    (await desk.cem.rings()).reject()
    await over(call)


@kind
async def queue_agent_hears_first(desk: Desk) -> None:
    call = desk.ann.call("254")
    other = await desk.bob.rings()
    await talk(call, await answers(desk.cem))
    await over(other)


@kind
async def queue_ringing(desk: Desk) -> None:
    call = desk.ann.call("255")
    other = await desk.bob.rings()
    await call.until("ringing")
    await talk(call, await answers(desk.cem))
    await over(other)


@kind
async def two_queues(desk: Desk) -> None:
    call = desk.ann.call("256")
    missed = await desk.bob.rings()
    await over(missed)
    await talk(call, await answers(desk.cem))
