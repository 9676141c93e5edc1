"""Routing of events: which recorded frames a client receives, and under which application name."""

import base64
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from arirecord.errors import ReplayError
from arirecord.json_text import json_object
from arirecord.session.reader import Frame

from .app_registry import rewrite
from .channel_ownership import PRIVATE, Membership, Subscription

__all__ = ["ClientView", "CombinedView", "EventRouting", "plain_payload"]

_NAMED = 10
_WINDOW = 1 << 16


class CombinedView:
    """Merges the events of several applications: an event that each of them received is sent once, an event that one of
    them received twice is sent twice.
    """

    def __init__(self, window: int = _WINDOW) -> None:
        self._counts: dict[str, dict[str, int]] = {}
        self._latest: deque[str] = deque()
        self._window = window

    def is_new(self, text: str, application: str) -> bool:
        """Whether no other application's stream has contained this text yet."""
        counts = self._counts.get(text)
        if counts is None:
            counts = self._counts[text] = {}
            self._latest.append(text)
            if len(self._latest) > self._window:
                del self._counts[self._latest.popleft()]
        most = max(counts.values(), default=0)
        counts[application] = counts.get(application, 0) + 1
        return counts[application] > most


@dataclass(slots=True)
class ClientView:
    """What a client receives as application `asked`.

    That is the frames of the applications `sources`. Of events that only the application itself receives, those of its
    own names in the recording, `recorded`. With an `ownership` only events that Asterisk sends without subscribeAll.
    """

    asked: str
    recorded: frozenset[str]
    sources: frozenset[str]
    ownership: Subscription | None = None
    union: CombinedView | None = field(init=False)

    def __post_init__(self) -> None:
        self.union = CombinedView() if len(self.sources) > 1 else None

    def payload(self, frame: Frame) -> str | None:
        """The text of a frame that names an application; None if it is not for this client."""
        application = frame.application
        if application not in self.sources or frame.kind != "event":
            return None
        if frame.type in PRIVATE and application not in self.recorded:
            return None
        if (
            self.ownership is not None
            and frame.type not in PRIVATE
            and not self.ownership.wants(json_object(frame.raw))
        ):
            return None
        text = frame.raw if application == self.asked else rewrite(frame.raw, self.asked)
        return text if self.union is None or self.union.is_new(text, application) else None


def plain_payload(frame: Frame) -> str | bytes | None:
    """The message for a frame that names no application: text, or bytes if bytes were recorded."""
    if frame.kind == "binary":
        return base64.b64decode(frame.raw)
    return frame.raw if frame.kind == "event" else None


class EventRouting:
    """Maps the application names of clients to recorded applications.

    `recorded` are the applications of the recording's frames. `mapped` pairs of a recorded name and a client's name;
    the recorded name may also be that of an application that only had channels. `wide` is true if the recording was
    made with subscribeAll.
    """

    def __init__(self, recorded: Collection[str], mapped: Sequence[tuple[str, str]] = (), wide: bool = False) -> None:
        self._recorded = frozenset(recorded)
        self._listed = list(recorded)
        self._wide = wide
        self._mapped: dict[str, frozenset[str]] = {}
        for name, asked in mapped:
            self._mapped[asked] = self._mapped.get(asked, frozenset()) | {name}

    def check(self, known: Membership) -> None:
        """Raises `ReplayError` if a name to map is not in the recording."""
        for names in self._mapped.values():
            for name in names - self._recorded - known.originated.keys():
                raise ReplayError(f"application {name!r} to map does not exist; {self._there(known)}")

    def needs_known(self, asked: Sequence[str]) -> bool:
        """Whether `unknown` and `views` need the membership of channels in applications."""
        return self._wide or not self._recorded.issuperset(asked)

    def unknown(self, asked: Sequence[str], known: Membership) -> str | None:
        """A sentence on those names that are neither recorded nor mapped; None if all are known."""
        there = self._recorded | self._mapped.keys() | known.originated.keys()
        names = [name for name in asked if name not in there]
        if not names:
            return None
        named = f"application{'s' * (len(names) > 1)} {_listed(names)}"
        return f"{named} {'are' if len(names) > 1 else 'is'} not in the recording; {self._there(known)}"

    def views(self, asked: Sequence[str], subscribe_all: bool, known: Membership) -> tuple[list[ClientView], list[str]]:
        """Return the views of a client that asks for these names, and the notices for the user.

        In a recording of one application, a client that asks only for unknown names receives the frames of that
        application under the first of them.
        """
        unknown = self.unknown(asked, known)
        alone = len(self._recorded) == 1 and not any(name in self._recorded or name in self._mapped for name in asked)
        views, notices = [], []
        for name in asked:
            mapped = self._mapped.get(name, frozenset([name]))
            ownership = None if subscribe_all else self._owned(name, mapped, known)
            meant = mapped & self._recorded
            if alone and name == asked[0] and ownership is None:
                meant = self._recorded
                notices.append(
                    f"application {name!r} is not in the recording; it gets the frames of {self._listed[0]!r} "
                    "under its name"
                )
            sources = self._recorded if subscribe_all or (ownership is not None and not meant) else meant
            if ownership is not None:
                notices.append(f"{name!r} did not ask for subscribeAll; it gets only its own events of the recording")
            elif self._wide and meant and not subscribe_all:
                notices.append(
                    f"the recording was made with subscribeAll and does not show which events are {name!r}'s own; "
                    "it gets everything"
                )
            views.append(ClientView(name, meant, sources, ownership))
        if unknown is not None and not all(view.sources for view in views) and not alone:
            notices.append(unknown)
        return views, notices

    def _owned(self, name: str, mapped: frozenset[str], known: Membership) -> Subscription | None:
        """The subscription that limits the events, if the recording shows owners and holds more than that."""
        strangers = ({name} | mapped) - self._recorded
        if not self._wide and not strangers & known.originated.keys():
            return None
        names = ({name} | mapped) & known.originated.keys()
        if not names:
            return None
        return Subscription(names, frozenset().union(*(known.originated[name] for name in names)))

    def _there(self, known: Membership) -> str:
        has = f"it has {_listed(self._listed)}" if self._listed else "its frames name none"
        others = [name for name in known.originated if name not in self._recorded]
        return has + (f", and channels in {_listed(others)}" if others else "")


def _listed(names: Collection[str]) -> str:
    first = ", ".join(repr(name) for name in list(names)[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"
