"""Personal data that is known by its form: e-mail addresses, IP addresses and MAC addresses."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address

from .keyed_permutation import KeyedPermutation

__all__ = ["Patterns"]

_EMAIL = re.compile(r"(?<![\w.%+/-])(?<!sip:)(?<!sips:)(?=[\d.+-]*+[^\W\d])([\w.+-]++)@((?:[\w-]+\.)+[^\W\d_]{2,})")
"""Not the address of an endpoint: `sip:alice@pbx.example.com`, `PJSIP/alice@pbx.example.com`."""
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?!\1|\w)")
_OTHER_MAC = re.compile(
    r"(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.])|(?:(?<=SEP)|(?<=ATA)|(?<=mac[=:]))[0-9a-f]{12}(?!\w)",
    re.IGNORECASE,
)
"""As Cisco's switches and phones write it: `001b.4411.3ab7`, `SEP001B44113AB7`."""
_IP4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|\.\d)")


class Patterns:
    """Finds what its form shows, and replaces it by a keyed pseudonym of the same form.

    emails, addresses: whether these are replaced; addresses are IPv4, IPv6 and MAC.
    `originals` collects what was replaced.
    """

    def __init__(self, cipher: KeyedPermutation, *, emails: bool, addresses: bool) -> None:
        self._cipher = cipher
        self._emails, self._addresses = emails, addresses
        self.originals: set[str] = set()

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield the place and the pseudonym of each occurrence."""
        if self._emails and "@" in text:
            for match in _EMAIL.finditer(text):
                domain, _, top = match[2].rpartition(".")
                new = f"{self._cipher.letters(match[1], 'email')}@{self._cipher.letters(domain, 'email')}.{top}"
                yield self._noted(match, new)
        if self._addresses:
            for match in _MAC.finditer(text):
                new = match[1].join(["02", *self._hex(match[0].lower(), 5)])
                yield self._noted(match, new.upper() if match[0].isupper() else new)
            for match in _OTHER_MAC.finditer(text):
                new = "".join(["02", *self._hex(re.sub(r"\W", "", match[0].lower()), 5)])
                new = f"{new[:4]}.{new[4:8]}.{new[8:]}" if "." in match[0] else new
                yield self._noted(match, new.upper() if match[0].isupper() else new)
            for match in (*_IP4.finditer(text), *_IP6.finditer(text)):
                if new := self._address(match[0]):
                    yield self._noted(match, new)

    def _noted(self, match: re.Match[str], new: str) -> tuple[int, int, str]:
        self.originals.add(match[0].casefold())
        return match.start(), match.end(), new

    def _address(self, text: str) -> str:
        """Return another address, of a private network; '' for what is not an address, or of no machine."""
        try:
            address = ip_address(text)
        except ValueError:
            return ""
        if address.is_loopback or address.is_unspecified:
            return ""
        if isinstance(address, IPv6Address):
            drawn = self._hex(address.compressed, 8)
            return f"fd00::{':'.join(a + b for a, b in zip(drawn[::2], drawn[1::2], strict=True))}"
        return ".".join(["10", *(str(int(byte, 16)) for byte in self._hex(text, 3))])

    def _hex(self, text: str, count: int) -> list[str]:
        return [f"{byte:02x}" for byte in self._cipher.address_bytes(text)[:count]]
