"""What kinds of calls are made with: four telephones, and what people do with them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.real_asterisk.phone import Call, Phone, eventually
from tests.real_asterisk.switch import Asterisk

__all__ = ["KINDS", "Desk", "Kind", "answers", "hears", "kind", "logged", "over", "talk"]


@dataclass(frozen=True)
class Desk:
    """Four telephones, registered, and their exchange."""

    asterisk: Asterisk
    ann: Phone
    bob: Phone
    cem: Phone
    dee: Phone

    @property
    def phones(self) -> tuple[Phone, ...]:
        return self.ann, self.bob, self.cem, self.dee


Kind = Callable[[Desk], Awaitable[None]]
KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    KINDS[make.__name__] = make
    return make


async def hears(*phones: Phone) -> None:
    """A moment in which each of them hears something."""
    before = [phone.voice.heard for phone in phones]
    await eventually(
        lambda: all(phone.voice.heard > count + 5 for phone, count in zip(phones, before, strict=True)),
        f"{', '.join(phone.number for phone in phones)} hear something",
    )


async def answers(phone: Phone) -> Call:
    """The phone rings, and is answered."""
    call = await phone.rings()
    call.answer()
    return call


async def over(*calls: Call) -> None:
    for call in calls:
        await call.until("ended")


async def talk(call: Call, answered: Call) -> None:
    """They talk, and the caller hangs up."""
    await call.until("up")
    await hears(call.phone, answered.phone)
    await call.hangup()
    await answered.until("ended")


async def logged(desk: Desk, what: str, phone: Phone) -> None:
    """Asterisk's event log has it of the phone's latest channel."""

    def found() -> bool:
        rows = [row for row in desk.asterisk.cel() if row["channame"].startswith(f"PJSIP/{phone.number}-")]
        latest = [row["uniqueid"] for row in rows if row["eventtype"] == "CHAN_START"][-1:]
        return any(row["eventtype"] == what and row["uniqueid"] in latest for row in rows)

    await eventually(found, f"{what} of {phone.number} is logged")
