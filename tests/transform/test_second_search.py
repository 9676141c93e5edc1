"""The second search for originals, which does not depend on the finder of the redaction."""

from pathlib import Path

import pytest

from arirecord.redact.number_finder import Finder
from arirecord.redact.second_search import SecondSearch
from arirecord.redact.word_index import WordIndex

from .support import write
from .test_redact import event, raws, redacted

SEARCH = SecondSearch({"420731111001", "731111001", "2025550"}, {"Mia Muster", "Bob", "Zoë Šťastná"})


@pytest.mark.parametrize(
    "text",
    [
        "+420 731 111 001", "420.731.111.001", "731\u00a0111\u2013001", "x731111001y", "\uff17\uff13\uff11111001",
        "7-3-1-1-1-1-0-0-1",
        "٧٣١١١١٠٠١", "Mia Muster", "MUSTER, mia", "mia_muster.wav", "M i a  M u s t e r", "Zoe Stastna", "stastnazoe",
    ],
)  # fmt: skip
def test_an_original_is_found_by_its_digits_or_letters_alone(text: str) -> None:
    """Whatever separates them, in any case, with or without accents, in both orders."""
    assert list(SEARCH.find(text))


@pytest.mark.parametrize("text", ["731111002", "731 111", "2025550", "Bob", "Mia", "2026-11-23T22:57:38.386+0000", ""])
def test_what_is_too_short_or_another_is_not(text: str) -> None:
    """Short numbers and single words occur by chance."""
    assert not list(SEARCH.find(text))


@pytest.mark.slow
def test_a_finder_that_finds_nothing_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The redaction and the first search use it; the second search still masks the strings that it left."""
    monkeypatch.setattr(Finder, "known", lambda *args: iter(()))
    monkeypatch.setattr(WordIndex, "find", lambda *args: iter(()))
    rows = [
        event(channel={"caller": {"name": "Mia Muster", "number": "+420731111001"}}, value="a"),
        event(value="call +420 731-111-001"),
        event(value="ask MUSTER_Mia"),
        event(value="nothing"),
    ]
    target, done = redacted(write(tmp_path / "one.parquet", rows))

    assert done.doubtful_count == 3
    assert "731" not in "".join(raws(target)) and "uster" not in "".join(raws(target)).lower()
    assert '"nothing"' in raws(target)[3]
