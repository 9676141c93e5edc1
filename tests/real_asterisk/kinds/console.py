"""Calls that somebody at the console, or a program, makes and changes."""

import asyncio

from tests.real_asterisk.phone import Call

from .desk import Desk, answers, hears, kind, over, talk


async def console(desk: Desk, command: str) -> str:
    return await asyncio.to_thread(desk.asterisk.cli, command)


async def channels(desk: Desk, *numbers: str) -> list[str]:
    """Names of the channels of some telephones."""
    listed = [line.split("!")[0] for line in (await console(desk, "core show channels concise")).splitlines()]
    return [next(name for name in listed if name.startswith(f"PJSIP/{number}-")) for number in numbers]


async def talking(desk: Desk) -> tuple[Call, Call]:
    call = desk.ann.call("1002")
    answered = await answers(desk.bob)
    await call.until("up")
    await hears(desk.ann, desk.bob)
    return call, answered


@kind
async def clicked(desk: Desk) -> None:
    await console(desk, "channel originate PJSIP/1001 extension 1002@phones")
    clicker = await answers(desk.ann)
    await talk(clicker, await answers(desk.bob))


@kind
async def clicked_and_refused(desk: Desk) -> None:
    await console(desk, "channel originate PJSIP/1001 extension 1002@phones")
    (await desk.ann.rings()).reject()


@kind
async def clicked_through_local(desk: Desk) -> None:
    await console(desk, "channel originate Local/1001@phones extension 1002@phones")
    clicker = await answers(desk.ann)
    await talk(clicker, await answers(desk.bob))


@kind
async def redirected(desk: Desk) -> None:
    """The caller is sent to another telephone, and the called loses the call."""
    call, answered = await talking(desk)
    [name] = await channels(desk, "1001")
    await console(desk, f"channel redirect {name} phones,1003,1")
    await over(answered)
    await talk(call, await answers(desk.cem))


@kind
async def called_redirected(desk: Desk) -> None:
    call, answered = await talking(desk)
    [name] = await channels(desk, "1002")
    await console(desk, f"channel redirect {name} phones,1003,1")
    passed_on = await answers(desk.cem)
    await over(call)
    await hears(desk.bob, desk.cem)
    await answered.hangup()
    await over(passed_on)


@kind
async def hung_up_by_console(desk: Desk) -> None:
    call, answered = await talking(desk)
    [name] = await channels(desk, "1002")
    await console(desk, f"channel request hangup {name}")
    await over(call, answered)
