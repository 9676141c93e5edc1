"""Record an hour of an office: `python -m tests.real_asterisk.office.hour HOUR.parquet [--minutes 60]`.

Installs Asterisk first if it is not there, as `tests.real_asterisk.install` does. A fixed seed decides who calls whom,
when and for how long; but calls happen in real time, so that no two recordings are the same.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

from arirecord.session.compact import compact
from tests.real_asterisk.install import folder, install
from tests.real_asterisk.phone import Call, Phone, eventually
from tests.real_asterisk.recording import Capture
from tests.real_asterisk.switch import Asterisk

from . import CARRIER, FILES, NUMBERS
from .people import How, Office, Part, Then, ends, talk, while_in

LINES = 12
MAIN = "600"
STAFF = ("1001", "1002", "1009", *(number for number in NUMBERS if number > "1010"))
AWAY = "1010"
"""Its telephone is not registered for a third of the hour."""


class Hour:
    """Calls of all kinds; each method makes one and returns when it is over."""

    def __init__(self, office: Office, chance: random.Random) -> None:
        self.office, self.chance = office, chance
        self.carrier = office.phones[CARRIER]

    # Drawn at random.

    def staff(self) -> str | None:
        """Somebody who is in no call."""
        free = [number for number in STAFF if self.office.is_free(number)]
        return self.chance.choice(free) if free else None

    def outside(self) -> str:
        """A number that is reserved for invented people, and in no call."""
        live = self.office.live
        numbers = [f"+1202555{n:04}" for n in range(100, 200)]
        return self.chance.choice([n for n in numbers if n not in live or live[n].state == "ended"])

    def seconds(self, median_s: float) -> float:
        return min(240.0, median_s * self.chance.lognormvariate(0, 0.7))

    def answer(self, then: Then) -> Part:
        return Part(self.chance.uniform(2, 8), then=then)

    # What happens between two people.

    def talks(self, median_s: float = 45, *, mute: bool = False) -> Then:
        async def then(caller: Call, called: Call) -> None:
            await caller.until("up")
            await talk(self.chance, caller, called, self.seconds(median_s), mute=mute)
            await ends(self.chance.choice((caller, called)))

        return then

    def holds(self) -> Then:
        async def then(caller: Call, called: Call) -> None:
            await caller.until("up")
            await talk(self.chance, caller, called, self.seconds(20))
            holder = self.chance.choice((called, called, caller))
            await holder.hold()
            await while_in(holder, "up", self.seconds(18))
            await holder.unhold()
            await self.talks(25)(caller, called)

        return then

    def blind_transfer(self, number: str = "") -> Then:
        """The called transfers the caller to a number or to a colleague, and does not wait for an answer."""

        async def then(caller: Call, called: Call) -> None:
            await caller.until("up")
            await talk(self.chance, caller, called, self.seconds(20))
            await called.hold()
            await while_in(called, "up", 10)
            self.office.parts[called.other_number].append(self.answer(self.talks(30)))
            await called.transfer(number or self.staff() or AWAY)
            await eventually(lambda: called.refer_status >= 200 or called.state == "ended", "the transfer is done", 30)
            await ends(called)

        return then

    def attended_transfer(self, number: str = "", *, takes_it: bool = True) -> Then:
        """The called holds the caller, asks somebody or a colleague, and joins the two, or comes back."""

        async def then(caller: Call, called: Call) -> None:
            await caller.until("up")
            await talk(self.chance, caller, called, self.seconds(20))
            await called.hold()
            asked: asyncio.Future[Call] = asyncio.get_running_loop().create_future()

            async def advises(_: Call, colleague: Call) -> None:
                asked.set_result(colleague)
                await while_in(colleague, "up", 600)

            asking = self.office.connect(called.phone, number or self.staff() or AWAY, self.answer(advises))
            for state in ("calling", "ringing"):
                await while_in(asking, state, 30)
            if asking.state == "up":
                await talk(self.chance, asking, await asked, self.seconds(10))
            if asking.state == "up" and takes_it:
                await called.transfer(asking)
                await eventually(lambda: called.refer_status >= 200 or called.state == "ended", "the two are joined")
                await ends(called)
                await talk(self.chance, caller, await asked, self.seconds(35))
                await ends(await asked)
            else:
                await ends(asking)
                await called.unhold()
                await self.talks(20)(caller, called)

        return then

    def parks(self, taker: str) -> Then:
        """The called parks the caller, and a colleague takes the call."""

        async def then(caller: Call, called: Call) -> None:
            await caller.until("up")
            await talk(self.chance, caller, called, self.seconds(15))
            await called.transfer("700")
            await eventually(lambda: called.refer_status >= 200 or called.state == "ended", "the call is parked")
            await ends(called)
            await while_in(caller, "up", self.chance.uniform(8, 20))
            taking = self.office.phones[taker].call("701")
            await taking.until("up")
            await talk(self.chance, caller, taking, self.seconds(30))
            await ends(taking)

        return then

    # Calls.

    async def internal(self) -> None:
        """From desk to desk."""
        caller, called = self.staff(), self.staff()
        if not caller or not called or caller == called:
            return
        await self._dial(self.office.phones[caller], called, self._part())

    async def outgoing(self) -> None:
        """From a desk through the carrier."""
        caller = self.staff()
        if not caller:
            return
        part = self._part()
        hows: tuple[How, ...] = (part.how, "early", "fail")
        part.how = self.chance.choices(hows, (80, 12, 8))[0]
        await self._dial(self.office.phones[caller], f"9{self.outside()}", part)

    async def direct(self) -> None:
        """From outside to somebody's own number."""
        called = self.staff()
        if called:
            await self._dial(self.carrier, called, self._part(), identity=self.outside())

    async def menu(self, *parts: Part, keys: str = "", patience_s: float = 0) -> None:
        """From outside to the main number: 1 is sales, 2 is support, 7 is nothing, and a colleague has a number."""
        keys = keys or self.chance.choices(("1", "2", "7", "", "ext"), (30, 52, 6, 5, 7))[0]
        target = self.staff() if keys == "ext" else None
        if target and not parts:
            parts = (self._part(),)
        if not parts and keys in ("1", "2", "7"):
            missed = self.chance.choices((0, 1, 9), (74, 14, 12))[0]
            parts = (*[Part(60, "ignore")] * missed, self.answer(self._served()))
            patience_s = self.chance.uniform(8, 55) if missed == 9 else 0
        identity = self.outside()
        call = self.office.connect(self.carrier, MAIN, *parts, identity=identity)
        await call.until("up")
        await while_in(call, "up", self.chance.uniform(1.5, 4.5))
        await call.press(target or ("" if keys == "ext" else keys))
        if keys == "7":
            await while_in(call, "up", 7)
            await call.press("2")
        if patience_s:
            await while_in(call, "up", patience_s)
            if identity not in self.office.served:
                await ends(call)
        await while_in(call, "up", 900)
        call.voice.stop()

    async def _dial(self, phone: Phone, number: str, part: Part, identity: str = "") -> None:
        call = self.office.connect(phone, number, part, identity=identity)
        gives_up = part.how == "ignore" and self.chance.random() < 0.5
        ring_s = self.chance.uniform(6, 14) if gives_up else 60
        for state in ("calling", "ringing"):
            await while_in(call, state, ring_s)
        if call.state in ("calling", "ringing"):
            await call.cancel()
        await while_in(call, "up", 900)
        call.voice.stop()

    def _part(self, then: Then | None = None) -> Part:
        hows: tuple[How, ...] = ("answer", "busy", "ignore", "decline")
        how = self.chance.choices(hows, (74, 9, 13, 4))[0]
        return Part(self.chance.uniform(2, 8), how, then or self._served())

    def _served(self) -> Then:
        """What comes after an answer: mostly talk."""
        kinds = (self.talks(), self.holds(), self.blind_transfer(), self.attended_transfer())
        return self.chance.choices(kinds, (74, 12, 7, 7))[0]

    async def meeting(self) -> None:
        """Four people come to the conference room one after the other, and speak in turn."""
        calls: list[Call] = []
        while len(calls) < 4:
            if number := self.staff():
                calls.append(await self.office.phones[number].call("400").until("up"))
            await asyncio.sleep(5)
        for _ in range(4):
            one, other = self.chance.sample(calls, 2)
            await talk(self.chance, one, other, 20)
        for call in calls:
            await ends(call)

    async def goes_away(self, seconds: float) -> None:
        """A telephone loses its registration, and comes back."""
        phone = self.office.phones[AWAY]
        await phone.register(expires=0)
        await asyncio.sleep(seconds)
        await phone.register(expires=7200)

    async def line_goes_dead(self) -> None:
        """A caller waits for support, is held, and is transferred to the telephone that is not there."""
        await self.menu(self.answer(self.blind_transfer(AWAY)), keys="2")

    async def to(self, number: str, part: Part) -> None:
        while not self.office.is_free(number) or (caller := self.staff()) in (None, number):  # noqa: ASYNC110
            await asyncio.sleep(1)
        if caller:
            await self._dial(self.office.phones[caller], number, part)

    def special(self, minutes: float) -> list[tuple[float, Coroutine[None, None, None]]]:
        """What happens once in the hour, and when (as a part of it)."""
        return [
            (0.08, self.to("1002", self.answer(self.attended_transfer("1009", takes_it=False)))),
            (0.20, self.to("1002", self.answer(self.parks("1009")))),
            (0.25, self.meeting()),
            (0.33, self.goes_away(minutes * 60 * 0.33)),
            (0.45, self.line_goes_dead()),
            (0.52, self.to("1001", self.answer(self.talks(40, mute=True)))),
            (0.60, self.to(AWAY, Part(60, "ignore"))),
            (0.68, self.to("1011", self.answer(self.parks("1012")))),
            (0.75, self.menu(*[Part(60, "ignore")] * 9, keys="1", patience_s=900)),
        ]


async def make(asterisk: Asterisk, minutes: float, calls_a_minute: float) -> None:
    """Make calls for so many minutes; return after that time, once the last call is over."""
    chance = random.Random(18)
    async with AsyncExitStack() as stack:
        phones: dict[str, Phone] = {}
        for number in (*NUMBERS, CARRIER):
            at = Phone.at(asterisk.sip_port, number, asterisk.password, LINES if number == CARRIER else 1)
            phones[number] = phone = await stack.enter_async_context(at)
            await phone.register(expires=7200)
            for voice in phone.voices:
                voice.pitch_hz = chance.randrange(90, 240)
        office = Office(phones, chance)
        hour = Hour(office, chance)
        async with asyncio.TaskGroup() as tasks:
            serving = [
                tasks.create_task(office.serve(phone, LINES if number == CARRIER else 1))
                for number, phone in phones.items()
            ]
            calls = [tasks.create_task(_later(when * minutes * 60, call)) for when, call in hour.special(minutes)]
            loop = asyncio.get_running_loop()
            end = loop.time() + minutes * 60
            until = end - minutes * 60 * 0.05
            while loop.time() < until:
                make_call = chance.choices((hour.internal, hour.outgoing, hour.direct, hour.menu), (30, 25, 12, 33))[0]
                calls.append(tasks.create_task(_later(0, make_call())))
                await asyncio.sleep(min(chance.expovariate(calls_a_minute / 60), until - loop.time() + 0.1))
            await asyncio.wait(calls, timeout=300)
            await asyncio.sleep(end - loop.time())
            for task in serving:
                task.cancel()


async def _later(seconds: float, call: Coroutine[None, None, None]) -> None:
    await asyncio.sleep(seconds)
    try:
        await call
    except Exception as error:  # one call that fails ends no others
        print(f"{call}: {error!r}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--calls-a-minute", type=float, default=3.3)
    given = parser.parse_args()
    install(folder())
    with tempfile.TemporaryDirectory() as work, Asterisk(folder(), FILES) as asterisk:
        with Capture(asterisk, Path(work, "hour.parquet")) as capture:
            asyncio.run(make(asterisk, given.minutes, given.calls_a_minute))
            recorded = capture.finish()
        compact(recorded.session, given.output, force=True)
        given.output.chmod(0o644)  # samples are for everybody
        print(f"{given.output}: {recorded.session.header.events:,} events, {given.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
