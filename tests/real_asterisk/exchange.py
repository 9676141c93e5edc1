"""An Asterisk with more of what a company has: queues, parking, pickup, paging; on top of what `etc` sets up."""

from pathlib import Path

__all__ = ["FILES"]

_HERE = Path(__file__)
_ADDED = ("extensions.conf", "modules.conf", "pjsip.conf")
"""What stands at the end of the file of `etc`; the other files take its place."""

FILES = {
    path.name: ((_HERE.with_name("etc") / path.name).read_text() if path.name in _ADDED else "") + path.read_text()
    for path in _HERE.with_name("exchange").glob("*.conf")
}
"""For `Asterisk(extra=…)`: configuration files by name."""
