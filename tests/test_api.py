"""A session's tables in Python."""

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import duckdb
import polars as pl
import pytest

import arirecord
from arirecord.analytics.models import mart_names
from arirecord.analytics.parameters import parameters
from arirecord.tables import MartMethods, Parameters

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ivr_dtmf.parquet"


@pytest.fixture(scope="module")
def session() -> arirecord.Session:
    return arirecord.open_session(SAMPLE)


@pytest.mark.slow
@pytest.mark.parametrize("mart", mart_names())
def test_every_mart_is_a_method(mart: str, session: arirecord.Session) -> None:
    """It gives the rows that the view has, as a polars DataFrame."""
    frame = getattr(session, mart)()

    assert isinstance(frame, pl.DataFrame)
    assert frame.height == session.connection.sql(f"FROM {mart}").pl().height


def test_every_method_is_said() -> None:
    """With a docstring, where editors and type checkers look for it, and none is of a mart that is not there."""
    methods = {n: m for n, m in inspect.getmembers(MartMethods, inspect.isfunction) if not n.startswith("_")}

    assert all(method.__doc__ for method in methods.values())
    assert sorted(methods) == sorted(mart_names()), "arirecord/tables.py has a method for each mart"


def test_every_parameter_is_a_keyword() -> None:
    """Editors and type checkers know the same parameters, with the same types, as the models."""
    numbers = {name: str if isinstance(known.default, str) else float for name, known in parameters().items()}

    assert get_type_hints(Parameters) == numbers


@pytest.mark.slow
def test_it_is_still_a_recording(session: arirecord.Session) -> None:
    """With frames and a header; making tables does not change what it is."""
    assert session.header.events == len(list(session.frames())) == 230
    assert arirecord.connect(session).sql("SELECT count(*) FROM calls").fetchall() == [(session.calls().height,)]


def test_sql(session: arirecord.Session) -> None:
    """Any question, over events and tables."""
    frame = session.sql("SELECT digits FROM dtmf JOIN calls USING (call_id) ORDER BY digits DESC LIMIT 1")

    assert frame["digits"].to_list() == [max(session.dtmf()["digits"])]
    with pytest.raises(duckdb.Error, match="nonsense"):
        session.sql("SELECT nonsense FROM calls")
    with pytest.raises(ValueError, match="returns no rows"):
        session.sql("")


def test_parameters_hold_for_one_question(session: arirecord.Session) -> None:
    """And then what was set before holds again."""
    whole = session.dtmf().height
    single = session.dtmf(dtmf_gap_ms=20).height
    session.connection.execute("SET VARIABLE dtmf_gap_ms = 20")
    try:
        assert whole < single == session.dtmf().height
        assert session.dtmf(dtmf_gap_ms=3000).height == whole
        assert session.dtmf().height == single
    finally:
        session.connection.execute("RESET VARIABLE dtmf_gap_ms")
    assert session.dtmf().height == whole


@pytest.mark.slow
def test_kpis(session: arirecord.Session) -> None:
    """Of the whole, or by time and group; a length of time is a timedelta or a text."""
    assert session.kpis().height == 1
    by_minute = session.kpis(bucket=timedelta(minutes=1))
    assert by_minute.equals(session.kpis(bucket="1m"))
    assert by_minute["call_count"].sum() == session.kpis()["call_count"].item()
    assert set(session.kpis(by="endpoint")["group_value"]) == set(session.kpis(by="trunk")["group_value"])
    assert session.kpis(by="trunk", trunks="PJSIP/nobody*")["group_value"].to_list() == [None]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"by": "colour"}, "kpis goes by trunk, prefix, application, endpoint, origin or server, not by 'colour'"),
        ({"bucket": "soon"}, "'soon' is not a length of a bucket such as 15m, 1h, 1d, 1w or 1month"),
        ({"bucket": "1x"}, "'1x' is not a length of a bucket"),
        ({"bucket": timedelta(0)}, "'0:00:00' is not a length of a bucket"),
        ({"timezone": "Mars"}, "'Mars' is not a time zone"),
        ({"timezone": "Pragu"}, "'Pragu' is not a time zone. Did you mean 'Europe/Prague'"),
        ({"nosuch": 1}, "No parameter is named 'nosuch'. Known names"),
        ({"prefix_digits": "many"}, "prefix_digits is a number of digits from 0 on, not 'many'"),
    ],
)
def test_what_is_wrong_is_said(session: arirecord.Session, wrong: dict[str, Any], words: str) -> None:
    """And changes nothing."""
    with pytest.raises(ValueError, match=words):
        session.kpis(**wrong)
    assert session.kpis().height == 1


def test_no_such_table(session: arirecord.Session) -> None:
    """Is an attribute that is not there."""
    with pytest.raises(AttributeError, match="nosuch"):
        session.nosuch()


@pytest.mark.slow
def test_little_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What does not fit is put aside, in a folder that is gone afterwards, or gets more; the rows are the same."""
    sample = SAMPLE.with_name("peak_load.parquet")
    expected = arirecord.open_session(sample).calls().sort("first_seq")
    monkeypatch.setattr("arirecord.analytics.connection.MEMORY", "12MB")
    monkeypatch.setattr("arirecord.session.temporary_folder.temporary_folder", lambda: tmp_path)
    session = arirecord.open_session(sample)

    assert session.calls().sort("first_seq").equals(expected)
    session.connection.close()
    assert list(tmp_path.iterdir()) == []
