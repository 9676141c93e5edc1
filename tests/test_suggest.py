"""Suggestions for mistyped names, the same for commands, tables, columns, models and parameters."""

import pickle
from pathlib import Path

import duckdb
import pytest

import arirecord
from arirecord.errors import UnknownName
from arirecord.suggest import close_names, did_you_mean, unknown_name

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ivr_dtmf.parquet"


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("call", ["calls", "legs"], ["calls"]),
        ("tranfsers", ["transfers", "talk"], ["transfers"]),
        ("TALK", ["talk", "talk_s"], ["talk", "talk_s"]),
        ("Channeldtmf", ["channels", "ChannelDtmfReceived"], ["ChannelDtmfReceived"]),
        ("gap", ["dtmf_gap_ms", "trunks"], ["dtmf_gap_ms"]),
        ("hold", ["holds", "hold_s", "hold_count", "hold_ratio"], ["holds", "hold_s", "hold_count"]),
        ("colour", ["calls", "legs"], []),
        ("", ["calls"], []),
        ("s", ["calls", "legs"], []),
    ],
)
def test_close_names(name: str, known: list[str], expected: list[str]) -> None:
    """Spelling first, then the beginning, then a part of the name; at most three."""
    assert sorted(close_names(name, known)) == sorted(expected)


def test_sentences() -> None:
    """One, two or three names make a question; without a close name all are listed, or the advice is given."""
    assert did_you_mean([]) == ""
    assert did_you_mean(["a"]) == "Did you mean 'a'?"
    assert did_you_mean(["a", "b", "c"]) == "Did you mean 'a', 'b' or 'c'?"
    assert str(unknown_name("No table is named", "x", ["calls", "legs"])).endswith("'x'. Known names: calls, legs.")
    assert str(unknown_name("No table is named", "x", ["calls"], "Look there.")) == "No table is named 'x'. Look there."


def test_an_unknown_name_is_what_callers_catch() -> None:
    """It is our own error, and what a lookup and a wrong value raise in Python; it survives a process pool."""
    error = unknown_name("No table is named", "cals", ["calls"])

    assert isinstance(error, arirecord.ArirecordError | KeyError) and isinstance(error, ValueError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "No table is named 'cals'. Did you mean 'calls'?"


def test_unknown_names_in_python() -> None:
    """Models, tables, columns, parameters and SQL: each says what may be meant."""
    session = arirecord.open_session(SAMPLE)

    with pytest.raises(UnknownName, match=r"No model is named 'call'\. Did you mean 'calls'"):
        arirecord.connect(SAMPLE, models=["call"])
    with pytest.raises(UnknownName, match=r"No parameter is named 'dtmf_gap'\. Did you mean 'dtmf_gap_ms'"):
        session.dtmf(dtmf_gap=1)  # type: ignore[call-arg]  # mypy knows the parameters too
    with pytest.raises(duckdb.CatalogException, match=r"Table with name leg does not exist\. Did you mean 'legs'"):
        session.sql("SELECT * FROM leg")
    with pytest.raises(duckdb.CatalogException, match="Did you mean 'ChannelDtmfReceived'"):
        session.sql("SELECT * FROM ChannelDtmf")
    with pytest.raises(duckdb.CatalogException, match="`arirecord metrics` lists the tables"):
        session.sql("SELECT * FROM qqqqq")
