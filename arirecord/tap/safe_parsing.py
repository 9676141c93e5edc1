"""Parsing whose failures are reported, and do not affect the app."""

from collections.abc import Callable
from typing import Any

from .admission import RequestRefused
from .http import Unparsable
from .shared import Shared

__all__ = ["SafeParsing"]


class SafeParsing:
    """Parses bytes that are forwarded anyway. `has_failed` ends the parsing of a connection for good."""

    def __init__(self, shared: Shared) -> None:
        self.has_failed = False
        self._shared = shared

    def parse(self, parse: Callable[[bytes], Any], data: bytes, client: str, *, is_recorded: bool) -> Any:
        """Return the result of `parse`; None after a failure. Raises `RequestRefused` only.

        is_recorded: whether something of this connection was recorded; its rest is then a loss.
        """
        if self.has_failed:
            return None
        try:
            return parse(data)
        except RequestRefused:
            raise
        except Exception as error:
            self.has_failed = True
            is_expected = isinstance(error, Unparsable)
            reason = str(error) if is_expected else type(error).__name__  # another error may quote a secret
            why = f"the traffic of {client} cannot be parsed ({reason})"
            if is_expected and not is_recorded:
                self._shared.say(f"{why[0].upper()}{why[1:]}: it is passed on, not recorded.")
            else:
                self._shared.recorder.missed(why)
            return None
