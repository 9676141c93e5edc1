"""Collect personal data of a session: numbers, names of callers, names of endpoints."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any

import pyarrow.compute as pc

from arirecord.asterisk import catalogue
from arirecord.asterisk.catalogue import columns_of, event_types
from arirecord.json_text import json_value
from arirecord.select.numbers import SEPARATORS
from arirecord.session.reader import SessionFile
from arirecord.session.rewrite import read_batches
from arirecord.session.rows import OWN_COLUMNS
from arirecord.session.seal import Progress

from .encoded import encoded_texts
from .number_finder import STAMP, Finder
from .unescape import cut, key_of, views
from .word_index import name_keys, words_of

__all__ = ["Originals", "collect", "fixed_words", "plain_digits", "words_of_names"]

_DISPLAYED = re.compile(r'"([^"\\<>\n]{2,})"\s*<[^<>"\s]+>')
_UNQUOTED = re.compile(r"((?:[^\W\d_][^\W\d_.'-]*[.'-]?\s+){1,4})<(?:sips?:|tel:|\+?[0-9])", re.IGNORECASE)
_JSON_NUMBER = re.compile(r"\s*:\s*[0-9]{7,19}(?=\s*[,}\]])")
_SET_NAME = re.compile(r'(?:CALLERID|CONNECTEDLINE)\((?:name|all)\)"?\s*[=:]\s*"?([^",<>\\|&]{2,})')
_CHANNEL = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|DAHDI|WebSocket)/([^/@\s]+?)(?:-[0-9a-f]{8}(?:;[12])?)?")
_USER = re.compile(r"(?:sips?|pjsip|iax2?):([^@:;<>\s\"/]+)@", re.IGNORECASE)
_IDS = frozenset({"id", "protocol_id", "target_uri", "video_source_id", "old_video_source_id", "request_id",
                  "transaction_id", "creator", "channels", "channel_ids"})  # fmt: skip
_SPOKEN = ("number", "exten", "caller_rdnis", "destination", "forward", "called")
_REMEMBERED = 200_000
_LONG = 1000
_DEPTH = 3
_MIN_NAME = 3
_MIN_WORD = 4
_IDEOGRAPHS = "\u2e80"
"""From here on, two characters are a name."""
_WITHHELD = frozenset({"anonymous", "unknown", "restricted", "unavailable", "private", "withheld", "asterisk"})


@dataclass
class Originals:
    """`numbers`: digits only; those of `international` had a + before them. `names` of callers, `users` of endpoints.

    `vocabulary`: words with another meaning in this session: applications, contexts, words of ARI.
    `header_words`: keys of the header and words that arirecord writes there.
    `unsure`: digits that only look like numbers; those that are also part of an id (`in_ids`) are not numbers.
    """

    numbers: set[str] = field(default_factory=set)
    international: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    vocabulary: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    in_ids: set[str] = field(default_factory=set)
    header_words: set[str] = field(default_factory=set)

    def names_apart(self, *, names: bool, endpoints: bool) -> tuple[set[str], set[str], set[str]]:
        """Return the names to replace in any spelling, those to replace as written, and those to replace only as
        a caller's name.
        """
        if not names:
            return set(), set(), set()
        others = self.vocabulary | (self.users if not endpoints else set())
        callers = {name for name in self.names if name in others or not _is_telling(name)}
        keys = {key for word in others for key in name_keys(word)}
        keys |= {(part,) for key in keys for part in key}
        exact = {name for name in self.names - callers if not keys.isdisjoint(_all_keys(name))}
        return self.names - callers - exact, exact, callers


def words_of_names(names: Collection[str], vocabulary: Collection[str]) -> set[str]:
    """Return the words of names of several words: capitalised, of four letters or more, not words of `vocabulary`."""
    parts = {part for word in vocabulary for key in name_keys(word) for part in key}
    words = {match[0] for name in names if len(words_of(name)) > 1 for match in words_of(name)}
    return {
        word
        for word in words
        if len(word) >= _MIN_WORD and word.isalpha() and word[0].isupper() and parts.isdisjoint(chain(*name_keys(word)))
    }


def _all_keys(name: str) -> set[tuple[str, ...]]:
    """Return the forms of a name, also without its spaces."""
    return name_keys(name) | name_keys("".join(match[0] for match in words_of(name)))


def _is_telling(name: str) -> bool:
    """Return whether a name is long enough to differ from other words."""
    return sum(1 + (character > _IDEOGRAPHS) for character in name if character.isalpha()) >= _MIN_NAME


@cache
def _columns() -> dict[str, tuple[str, ...]]:
    """Columns with numbers, callers' names, endpoints and words, by content."""
    columns: dict[str, set[str]] = {"number": set(), "name": set(), "user": set(), "word": set()}
    for event_type in event_types():
        for c in columns_of(event_type):
            place = (c.model, c.path[-1])
            if place == ("CallerID", "name"):
                columns["name"].add(c.name)
            elif place in (
                ("Endpoint", "resource"),
                ("Channel", "name"),
                ("DeviceState", "name"),
                ("ContactInfo", "aor"),
            ):
                columns["user"].add(c.name)
            elif c.type == "string" and (c.path[-1] in _SPOKEN or c.name in ("caller", "called")):
                columns["number"].add(c.name)
            elif place in (
                ("DialplanCEP", "context"),
                ("DialplanCEP", "app_name"),
                ("Channel", "state"),
                ("", "context"),
            ):
                columns["word"].add(c.name)
    columns["word"] |= {"type", "application"}
    return {role: tuple(sorted(names)) for role, names in columns.items()}


def collect(session: SessionFile, finder: Finder, progress: Progress) -> Originals:
    """Collect the originals of a session in one pass. Memory grows with their number, not with the session's length."""
    originals = Originals(vocabulary=set(fixed_words()))
    seen: set[str] = set()
    columns = _columns()
    columns_read = [name for names in columns.values() for name in names]
    count = 0
    for batch, _ in read_batches(session, [*columns_read, "extra", "message_body"]):
        have = set(batch.schema.names)
        for role, names in columns.items():
            for name in have.intersection(names):
                for value in pc.unique(batch[name]).drop_null().to_pylist():
                    _note(originals, role, value, finder)
        odd = {name: batch[name].to_pylist() for name in ("extra", "message_body") if name in have}
        for index, (kind, raw) in enumerate(zip(batch["kind"].to_pylist(), batch["raw"].to_pylist(), strict=True)):
            if kind == "binary":
                continue
            _note_frame(originals, raw, finder, seen)
            if kind != "event" or any(column[index] for column in odd.values()):
                _note_objects(originals, raw, finder)
        count += batch.num_rows
        progress("collecting", count)
    for text in (part.header.dump().decode() for part in session.parts):
        _note_frame(originals, text, finder, seen)
        originals.header_words.update(key for item in _objects(text) for key in item)
    originals.vocabulary |= originals.header_words
    originals.numbers |= originals.international | (originals.unsure - originals.in_ids)
    originals.users = {user for user in originals.users if not plain_digits(user)}
    return originals


def plain_digits(text: str) -> str:
    """Return the digits of a text that is a written number (`+420 123-456`); '' for any other."""
    digits = re.sub(SEPARATORS, "", text)
    return digits if digits.isascii() and digits.isdecimal() else ""


def _note(originals: Originals, role: str, value: str, finder: Finder) -> None:
    if role == "word":
        originals.vocabulary.add(value)
    elif role == "user":
        if match := _CHANNEL.fullmatch(value):
            originals.users.add(match[1])
        elif "/" not in value and "@" not in value:
            originals.users.add(value)
    elif digits := plain_digits(value):
        if len(digits) >= finder.min_digits:
            originals.numbers.add(digits)
            if value.lstrip().startswith("+"):
                originals.international.add(digits)
    elif role == "name" and _is_name(value):
        originals.names.add(value)
    elif role == "number":
        originals.numbers.update(re.findall(rf"[0-9]{{{finder.min_digits},}}", value))


def _is_name(value: str) -> bool:
    """Return whether a caller's name is more than punctuation, and is not a word for a withheld number."""
    has_letter = any(c.isalnum() or (unicodedata.category(c)[0] == "S" and not c.isascii()) for c in value)
    return has_letter and value.casefold() not in _WITHHELD


def _capitalised(name: str) -> str:
    """Return the words of a name before an address, without those before its first capital: `call Mia Muster <…>`."""
    words = name.split()
    first = next((i for i, word in enumerate(words) if not word[0].islower()), 0)
    return " ".join(words[first:])


def _note_frame(originals: Originals, raw: str, finder: Finder, seen: set[str]) -> None:
    """Collect from the strings of a frame by their form, in any field."""
    pieces = cut(raw)
    if pieces is None:
        _note_text(originals, raw, finder, is_json=False)
        return
    if len(seen) > _REMEMBERED:
        seen.clear()
    names_follow = "(name)" in raw
    for index in range(1, len(pieces), 2):
        piece = pieces[index]
        if piece not in seen:
            if STAMP.fullmatch(piece):
                continue
            if len(piece) < _LONG:
                seen.add(piece)
            _note_text(originals, piece, finder, is_json=True)
            if key_of(pieces, index) in _IDS:
                originals.in_ids.update(finder.plausible(piece))
        if index + 1 < len(pieces) and (member := _JSON_NUMBER.match(pieces[index + 1])):
            originals.unsure.update(finder.plausible(f'"{piece}"{member[0]}'))
        if names_follow and piece.endswith("(name)") and index + 2 < len(pieces) and pieces[index + 2]:
            _note(originals, "name", pieces[index + 2], finder)


def _note_text(originals: Originals, text: str, finder: Finder, *, is_json: bool, depth: int = _DEPTH) -> None:
    for view in views(text, is_json=is_json):
        text = view.text
        originals.unsure.update(finder.plausible(text))
        if "+" in text:
            originals.international.update(re.findall(r"\+([0-9]{7,15})(?![0-9])", text))
        if "<" in text:
            originals.names.update(n for n in _DISPLAYED.findall(text) if not plain_digits(n))
            originals.names.update(filter(_is_name, map(_capitalised, _UNQUOTED.findall(text))))
        if "(name)" in text or "(all)" in text:
            originals.names.update(n.strip() for n in _SET_NAME.findall(text) if not plain_digits(n))
        if "@" in text:
            originals.users.update(_USER.findall(text))
        if depth:
            for encoded in encoded_texts(text):
                _note_text(originals, encoded.text, finder, is_json=False, depth=depth - 1)
                _note_objects(originals, encoded.text, finder)


def _note_objects(originals: Originals, text: str, finder: Finder) -> None:
    """Collect callers, extensions and endpoints in any JSON: REST bodies, events that the catalogue does not know."""
    for item in _objects(text):
        for key, value in item.items():
            if isinstance(value, str) and value:
                if key == "name" and "number" in item:
                    _note(originals, "name", value, finder)
                elif key in _SPOKEN:
                    _note(originals, "number", value, finder)
                elif key in ("resource", "aor") or (key == "name" and "/" in value):
                    _note(originals, "user", value, finder)


def _objects(text: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield all objects in a JSON text, also those in its strings."""
    if text[:1] not in ("{", "[") or depth > 4:
        return
    waiting: list[Any] = [json_value(text)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield from _objects(value, depth + 1)


@cache
def fixed_words() -> frozenset[str]:
    """Return the words of ARI, of JSON, and of the rows that arirecord writes."""
    words = {name for fields in catalogue.models().values() for name in fields} | set(event_types())
    words |= {part for t in event_types() for c in columns_of(t) for part in c.path}
    words |= {name for kind, columns in OWN_COLUMNS.items() for name in (kind, *columns)}
    words |= {"event", "binary", "text", "true", "false", "null"}
    words |= {"complete", "verb", "redact", "sources", "key_id", "min_digits", "regions", "names", "endpoints",
              "name_words",
              "emails", "addresses", "headers", "texts", "dtmf",
              "keep", "mask", "mask-all",
              "phonenumbers", "capture", "import", "filter", "merge", "compact", "tap"}  # fmt: skip
    return frozenset(words | {"PJSIP", "SIP", "Local", "IAX2", "http", "https", "websocket", "app", "recorder"})
