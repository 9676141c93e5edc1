"""Redact: write a session without personal data, and change nothing else."""

import base64
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import phonenumbers

from arirecord.errors import LeakError
from arirecord.session.header import Header
from arirecord.session.output_file import check_output
from arirecord.session.reader import SessionFile
from arirecord.session.rewrite import describe_source, read_batches, to_rows, write_session
from arirecord.session.rows import TEXT, Row
from arirecord.session.seal import Progress, no_progress

from .collect import Originals, collect, plain_digits
from .keyed_permutation import KeyedPermutation
from .leak_check import find_leaks
from .mask_dtmf import Dtmf, DtmfMasker
from .number_finder import SHORT, Finder
from .pseudonym import is_service, pseudonyms, word_pseudonyms
from .unescape import cut, key_of, views
from .word_index import WordIndex

__all__ = ["Options", "Redacted", "Redactor", "redact_session"]

_CALLER = re.compile(r'\{\s*"name"\s*:\s*"([^"]+)"\s*,\s*"number"\s*:')
_BASE64 = re.compile(r'("rest_(?:request|answer)_base64"\s*:\s*")([A-Za-z0-9+/=]*)(")')
_MIN_NAME = 3
_REMEMBERED = 200_000
_LONG = 1000


@dataclass(frozen=True)
class Options:
    """Options of a redaction.

    `min_digits`: numbers of fewer digits are internal and stay. `regions`: countries (`CZ`) of numbers written without
    one. `keep`: numbers that stay. `names`, `endpoints`: whether callers' names and endpoints' user names are replaced.
    """

    min_digits: int = 7
    regions: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    names: bool = True
    endpoints: bool = False
    dtmf: Dtmf = "mask"


@dataclass(frozen=True)
class Redacted:
    """The new session's `header`, and the counts of replaced numbers, names and endpoints, and of masked digits.

    `ambiguous` are names with another meaning (a context of the dialplan, a word of ARI): they were replaced
    only where they name a caller; endpoints among them were not replaced.
    """

    header: Header
    number_count: int
    name_count: int
    user_count: int
    digit_count: int
    ambiguous: tuple[str, ...]


class Redactor:
    """Replaces numbers and names in any text. `numbers` and `words` map originals to pseudonyms; `callers` are names
    that are replaced only where they are a caller's.
    """

    def __init__(
        self, finder: Finder, numbers: Mapping[str, str], words: Mapping[str, str], callers: Mapping[str, str]
    ) -> None:
        self._finder = finder
        self._numbers = numbers
        self._lengths = sorted({len(number) for number in numbers}, reverse=True)
        self._words = words
        self._index = WordIndex(words)
        self._callers = callers
        self._is_careful = finder.min_digits < SHORT
        self._done: dict[str, str] = {}

    def row(self, kind: str, raw: str) -> str:
        """Redact `raw` of a row."""
        if kind == TEXT:
            return ""  # names in free text cannot be found
        if kind == "binary":
            return self._bytes(raw)
        if "_base64" in raw:
            raw = _BASE64.sub(lambda m: m[1] + self._bytes(m[2]) + m[3], raw)
        return self.text(raw)

    def text(self, text: str) -> str:
        """Redact any text; all other characters stay."""
        pieces = cut(text)
        if pieces is None:
            return self._plain(text, is_json=False)
        if len(self._done) > _REMEMBERED:
            self._done.clear()
        for index in range(1, len(pieces), 2):
            piece = pieces[index]
            place = key_of(pieces, index) if self._is_careful and piece.isdecimal() else ""
            spot = f"{place}\0{piece}" if place else piece
            new = self._done.get(spot)
            if new is None:
                new = self._string(piece, place)
                if len(piece) < _LONG:
                    self._done[spot] = new
            if piece in self._callers and "number" in pieces[index + 2 : index + 3]:
                new = self._callers[piece] if key_of(pieces, index) == "name" else new
            pieces[index] = new
        for index in range(0, len(pieces), 2):
            if len(pieces[index]) > self._finder.min_digits:
                opening = f'"{key_of(pieces, index)}"'
                pieces[index] = self._plain(opening + pieces[index], is_json=True)[len(opening) :]
        return '"'.join(pieces)

    def _string(self, piece: str, key: str) -> str:
        opening = f'"{key}":"' if key else '"'
        return self._plain(f'{opening}{piece}"', is_json=True)[len(opening) : -1]

    def _plain(self, text: str, *, is_json: bool) -> str:
        spans = []
        for view in views(text, is_json=is_json):
            for start, end, new in self._spans(view.text):
                spans.append((*view.span(start, end), new))
        if not spans:
            return text
        parts: list[str] = []
        done = 0
        for start, end, new in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= done:
                parts += (text[done:start], new)
                done = end
        return "".join((*parts, text[done:]))

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        for start, _, name in self._index.find(text):
            yield from _by_part(start, name, self._words[name])
        if self._callers and '"number"' in text:
            for match in _CALLER.finditer(text):
                if match[1] in self._callers:
                    yield from _by_part(match.start(1), match[1], self._callers[match[1]])
        if self._numbers:
            for found in self._finder.known(text, self._numbers, self._lengths):
                new = iter(self._numbers[found.digits])
                for start, end in found.runs:
                    yield start, end, "".join(next(new) for _ in range(end - start))

    def _bytes(self, text: str) -> str:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:
            return self.text(text)
        # Each byte is one character: bytes beyond ASCII come back unchanged.
        return base64.b64encode(self.text(data.decode("latin-1")).encode("latin-1")).decode()


def _without_notes(source: Any) -> Any:
    """Return a description of sessions without the remarks of imports, which show a line of a file."""
    if isinstance(source, dict):
        return {key: _without_notes(value) for key, value in source.items() if key != "notes"}
    return [_without_notes(value) for value in source] if isinstance(source, list) else source


def _by_part(start: int, name: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Replace word by word: the text between words can have many forms, and stays."""
    for part in re.finditer(r"[^\W_]+", name):
        yield start + part.start(), start + part.end(), new[part.start() : part.end()]


def redact_session(
    session: SessionFile,
    key: bytes,
    target: Path,
    options: Options,
    *,
    force: bool = False,
    progress: Progress = no_progress,
) -> Redacted:
    """Write `session` to `target` with its numbers, names and keyed digits replaced as `options` say.

    The text of a frame changes only where something is replaced. The session is read three times: to collect
    originals, to replace them, and, sealed, to search for every original. Memory grows with the number of
    different originals, not with the length.

    Raises `LeakError` if an original is left; the output is removed. Raises `ArirecordError` as `pseudonyms` does,
    `TargetExists` and `OSError`.
    """
    check_output(target, inputs=[session.path], force=force)
    finder = Finder(options.min_digits, *_times(session))
    found = collect(session, finder, progress)
    kept = {plain_digits(number) or number for number in options.keep}
    numbers = {n for n in found.numbers if n not in kept and not is_service(n, options.regions)}
    cipher = KeyedPermutation(key)
    names, callers = _told_apart(found, options)
    users = (found.users - found.vocabulary - names) if options.endpoints else set()
    others = word_pseudonyms(names | callers | users, cipher)
    redactor = Redactor(
        finder,
        pseudonyms(numbers, cipher, options.regions, found.international),
        {word: others[word] for word in names | users},
        {name: others[name] for name in callers},
    )
    keypad = DtmfMasker(options.dtmf)

    def batches() -> Iterator[list[Row]]:
        for batch, shift_ns in read_batches(session):
            yield [
                row._replace(raw=redactor.row(row.kind, keypad.masked(row.raw, row.kind)))
                for row in to_rows(batch, shift_ns)
            ]

    def source() -> dict[str, Any]:
        told = redactor.text(orjson.dumps(_without_notes(describe_source(session))).decode())
        how = {
            "key_id": cipher.key_id,
            "min_digits": options.min_digits,
            "regions": options.regions,
            "names": options.names,
            "endpoints": options.endpoints,
            "dtmf": options.dtmf,
            "phonenumbers": phonenumbers.__version__,
        }
        return {"verb": "redact", "redact": how, "sources": [orjson.loads(told)]}

    header = write_session(
        batches(),
        target,
        started_ns=session.header.started_ns,
        inputs=[session.path],
        source=source,
        first_seq=_first_seq(session),
        ended=redactor.text(session.header.ended),
        check=_checker(numbers, names | users, callers, finder, options.dtmf, progress),
        force=force,
        progress=progress,
    )
    ambiguous = callers | (found.users & found.vocabulary if options.endpoints else set())
    return Redacted(
        header, len(numbers), len(names | callers), len(users), keypad.masked_count, tuple(sorted(ambiguous))
    )


def _told_apart(found: Originals, options: Options) -> tuple[set[str], set[str]]:
    """Return the names to replace everywhere, and those to replace only as a caller's name."""
    if not options.names:
        return set(), set()
    users = found.users if not options.endpoints else set()
    callers = {n for n in found.names if n in found.vocabulary or n in users or not _is_telling(n)}
    return found.names - callers, callers


def _is_telling(name: str) -> bool:
    """Return whether a name is long enough to differ from other words."""
    return sum(character.isalpha() for character in name) >= _MIN_NAME


def _checker(
    numbers: Collection[str],
    words: Collection[str],
    callers: Collection[str],
    finder: Finder,
    dtmf: Dtmf,
    progress: Progress,
) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        leaks = find_leaks(
            path, numbers, words, callers, finder=finder, no_digits=dtmf == "mask-all", progress=progress
        )
        if found := list(leaks):
            raise LeakError(
                f"the redacted session still held {len(found)} originals and was not kept: {'; '.join(found[:5])}."
                " Please report this, with the frame if you may"
            )

    return check


def _times(session: SessionFile) -> tuple[datetime, datetime]:
    first, last = (
        datetime.fromisoformat(at) if at else datetime.fromtimestamp(session.header.started_ns / 1e9, UTC)
        for at in (session.header.first_at, session.header.last_at)
    )
    return first, last


def _first_seq(session: SessionFile) -> int:
    for batch, _ in read_batches(session):
        if batch.num_rows:
            return int(batch["seq"][0].as_py())
    return 0
