"""Made-up recordings: rows of a call that goes as it should, to be spoiled by a test."""

from datetime import UTC, datetime, timedelta
from typing import Any

Row = tuple[int, str, dict[str, Any]]
"""Nanoseconds since the start, kind, content."""

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def at(seconds: float) -> str:
    """The time so many seconds after the start, as ARI writes it."""
    moment = START + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"


def channel(name: str, state: str = "Up", **fields: Any) -> dict[str, Any]:
    """A channel `name` whose number is its name."""
    known = {
        "id": name, "name": f"PJSIP/{name}-00000001", "state": state, "creationtime": at(0), "language": "en",
        "caller": {"name": "", "number": name}, "connected": {"name": "", "number": ""}, "accountcode": "",
        "dialplan": {"context": "rig", "exten": "2000", "priority": 1, "app_name": "", "app_data": ""},
    }  # fmt: skip
    return {**known, **fields}


def bridge(members: list[str], name: str = "b1", kind: str = "mixing", bridge_class: str = "basic") -> dict[str, Any]:
    """A bridge with these channels in it."""
    return {
        "id": name, "technology": "simple_bridge", "bridge_type": kind, "bridge_class": bridge_class, "creator": "",
        "name": name, "channels": members, "creationtime": at(0), "video_mode": "none",
    }  # fmt: skip


def event(seconds: float, event_type: str, **fields: Any) -> Row:
    """An event, received a millisecond after its time."""
    frame = {"type": event_type, "timestamp": at(seconds), "application": "recorder", **fields}
    return round(seconds * 1e9) + 1_000_000, "event", frame


def about(seconds: float, event_type: str, name: str, state: str = "Up", **fields: Any) -> Row:
    """An event about a channel."""
    return event(seconds, event_type, channel=channel(name, state), **fields)


def entered(seconds: float, who: str, members: list[str], **of_bridge: Any) -> Row:
    """A channel enters the bridge; `members` are then in it."""
    return about(seconds, "ChannelEnteredBridge", who, bridge=bridge(members, **of_bridge))


def left(seconds: float, who: str, members: list[str], **of_bridge: Any) -> Row:
    """A channel leaves the bridge; `members` stay in it."""
    return about(seconds, "ChannelLeftBridge", who, bridge=bridge(members, **of_bridge))


def dial(seconds: float, status: str, state: str = "Down") -> Row:
    """1001 dials 1002."""
    parties = {"caller": channel("1001", "Ring"), "peer": channel("1002", state)}
    return event(seconds, "Dial", dialstatus=status, dialstring="" if status else "1002", forward="", **parties)


def ended(seconds: float, name: str, cause: int = 16, text: str = "Normal Clearing") -> Row:
    """A channel ends."""
    return about(seconds, "ChannelDestroyed", name, cause=cause, cause_txt=text)


def begun() -> list[Row]:
    """1001 calls 1002, who answers after a second; both are in bridge b1."""
    return [
        about(0, "ChannelCreated", "1001", "Ring"),
        about(0.1, "ChannelCreated", "1002", "Down"),
        dial(0.2, ""),
        about(0.3, "ChannelStateChange", "1002", "Ringing"),
        dial(0.3, "RINGING", "Ringing"),
        about(1, "ChannelStateChange", "1002", "Up"),
        dial(1, "ANSWER", "Up"),
        about(1.1, "ChannelStateChange", "1001", "Up"),
        entered(1.2, "1002", ["1002"]),
        entered(1.3, "1001", ["1002", "1001"]),
    ]


def finished(seconds: float = 9) -> list[Row]:
    """1001 hangs up, and all comes to an end."""
    return [
        about(seconds, "ChannelHangupRequest", "1001", cause=16),
        left(seconds + 0.1, "1001", ["1002"]),
        left(seconds + 0.2, "1002", []),
        ended(seconds + 0.3, "1001"),
        ended(seconds + 0.3, "1002"),
    ]


def gap(seconds: float) -> Row:
    """The connection was lost."""
    return round(seconds * 1e9), "connection", {"type": "gap", "connection_reason": "reset by peer"}


def rest(seconds: float, method: str, uri: str, status: int = 204) -> Row:
    """The application asked Asterisk for something."""
    content = {
        "type": method, "rest_by": "app", "rest_method": method, "rest_uri": uri, "rest_status": status,
        "rest_duration_ns": 2_000_000,
    }  # fmt: skip
    return round(seconds * 1e9), "rest", content
