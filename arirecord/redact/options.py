"""Options and results of a redaction."""

from dataclasses import dataclass

from arirecord.session.header import Header

from .mask_dtmf import Dtmf

__all__ = ["Options", "Redacted"]


@dataclass(frozen=True)
class Options:
    """Options of a redaction.

    `min_digits`: numbers of fewer digits are internal and stay. `regions`: countries (`CZ`) of numbers written without
    one. `keep`: numbers that stay. `names`, `endpoints`: whether callers' names and endpoints' user names are replaced.
    `name_words`: whether words of a name are replaced alone, too, as they are written in it: `Muster` of `Mia Muster`.
    `emails`, `addresses`: whether e-mail addresses, and IPv4, IPv6 and MAC addresses are. `headers`: whether values of
    X-headers of SIP are masked. `texts`: whether the texts of marks and messages are masked whole.
    """

    min_digits: int = 7
    regions: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    names: bool = True
    name_words: bool = True
    endpoints: bool = False
    emails: bool = True
    addresses: bool = False
    headers: bool = True
    texts: bool = False
    dtmf: Dtmf = "mask"


@dataclass(frozen=True)
class Redacted:
    """The new session's `header`, and the counts of replaced numbers, names and endpoints, and of masked digits.

    `pattern_count` is the number of different e-mail and network addresses.

    `unread_count` rows were masked whole because they are not JSON. In `doubtful_count` rows an original was left: the
    strings that held it were masked.

    `ambiguous` are names with another meaning (a context of the dialplan, a word of ARI): they were replaced
    only where they name a caller; endpoints among them were not replaced.
    """

    header: Header
    number_count: int
    name_count: int
    user_count: int
    digit_count: int
    pattern_count: int
    unread_count: int
    doubtful_count: int
    ambiguous: tuple[str, ...]
