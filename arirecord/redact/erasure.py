"""Erase phone numbers from a part of a recording, and change nothing else."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from arirecord.asterisk.catalogue import event_types
from arirecord.errors import LeakError
from arirecord.session.column_check import TEMPLATE
from arirecord.session.columnar.table import parse_batch, session_schema
from arirecord.session.digest import PROVED
from arirecord.session.header import FORMAT, KEY, Drift, Header
from arirecord.session.header_stats import HeaderStats
from arirecord.session.parquet import GroupWriter, session_writer
from arirecord.session.parts import Part
from arirecord.session.rows import OWN_COLUMNS
from arirecord.session.seal import Progress, no_progress
from arirecord.session.stored_rows import opened, stored_batches

from .collect_personal_data import plain_digits
from .keyed_permutation import KeyedPermutation, random_key
from .leak_check import LeakSearch
from .number_finder import MAX_DIGITS, SHORT, Finder
from .patterns import Patterns
from .pseudonym import national_forms
from .redact import Redactor, masked_row, recording_times
from .unescape import is_json
from .word_index import WordIndex

__all__ = ["Erasure", "erase_from_part"]

_BATCH = 4096
_MIN_DIGITS = 3
_SUFFIX = 9
_FILL = "9"
"""Replaces each digit. A zero at the beginning would not be a number of JSON."""


@dataclass(frozen=True)
class Erasure:
    """Numbers to erase: `numbers`, digits only, and their other forms in `forms`.

    A number is found in any longer run of digits, so that one of nine digits is found with each prefix and country.
    """

    numbers: frozenset[str]
    forms: frozenset[str]

    @classmethod
    def of(cls, numbers: Collection[str], regions: Sequence[str] = (), *, is_exact: bool = False) -> "Erasure":
        """Return the erasure of numbers as people write them, `+420 731 111 000`.

        regions: countries (`CZ`) of numbers without a country.
        is_exact: only these digits. Otherwise also the number without its country, and its last nine digits.

        Raises `ValueError` for a text that is not a number of 3 to 15 digits.
        """
        digits = {number: plain_digits(number).lstrip("+") for number in numbers}
        for number, bare in digits.items():
            if not _MIN_DIGITS <= len(bare) <= MAX_DIGITS + 2:
                raise ValueError(f"{number!r} is not a phone number of {_MIN_DIGITS} to {MAX_DIGITS} digits")
        exact = frozenset(digits.values())
        if is_exact:
            return cls(exact, exact)
        with_country = {digits[number] for number in numbers if number.strip().startswith("+")}
        forms = exact | national_forms(exact, regions, with_country)
        return cls(exact, frozenset(forms | {number[-_SUFFIX:] for number in exact if len(number) > _SUFFIX}))

    @cached_property
    def _everywhere(self) -> Finder:
        return self.finder(datetime.now(UTC), datetime.now(UTC))

    def finder(self, first_at: datetime, last_at: datetime) -> Finder:
        """Return what finds the numbers in a recording of this time."""
        return Finder(min(SHORT, *map(len, self.forms)), first_at, last_at)

    def search(self, finder: Finder | None = None) -> LeakSearch:
        """Return the search for what is left: that of `redact`."""
        empty: frozenset[str] = frozenset()
        finder = finder or self._everywhere
        return LeakSearch(self.forms, WordIndex(()), empty, empty, empty, finder=finder, no_digits=False)

    def redactor(self, finder: Finder) -> Redactor:
        """Return what replaces the numbers in a text, in any encoding that `redact` reads."""
        patterns = Patterns(KeyedPermutation(random_key()), emails=False, addresses=False)
        replaced = {form: _FILL * len(form) for form in self.forms}
        return Redactor(finder, replaced, {}, WordIndex(()), {}, patterns, masks_headers=False, masks_texts=False)


def erase_from_part(part: Part, erasure: Erasure, target: Path, progress: Progress = no_progress) -> int:
    """Write a part without the numbers to `target`, a new file, and return the number of rows that changed.

    If the part holds none of the numbers, nothing is written and 0 is returned. Rows keep their position, times and
    kind, all other rows keep their text, and the header keeps what it says of the recording. A compact part becomes
    an ordinary one. Strings that still hold a number are masked, and as a last resort their rows.

    Raises `LeakError` if a number is left even so; the file is removed. Raises `NotASession`, `OSError`.
    """
    finder = erasure.finder(*recording_times(part.header))
    redactor, search = erasure.redactor(finder), erasure.search(finder)
    header = _erased_header(part.header, redactor.text)
    is_changed = header.dump() != part.header.dump() or any(
        redactor.text(raw) != raw
        for batch in _batches(part, ("seq", "raw"), progress)
        for raw in batch["raw"].to_pylist()
    )
    doubtful: set[int] = set()
    if not is_changed:
        leaks = list(search.search(part.path, progress))
        if not leaks:
            return 0
        doubtful = {seq for leak in leaks for seq in leak.rows}
    hopeless: set[int] = set()

    def erased(seq: int, kind: str, raw: str) -> str:
        text = redactor.text(raw)
        if seq in hopeless or (seq in doubtful and not is_json(text)):
            return masked_row(kind)
        return search.masked(text) if seq in doubtful else text

    for _ in range(3):
        count = _write(part, header, erased, target, progress)
        leaks = list(search.search(target, progress))
        if not leaks:
            return max(count, 1)
        left = {seq for leak in leaks for seq in leak.rows}
        hopeless |= left & doubtful
        doubtful |= left
    target.unlink()
    raise LeakError(
        f"{part.path} still held a number in {len(leaks)} places and was not replaced: "
        f"{'; '.join(map(str, leaks[:5]))}. Please report this, with the frame if you may"
    )


def _write(part: Part, header: Header, erased: Callable[[int, str, str], str], target: Path, progress: Progress) -> int:
    columns = [name for name in part.schema.names if name != TEMPLATE]
    needed = session_schema([name for name in (*event_types(), *OWN_COLUMNS) if _occurs(name, part)])
    # A compact part lacks columns without values, one of an earlier version those of a later catalogue.
    is_copied = TEMPLATE not in part.schema.names and set(needed.names) <= set(columns)
    schema = pa.schema([part.schema.field(name) for name in columns]) if is_copied else needed
    columns = columns if is_copied else [*PROVED]
    header = replace(header, format=FORMAT, data_sha256=None)
    stats, changed_count = HeaderStats(), 0
    with session_writer(target, schema) as writer, GroupWriter(writer) as groups:
        for batch in _batches(part, columns, progress):
            seqs, kinds, raws = (batch[name].to_pylist() for name in ("seq", "kind", "raw"))
            new = list(map(erased, seqs, kinds, raws))
            count = sum(one != other for one, other in zip(raws, new, strict=True))
            if count:
                batch = batch.set_column(batch.schema.get_field_index("raw"), "raw", pa.array(new, pa.string()))
            is_parsed = count or not is_copied
            table = parse_batch(batch, schema, Drift()) if is_parsed else pa.Table.from_batches([batch]).cast(schema)
            groups.add(table)
            stats.add(table)
            changed_count += count
        groups.flush()
        stats.into(header)
        for server in part.header.asterisk_ids:  # of a part of a lake also a server without events
            header.asterisk_ids.setdefault(server, 0)
        writer.add_key_value_metadata({KEY: header.dump()})
    return changed_count


def _occurs(name: str, part: Part) -> bool:
    """Return whether a part has events of this type, or columns of this kind of rows."""
    if name in OWN_COLUMNS:
        return not set(OWN_COLUMNS[name]).isdisjoint(part.schema.names)
    return name in part.header.types


def _batches(part: Part, columns: Sequence[str], progress: Progress) -> Iterator[pa.RecordBatch]:
    count = 0
    with opened(part.path) as file:
        for batch in stored_batches(file, _BATCH, list(columns)):
            if batch.num_rows:
                yield batch
            count += batch.num_rows
            progress("reading", count)


def _erased_header(header: Header, text: Callable[[str], str]) -> Header:
    """Return the header without the numbers: in texts only, counts and times stay."""

    def erased(value: Any) -> Any:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, dict):
            return {text(key): erased(each) for key, each in value.items()}
        return [erased(each) for each in value] if isinstance(value, list) else value

    texts = {name: erased(getattr(header, name)) for name in ("source", "drift", "problems", "applications", "ended")}
    return replace(header, **texts) if texts != {name: getattr(header, name) for name in texts} else header
