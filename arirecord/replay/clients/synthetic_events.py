"""Events that a replay makes itself, in Asterisk's form."""

from datetime import UTC, datetime

import orjson

__all__ = ["ari_time", "registered", "replaced"]


def ari_time(ns: int) -> str:
    """Nanoseconds since 1970 UTC as ARI writes times: `2026-11-23T22:05:24.514+0000`, cut to milliseconds."""
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 10**6 % 1000:03}+0000"


def replaced(application: str, moment: str, asterisk_id: str) -> str:
    """The event ApplicationReplaced: another client has taken the application."""
    event = {"type": "ApplicationReplaced", "application": application}
    return orjson.dumps({**event, "timestamp": moment, "asterisk_id": asterisk_id}).decode()


def registered(application: str, moment: str, asterisk_id: str) -> str:
    """The event with which Asterisk begins an outbound WebSocket."""
    event = {"type": "ApplicationRegistered", "timestamp": moment, "application": application}
    return orjson.dumps({**event, "asterisk_id": asterisk_id}).decode()
