"""Redact: write a session without personal data, and change nothing else."""

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
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

from .collect_personal_data import collect, fixed_words, plain_digits, words_of_names
from .encoded import encoded_texts
from .keyed_permutation import KeyedPermutation
from .leak_check import Leak, LeakSearch
from .mask_dtmf import MASK, DtmfMasker
from .mask_headers import masked_headers
from .number_finder import SHORT, STAMP, Finder
from .options import Options, Redacted
from .patterns import Patterns
from .pseudonym import is_service, national_forms, pseudonyms, word_pseudonyms
from .unescape import cut, is_json, key_of, views
from .word_index import NameMatch, WordIndex, words_of

__all__ = ["Options", "Redacted", "Redactor", "redact_session"]

_CALLER = re.compile(r'\{\s*"name"\s*:\s*"([^"]+)"\s*,\s*"number"\s*:')
_BASE64 = re.compile(r'("rest_(?:request|answer)_base64"\s*:\s*")([A-Za-z0-9+/=]*)(")')
_FREE_TEXT = re.compile(r'("(?:mark_text|body)"\s*:\s*")(?:[^"\\]|\\.)+(")')
_REMEMBERED = 200_000
_LONG = 1000


class Redactor:
    """Replaces numbers and names in any text. `numbers` and `words` map originals to pseudonyms; `index` finds the
    words; `callers` are names that are replaced only where they are a caller's. `unread_count` counts masked rows.
    """

    def __init__(
        self,
        finder: Finder,
        numbers: Mapping[str, str],
        words: Mapping[str, str],
        index: WordIndex,
        callers: Mapping[str, str],
        patterns: Patterns,
        *,
        masks_headers: bool,
        masks_texts: bool,
    ) -> None:
        self._finder = finder
        self._patterns = patterns
        self._masks_headers, self._masks_texts = masks_headers, masks_texts
        self._numbers = numbers
        self._lengths = sorted({len(number) for number in numbers}, reverse=True)
        self._words = {word: [match[0] for match in words_of(new)] for word, new in words.items()}
        self._index = index
        self._callers = {name: _safe(new) for name, new in callers.items()}
        self.unread_count = 0
        self._is_careful = finder.min_digits < SHORT
        self._done: dict[str, str] = {}

    def row(self, kind: str, raw: str) -> str:
        """Redact `raw` of a row. A row that is not JSON, and a body that is not text, are masked whole."""
        if kind == "binary" or not is_json(raw):
            self.unread_count += 1
            return masked_row(kind)
        if "_base64" in raw and kind == "rest":
            raw, count = _BASE64.subn(rf"\g<1>{masked_row('binary')}\g<3>", raw)
            self.unread_count += bool(count)
        if self._masks_texts and ('"body"' in raw or "mark_text" in raw):
            raw = _FREE_TEXT.sub(rf"\g<1>{MASK}\g<2>", raw)
        if self._masks_headers:
            raw = masked_headers(raw)
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
            if STAMP.fullmatch(piece):
                continue
            place = key_of(pieces, index) if self._is_careful and piece.isdecimal() else ""
            spot = f"{place}\0{piece}" if place else piece
            new = self._done.get(spot)
            if new is None:
                new = self._string(piece, place)
                if len(piece) < _LONG:
                    self._done[spot] = new
            if self._callers and key_of(pieces, index) == "name":
                is_caller = "number" in (*pieces[index + 2 : index + 3], *pieces[max(index - 6, 0) : index - 5])
                new = self._callers.get(_unescaped(piece), new) if is_caller else new
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
        yield from self._patterns.find(text)
        for name in self._index.find(text):
            yield from self._name(text, name)
        if self._callers and '"number"' in text:
            for match in _CALLER.finditer(text):
                if match[1] in self._callers:
                    yield match.start(1), match.end(1), self._callers[match[1]]
        if self._numbers:
            for number in self._finder.known(text, self._numbers, self._lengths):
                new = iter(self._numbers[number.digits])
                for start, end in number.runs:
                    yield start, end, "".join(next(new) for _ in range(end - start))
        for encoded in encoded_texts(text):
            redacted = self.text(encoded.text)
            if redacted != encoded.text:
                yield encoded.start, encoded.end, encoded.encode(redacted)

    def _name(self, text: str, match: NameMatch) -> Iterator[tuple[int, int, str]]:
        """Replace word by word, in the case of the text: what is between words can have many forms, and stays."""
        new_words = self._words[match.name]
        for start, end, indexes in match.parts:
            new, old = "".join(new_words[i] for i in indexes), text[start:end]
            new = new.upper() if old.isupper() else new.lower() if old.islower() else new
            yield start, end, new


def _without_notes(source: Any) -> Any:
    """Return a description of sessions without the remarks of imports, which show a line of a file."""
    if isinstance(source, dict):
        return {key: _without_notes(value) for key, value in source.items() if key != "notes"}
    return [_without_notes(value) for value in source] if isinstance(source, list) else source


def masked_row(kind: str) -> str:
    """Return `raw` of a row of which nothing stays."""
    if kind == TEXT:
        return ""
    return base64.b64encode(MASK.encode()).decode() if kind == "binary" else MASK


def _unescaped(piece: str) -> str:
    return str(orjson.loads(f'"{piece}"')) if "\\" in piece else piece


def _safe(name: str) -> str:
    """Return a name that needs no escape in JSON."""
    return "".join(c for c in name if c.isprintable() and c not in '"\\')


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
    different originals, not with the length. Strings in which an original is left are masked in a second run; if that
    is not enough, their rows are masked whole in a third one.

    Raises `LeakError` if an original is left even so; the output is removed. Raises `ArirecordError` as `pseudonyms`
    does, `TargetExists` and `OSError`.
    """
    check_output(target, inputs=session.inputs, force=force)
    finder = Finder(options.min_digits, *recording_times(session.header))
    originals = collect(session, finder, progress)
    kept = {plain_digits(number) or number for number in options.keep}
    numbers = {n for n in originals.numbers if n not in kept and not is_service(n, options.regions)}
    written_numbers = len(numbers)
    numbers |= national_forms(numbers, options.regions, originals.international) - kept
    cipher = KeyedPermutation(key)
    names, exact, callers = originals.names_apart(names=options.names, endpoints=options.endpoints)
    users = (originals.users - originals.vocabulary - names - exact) if options.endpoints else set()
    parts = words_of_names(names | exact, originals.vocabulary | originals.users) if options.name_words else set()
    others = word_pseudonyms(names | exact | callers | users | parts, cipher)
    words = {word: others[word] for word in names | exact | users | parts}
    index = WordIndex(words, exact=exact | users | (parts - names), fixed=fixed_words() | originals.header_words)
    patterns = Patterns(cipher, emails=options.emails, addresses=options.addresses)
    redactor = Redactor(
        finder,
        pseudonyms(numbers, cipher, options.regions, originals.international),
        words,
        index,
        {name: others[name] for name in callers},
        patterns,
        masks_headers=options.headers,
        masks_texts=options.texts,
    )
    keypad = DtmfMasker(options.dtmf)
    first_seq = _first_seq(session)

    search = LeakSearch(
        numbers,
        index,
        callers | words.keys(),
        patterns.originals,
        names,
        finder=finder,
        no_digits=options.dtmf == "mask-all",
    )
    left: list[Leak] = []
    doubtful: set[int] = set()
    hopeless: set[int] = set()

    def batches() -> Iterator[list[Row]]:
        seqs = count(first_seq)
        redactor.unread_count = 0
        keypad.restart()
        for batch, shift_ns in read_batches(session):
            rows = []
            for row, seq in zip(to_rows(batch, shift_ns), seqs, strict=False):
                raw = redactor.row(row.kind, keypad.masked(row.raw, row.kind))
                if seq in doubtful:
                    raw = masked_row(row.kind) if seq in hopeless or not is_json(raw) else search.masked(raw)
                rows.append(row._replace(raw=raw))
            yield rows

    def source() -> dict[str, Any]:
        sources = redactor.text(orjson.dumps(_without_notes(describe_source(session))).decode())
        how = {
            "key_id": cipher.key_id,
            "min_digits": options.min_digits,
            "regions": options.regions,
            "names": options.names,
            "name_words": options.name_words,
            "endpoints": options.endpoints,
            "emails": options.emails,
            "addresses": options.addresses,
            "headers": options.headers,
            "texts": options.texts,
            "dtmf": options.dtmf,
            "phonenumbers": phonenumbers.__version__,
        }
        return {"verb": "redact", "redact": how, "sources": [orjson.loads(sources)]}

    def check(path: Path) -> None:
        left[:] = search.search(path, progress)
        if left:
            raise LeakError(
                f"the redacted session still held {len(left)} originals and was not kept:"
                f" {'; '.join(map(str, left[:5]))}. Please report this, with the frame if you may"
            )

    def written() -> Header:
        return write_session(
            batches(),
            target,
            started_ns=session.header.started_ns,
            inputs=session.inputs,
            source=source,
            first_seq=first_seq,
            ended=redactor.text(session.header.ended),
            check=check,
            force=force,
            progress=progress,
        )

    try:
        header = written()
    except LeakError:
        doubtful |= _rows_of(left)
        if not doubtful:
            raise
        try:
            header = written()
        except LeakError:
            hopeless |= _rows_of(left)
            doubtful |= hopeless
            header = written()
    ambiguous = callers | (originals.users & originals.vocabulary if options.endpoints else set())
    return Redacted(
        header,
        written_numbers,
        len(names | exact | callers),
        len(users),
        keypad.masked_count,
        len(patterns.originals),
        redactor.unread_count,
        len(doubtful),
        tuple(sorted(ambiguous)),
    )


def _rows_of(leaks: list[Leak]) -> set[int]:
    return {row for leak in leaks for row in leak.rows}


def recording_times(header: Header) -> tuple[datetime, datetime]:
    """Return when the first and the last row of a recording were received."""
    started_at = datetime.fromtimestamp(header.started_ns / 1e9, UTC)
    first, last = (datetime.fromisoformat(at) if at else started_at for at in (header.first_at, header.last_at))
    return first, last


def _first_seq(session: SessionFile) -> int:
    for batch, _ in read_batches(session):
        if batch.num_rows:
            return int(batch["seq"][0].as_py())
    return 0
