"""Transfers: by the telephone (SIP REFER) and by keys, to somebody and to nobody."""

from tests.real_asterisk.phone import Call, Phone, eventually

from .desk import Desk, answers, hears, kind, over, talk


async def connected(caller: Phone, called: Phone, number: str = "") -> tuple[Call, Call]:
    call = caller.call(number or called.number)
    answered = await answers(called)
    await call.until("up")
    await hears(caller, called)
    return call, answered


async def asked_for_number(phone: Phone, call: Call, keys: str, number: str) -> None:
    """The phone presses the keys of a feature, hears that a number is wanted, and gives it."""
    await call.press(keys)
    await hears(phone)
    await call.press(number)


async def passes_on(call: Call, to: Phone, number: str = "") -> Call:
    """The phone transfers the other side blindly to one that answers, by its number or another, and hangs up."""
    await call.transfer(number or to.number)
    answered = await answers(to)
    await _told_and_over(call)
    return answered


async def joins(call: Call, asking: Call) -> None:
    """The phone joins the other sides of its two calls, and hangs up when told that it worked."""
    await call.transfer(asking)
    await _told_and_over(call)
    await over(asking)


async def _told_and_over(call: Call) -> None:
    await eventually(lambda: call.refer_status == 200, f"{call.phone.number} is told that it worked")
    await call.hangup()


async def consults(desk: Desk, number: str = "1003") -> tuple[Call, Call]:
    """Ann and Bob talk, and Bob asks somebody by keys."""
    call, answered = await connected(desk.ann, desk.bob)
    await asked_for_number(desk.bob, answered, "*2", number)
    return call, answered


@kind
async def blind_by_caller(desk: Desk) -> None:
    """The caller transfers the called."""
    call, answered = await connected(desk.ann, desk.bob)
    await call.transfer("1003")
    passed_on = await answers(desk.cem)
    await eventually(lambda: call.refer_status == 200, "Ann is told that it worked")
    await call.hangup()
    await hears(desk.bob, desk.cem)
    await passed_on.hangup()
    await over(answered)


@kind
async def blind_to_busy(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("1003")
    (await desk.cem.rings()).reject()
    await over(call)
    if answered.state == "up":
        await answered.hangup()


@kind
async def blind_by_keys_given_up(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await asked_for_number(desk.bob, answered, "#1", "1003")
    ringing = await desk.cem.rings()
    await over(answered)
    await call.hangup()
    await over(ringing)


@kind
async def blind_to_nowhere(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("999")
    await eventually(lambda: answered.refer_status >= 400 or answered.state == "ended", "Bob is told that it failed")
    if answered.state == "up":
        await hears(desk.ann, desk.bob)
        await answered.hangup()
    await over(call)


@kind
async def blind_to_music(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("213")
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await hears(desk.ann)
    await call.hangup()


@kind
async def blind_twice(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("1003")
    second = await answers(desk.cem)
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await hears(desk.ann, desk.cem)
    await second.transfer("1004")
    third = await answers(desk.dee)
    await eventually(lambda: second.refer_status == 200, "Cem is told that it worked")
    await second.hangup()
    await talk(call, third)


@kind
async def attended_while_ringing(desk: Desk) -> None:
    """Bob's telephone joins Ann to a third who has not answered yet."""
    call, answered = await connected(desk.ann, desk.bob)
    asking = desk.bob.call("1003")
    ringing = await desk.cem.rings()
    await asking.until("ringing")
    await answered.transfer("1003")
    await asking.cancel()
    await over(ringing)
    await talk(call, await answers(desk.cem))
    if answered.state == "up":
        await answered.hangup()


@kind
async def attended_by_caller(desk: Desk) -> None:
    """The caller holds the called, asks a third, and joins the two."""
    call, answered = await connected(desk.ann, desk.bob)
    await call.hold()
    asking, asked = await connected(desk.ann, desk.cem)
    await call.transfer(asking)
    await eventually(lambda: call.refer_status == 200, "Ann is told that it worked")
    await over(asking)
    await call.hangup()
    await hears(desk.bob, desk.cem)
    await asked.hangup()
    await over(answered)


@kind
async def attended_to_music(desk: Desk) -> None:
    """Ann is joined to what an application plays to Bob."""
    call, answered = await connected(desk.ann, desk.bob)
    await answered.hold()
    asking = await desk.bob.call("213").until("up")
    await answered.transfer(asking)
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await hears(desk.ann)
    await call.hangup()
    await over(asking)


@kind
async def keys_attended(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await answered.press("*4")
    await over(answered)
    await talk(call, asked)


@kind
async def keys_attended_while_ringing(desk: Desk) -> None:
    """Bob hangs up before Cem answers; Cem gets Ann."""
    call, answered = await consults(desk)
    ringing = await desk.cem.rings()
    await answered.hangup()
    ringing.answer()
    await talk(call, ringing)


@kind
async def keys_attended_aborted(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await answered.press("*3")
    await over(asked)
    await talk(call, answered)


@kind
async def keys_attended_refused(desk: Desk) -> None:
    """Cem is busy: Bob has Ann again."""
    call, answered = await consults(desk)
    (await desk.cem.rings()).reject()
    await talk(call, answered)


@kind
async def keys_attended_target_hangs_up(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await asked.hangup()
    await talk(call, answered)


@kind
async def keys_threeway(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await answered.press("*5")
    await hears(desk.ann, desk.bob, desk.cem)
    await answered.hangup()
    await hears(desk.ann, desk.cem)
    await asked.hangup()
    await over(call)


@kind
async def keys_swapped(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await answered.press("*6")
    await hears(desk.ann, desk.bob)
    await answered.press("*4")
    await over(answered)
    await talk(call, asked)


@kind
async def caller_gives_up_amid_consultation(desk: Desk) -> None:
    call, answered = await consults(desk)
    asked = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await call.hangup()
    for _ in range(20):  # two seconds: parties who leave within one did not go on
        await hears(desk.bob, desk.cem)
    await asked.hangup()
    if answered.state == "up":
        await answered.hangup()


@kind
async def blind_to_queue(desk: Desk) -> None:
    call, answered = await connected(desk.ann, desk.dee)
    await answered.transfer("230")
    other = await desk.bob.rings()
    agent = await answers(desk.cem)
    await eventually(lambda: answered.refer_status == 200, "Dee is told that it worked")
    await answered.hangup()
    await hears(desk.ann, desk.cem)
    await talk(call, agent)
    await over(other)


@kind
async def blind_to_conference(desk: Desk) -> None:
    waiting = await desk.cem.call("400").until("up")
    call, answered = await connected(desk.ann, desk.bob)
    await answered.transfer("400")
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await hears(desk.ann, desk.cem)
    await call.hangup()
    await waiting.hangup()


@kind
async def attended_to_conference(desk: Desk) -> None:
    waiting = await desk.cem.call("400").until("up")
    call, answered = await connected(desk.ann, desk.bob)
    await answered.hold()
    asking = await desk.bob.call("400").until("up")
    await hears(desk.bob, desk.cem)
    await answered.transfer(asking)
    await eventually(lambda: answered.refer_status == 200, "Bob is told that it worked")
    await answered.hangup()
    await hears(desk.ann, desk.cem)
    await call.hangup()
    await waiting.hangup()
    await over(asking)


@kind
async def attended_by_both(desk: Desk) -> None:
    """A transferred call is transferred again."""
    call, answered = await connected(desk.ann, desk.bob)
    await answered.hold()
    asking, asked = await connected(desk.bob, desk.cem)
    await answered.transfer(asking)
    await over(asking)
    await answered.hangup()
    await hears(desk.ann, desk.cem)
    await asked.hold()
    again, last = await connected(desk.cem, desk.dee)
    await asked.transfer(again)
    await over(again)
    await asked.hangup()
    await talk(call, last)
