"""Dials: to one, to many, one after the other, through Local channels; and how they fail."""

from tests.real_asterisk.phone import Phone

from .desk import Desk, answers, hears, kind, over, talk


async def group_answered(desk: Desk, number: str, who: Phone) -> None:
    """Three telephones ring at once, one is answered."""
    call = desk.ann.call(number)
    others = [await phone.rings() for phone in (desk.bob, desk.cem, desk.dee) if phone is not who]
    await talk(call, await answers(who))
    await over(*others)


async def group_refused(desk: Desk, number: str) -> None:
    call = desk.ann.call(number)
    for phone in (desk.bob, desk.cem, desk.dee):
        (await phone.rings()).reject()
    await over(call)


@kind
async def ring_group(desk: Desk) -> None:
    await group_answered(desk, "201", desk.cem)


@kind
async def ring_group_all_busy(desk: Desk) -> None:
    await group_refused(desk, "201")


@kind
async def ring_group_given_up(desk: Desk) -> None:
    call = desk.ann.call("201")
    ringing = [await phone.rings() for phone in (desk.bob, desk.cem, desk.dee)]
    ringing[0].reject()
    await call.until("ringing")
    await call.cancel()
    await over(*ringing)


@kind
async def hunt(desk: Desk) -> None:
    call = desk.ann.call("202")
    missed = await desk.bob.rings()
    await talk(call, await answers(desk.cem))
    await over(missed)


@kind
async def local(desk: Desk) -> None:
    await talk(desk.ann.call("203"), await answers(desk.bob))


@kind
async def local_stays(desk: Desk) -> None:
    await talk(desk.ann.call("204"), await answers(desk.bob))


@kind
async def local_busy(desk: Desk) -> None:
    call = desk.ann.call("204")
    (await desk.bob.rings()).reject()
    await over(call)


@kind
async def local_given_up(desk: Desk) -> None:
    call = desk.ann.call("203")
    ringing = await desk.bob.rings()
    await call.until("ringing")
    await call.cancel()
    await over(ringing)


@kind
async def two_locals(desk: Desk) -> None:
    call = desk.ann.call("205")
    missed = await desk.bob.rings()
    await talk(call, await answers(desk.cem))
    await over(missed)


@kind
async def limited(desk: Desk) -> None:
    call = desk.ann.call("206")
    await over(await answers(desk.bob), call)


@kind
async def goes_on_alone(desk: Desk) -> None:
    call = desk.ann.call("207")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await answered.hangup()
    await over(call)


@kind
async def screened_taken(desk: Desk) -> None:
    call = desk.ann.call("208")
    answered = await answers(desk.bob)
    await hears(desk.bob)
    await answered.press("1")
    await talk(call, answered)


@kind
async def screened_refused(desk: Desk) -> None:
    call = desk.ann.call("208")
    answered = await answers(desk.bob)
    await hears(desk.bob)
    await answered.press("2")
    await over(call, answered)


@kind
async def message_left(desk: Desk) -> None:
    call = desk.ann.call("209")
    missed = await desk.bob.rings()
    await call.until("up")
    await hears(desk.ann)
    await over(call, missed)


@kind
async def early_media(desk: Desk) -> None:
    await over(desk.ann.call("210"))


@kind
async def page(desk: Desk) -> None:
    call = desk.ann.call("211")
    heard = [await answers(desk.bob), await answers(desk.cem)]
    await call.until("up")
    await hears(desk.bob, desk.cem)
    await call.hangup()
    await over(*heard)


@kind
async def follow_me(desk: Desk) -> None:
    """Ann gives up while Bob is asked whether he takes the call."""
    call = desk.ann.call("212")
    answered = await answers(desk.bob)
    await hears(desk.bob)
    await call.hangup()
    await over(answered)


@kind
async def music(desk: Desk) -> None:
    call = await desk.ann.call("213").until("up")
    await hears(desk.ann)
    await call.hangup()


@kind
async def causes(desk: Desk) -> None:
    for cause in ("00", "01", "16", "17", "18", "19", "20", "21", "22", "27", "28", "34", "38", "41", "42", "58", "96"):
        await over(desk.ann.call(f"214{cause}"))


@kind
async def busy_app(desk: Desk) -> None:
    await over(desk.ann.call("215"))


@kind
async def congestion_app(desk: Desk) -> None:
    await over(desk.ann.call("216"))


@kind
async def busy_after_answer(desk: Desk) -> None:
    await over(desk.ann.call("217"))


@kind
async def announced_to_called(desk: Desk) -> None:
    await talk(desk.ann.call("218"), await answers(desk.bob))


@kind
async def called_goes_on(desk: Desk) -> None:
    call = desk.ann.call("219")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await call.hangup()
    await hears(desk.bob)
    await answered.hangup()


@kind
async def both_go_on(desk: Desk) -> None:
    call = desk.ann.call("220")
    await over(await answers(desk.bob), call)


@kind
async def refusals(desk: Desk) -> None:
    """What telephones and carriers say to a call."""
    for status in (404, 408, 480, 484, 486, 488, 500, 503, 600, 603):
        call = desk.ann.call("1002")
        (await desk.bob.rings()).reject(status, "No")
        await over(call)


@kind
async def nobody_there(desk: Desk) -> None:
    await over(desk.ann.call("1009"))


@kind
async def not_in_dialplan(desk: Desk) -> None:
    await over(desk.ann.call("999"))


@kind
async def forwarded(desk: Desk) -> None:
    call = desk.ann.call("1002")
    (await desk.bob.rings()).redirect("1003")
    await talk(call, await answers(desk.cem))


@kind
async def forwarded_to_busy(desk: Desk) -> None:
    call = desk.ann.call("1002")
    (await desk.bob.rings()).redirect("1003")
    (await desk.cem.rings()).reject()
    await over(call)


@kind
async def sent_elsewhere(desk: Desk) -> None:
    call = desk.ann.call("241")
    await over(call)
    assert call.status == 302


@kind
async def originated_by_dialplan(desk: Desk) -> None:
    call = desk.ann.call("242")
    one = await answers(desk.bob)
    other = await answers(desk.cem)
    await hears(desk.bob, desk.cem)
    await one.hangup()
    await over(other, call)


@kind
async def recorded(desk: Desk) -> None:
    await talk(desk.ann.call("243"), await answers(desk.bob))


@kind
async def forked_cdr(desk: Desk) -> None:
    await over(desk.ann.call("244"))


@kind
async def pre_dial(desk: Desk) -> None:
    await talk(desk.ann.call("245"), await answers(desk.bob))


@kind
async def hung_up_by_key(desk: Desk) -> None:
    call = desk.ann.call("248")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    await answered.press("*0")
    await over(call, answered)


@kind
async def local_behind_local(desk: Desk) -> None:
    await talk(desk.ann.call("250"), await answers(desk.bob))


@kind
async def music_instead_of_ringing(desk: Desk) -> None:
    call = desk.ann.call("258")
    ringing = await desk.bob.rings()
    await hears(desk.ann)
    ringing.answer()
    await talk(call, ringing)


@kind
async def progress(desk: Desk) -> None:
    """The called side plays something before anybody answers."""
    call = desk.ann.call("1002")
    ringing = await desk.bob.rings()
    ringing.progress()
    await hears(desk.ann)
    ringing.answer()
    await talk(call, ringing)


@kind
async def dialled_again(desk: Desk) -> None:
    call = desk.ann.call("267")
    await over(await desk.bob.rings())
    await talk(call, await answers(desk.bob))


@kind
async def forwarded_twice(desk: Desk) -> None:
    call = desk.ann.call("1002")
    (await desk.bob.rings()).redirect("1003")
    (await desk.cem.rings()).redirect("1004")
    await talk(call, await answers(desk.dee))


@kind
async def dialled_by_subroutine(desk: Desk) -> None:
    await talk(desk.ann.call("268"), await answers(desk.bob))


@kind
async def mixed_group_local_answers(desk: Desk) -> None:
    await group_answered(desk, "269", desk.cem)


@kind
async def mixed_group_phone_answers(desk: Desk) -> None:
    await group_answered(desk, "269", desk.bob)


@kind
async def mixed_group_all_busy(desk: Desk) -> None:
    await group_refused(desk, "269")


@kind
async def queued_after_dial(desk: Desk) -> None:
    """Nobody takes the call, so it goes to a queue."""
    call = await desk.ann.call("270").until("up")
    await over(await desk.bob.rings())
    await talk(call, await answers(desk.bob))
