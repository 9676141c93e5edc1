"""What people do in a call: they take turns, hold, transfer, and hang up."""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from tests.real_asterisk.phone import Call, Phone

__all__ = ["How", "Office", "Part", "Then", "ends", "talk", "while_in"]

Then = Callable[[Call, Call], Awaitable[None]]
"""What two people do once they are connected: the call of the caller, the call of the called."""


How = Literal["answer", "busy", "ignore", "decline", "fail", "early"]


@dataclass
class Part:
    """What whoever is called next does: `how` after `ring_s` of ringing, and what follows an answer."""

    ring_s: float
    how: How = "answer"
    then: Then | None = None


_REFUSALS = {"busy": (486, "Busy Here"), "decline": (603, "Decline"), "fail": (503, "Service Unavailable")}


class Office:
    """The telephones by number, and what each caller's next partners do.

    Telephones do not know who calls whom: a called one finds its part by the number of the caller.
    """

    def __init__(self, phones: dict[str, Phone], chance: random.Random) -> None:
        self.phones, self.chance = phones, chance
        self.parts: dict[str, deque[Part]] = defaultdict(deque)
        self.live: dict[str, Call] = {}
        self.served: set[str] = set()

    async def serve(self, phone: Phone, lines: int = 1) -> None:
        """Take every call to a phone; a second one finds it busy unless it has more lines."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                call = await phone.incoming.get()
                if sum(other.state != "ended" for other in phone.calls) > lines:
                    call.reject()
                else:
                    tasks.create_task(self._take(call))

    async def _take(self, call: Call) -> None:
        caller = call.other_number
        part = self.parts[caller].popleft() if self.parts[caller] else Part(60, "ignore")
        if part.how == "early":
            call.progress()
        await while_in(call, "ringing", part.ring_s)
        if call.state != "ringing" or part.how == "ignore":
            if part.how != "ignore":
                self.parts[caller].appendleft(part)  # it rang too short: the next one takes the part
            return
        if part.how in _REFUSALS:
            call.reject(*_REFUSALS[part.how])
            return
        call.answer()
        self.served.add(caller)
        try:
            if part.then:
                await part.then(self.live[caller], call)
        except Exception as error:  # one call that fails ends no others
            print(f"{caller} and {call.phone.number}: {error!r}", flush=True)
        await ends(call)

    def connect(self, phone: Phone, number: str, *parts: Part, identity: str = "") -> Call:
        """Dial; the next called do these parts."""
        caller = identity or phone.number
        self.live[caller] = call = phone.call(number, identity=identity)
        self.parts[caller] = deque(parts)
        self.served.discard(caller)
        return call

    def is_free(self, number: str) -> bool:
        return all(call.state == "ended" for call in self.phones[number].calls)


async def while_in(call: Call, state: str, seconds: float) -> None:
    """Wait, but no longer than the call is in that state."""
    try:
        async with asyncio.timeout(seconds):
            while call.state == state:  # noqa: ASYNC110 - the state changes by what the other side sends
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass


async def ends(call: Call) -> None:
    """Hang up, unless it has ended."""
    if call.state == "up":
        await call.hangup()
    call.voice.stop()


async def talk(chance: random.Random, one: Call, other: Call, seconds: float, *, mute: bool = False) -> None:
    """Two people take turns; one in five starts before the other has finished. `mute`: the second is never heard."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    speaker, listener = other, one  # who is called says hello
    length = 1.2
    while (left := until - loop.time()) > 0 and one.state == other.state == "up":
        interrupts = chance.random() < 0.2 and length > 2
        speaker.voice.speaks = not (mute and speaker is other)
        await while_in(speaker, "up", min(length, left))
        if interrupts:
            listener.voice.speaks = not (mute and listener is other)
            await asyncio.sleep(chance.uniform(0.4, 1.2))
        speaker.voice.speaks = False
        if not interrupts:
            await while_in(one, "up", chance.uniform(0.3, 1.5))
        speaker, listener = listener, speaker
        length = min(15.0, chance.lognormvariate(1.2, 0.7))
    one.voice.speaks = other.voice.speaks = False
