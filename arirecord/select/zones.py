"""Time zones by their IANA names, such as `Europe/Prague`."""

import os
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from arirecord.suggest import close_names, did_you_mean

__all__ = ["find_zone", "local_time", "zone_name"]

_LOCALTIME = Path("/etc/localtime")
_ELSEWHERE = {"localtime", "posixrules"}
"""Names that mean another zone on each machine."""


def zone_name(name: str) -> str:
    """Return the IANA name of a time zone. `local` is the zone of this machine; case does not matter.

    Raises `ValueError` for an unknown zone, and where the zone of this machine has no name.
    """
    if name.upper() == "UTC":
        return "UTC"
    if name.lower() == "local":
        return zone_name(_local())
    from zoneinfo import available_timezones

    names = {known.lower(): known for known in available_timezones() - _ELSEWHERE}
    try:
        return names[name.lower()]
    except KeyError:
        cities = {key.rpartition("/")[2]: known for key, known in names.items()}
        close = [cities.get(each, each) for each in close_names(name, [*cities, *names.values()])]
        advice = did_you_mean(dict.fromkeys(close)) or "Names are such as Europe/Prague."
        raise ValueError(f"{name!r} is not a time zone. {advice}") from None


def find_zone(name: str) -> tzinfo:
    """Return the time zone with a name, as `zone_name` takes it. Raises `ValueError` as `zone_name` does."""
    name = zone_name(name)
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def local_time(at: datetime, zone: tzinfo) -> datetime:
    """Return a time in UTC as clocks in a zone show it, both without a zone. Also a macro in SQL."""
    try:
        return at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # on the first or the last day that a datetime has
        return at


def _local() -> str:
    """Return the name of this machine's zone: from TZ, else from the target of /etc/localtime."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        target = str(_LOCALTIME.resolve()) if _LOCALTIME.exists() else "/UTC"
        _, _, name = target.rpartition("zoneinfo/")
    if not name or name.lower() == "local" or name.startswith("/"):
        raise ValueError("the time zone of this machine has no name; give one such as Europe/Prague")
    return name
