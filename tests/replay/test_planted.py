"""Thirty planted bugs are named, twenty harmless changes are not: the tables are in `planted.py`."""

from pathlib import Path

import pytest

from arirecord.replay.verify import VerifyOptions

from .planted import BUGS, HARMLESS, MISSED
from .test_verify import PATIENT, verified, with_bug

pytestmark = pytest.mark.slow

QUICK = VerifyOptions(pace_timeout_s=1.6, quiet_s=0.2)


def test_the_tables_are_complete() -> None:
    assert (len(BUGS), len(HARMLESS), len(MISSED)) == (30, 20, 1)
    assert len({name for name, *_ in (*BUGS, *HARMLESS)}) == 50


def marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(strict=True, reason="listed as missed")] if name in MISSED else []


@pytest.mark.parametrize(
    ("right", "wrong", "word"), [pytest.param(*case[1:], id=case[0], marks=marks(case[0])) for case in BUGS]
)
def test_a_planted_bug_is_named(tmp_path: Path, right: str, wrong: str, word: str) -> None:
    result = verified(with_bug(tmp_path, right, wrong), QUICK)
    shown = [line.replace(call.call.channel_id or "none", "ID") for call in result.calls for line in call.lines()]

    assert not result.is_same
    assert any(word in line for line in (*shown, result.trouble or "") if line[:1] in "+-!t"), shown


@pytest.mark.parametrize(("right", "wrong"), [pytest.param(*case[1:], id=case[0]) for case in HARMLESS])
def test_a_harmless_change_raises_no_alarm(tmp_path: Path, right: str, wrong: str) -> None:
    result = verified(with_bug(tmp_path, right, wrong), PATIENT)

    assert [call.lines() for call in result.calls if not call.is_same] == []
    assert result.is_same, result.trouble
