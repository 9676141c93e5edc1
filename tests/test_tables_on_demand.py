"""`Tables` makes models when they are needed, and forgets tables that nothing reads any more."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arirecord
from arirecord.analytics.connection import Tables
from arirecord.analytics.models import load_models, mart_names
from arirecord.analytics.views import EVENT_VIEWS
from arirecord.session.reader import open_session
from tests.examples import examples

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "sample_data" / "transfers.parquet"
NAMES = st.sampled_from([model.name for model in load_models() if model.is_of_server])


def rows(tables: Tables, name: str) -> int:
    """A number that stands for all rows of a model, in whatever order."""
    found = tables.connection.execute(f'SELECT sum(hash(t::VARCHAR)::HUGEINT) FROM "{name}" AS t').fetchall()
    return int(found[0][0] or 0)


@cache
def alone(name: str) -> int:
    """The same of a model that is made in a connection of its own."""
    tables = Tables(open_session(SAMPLE))
    tables.need([name])
    return rows(tables, name)


@examples(4)
@given(asked=st.lists(st.one_of(st.none(), st.lists(NAMES, max_size=2)), max_size=3), last=NAMES)
def test_whatever_was_needed_before_a_model_is_the_same(asked: list[list[str] | None], last: str) -> None:
    tables = Tables(open_session(SAMPLE))
    for names in asked:
        tables.need(names)
    tables.need([last])
    for name in {name for names in asked for name in names or ()} | {last}:
        assert rows(tables, name) == alone(name), name


def test_only_tables_that_a_view_reads_stay() -> None:
    tables = Tables(open_session(SAMPLE))
    tables.need()
    stay = {name for (name,) in tables.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    views = [model for model in load_models() if model.layer != "intermediate"]
    read = {name for model in views for name in model.reads if name.startswith("int_")}
    assert stay == read | {"agent_spans"}  # of the file of traces, empty without one
    made: list[str] = []
    tables.need(begin=made.append)
    tables.need(mart_names(), begin=made.append)
    assert not made


def views(tables: Tables) -> set[str]:
    """The views of events that a connection has."""
    found = tables.connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    return {name for (name,) in found} & set(EVENT_VIEWS)


@examples(8)
@given(name=st.sampled_from(sorted(EVENT_VIEWS)), other=st.sampled_from(sorted(EVENT_VIEWS)))
def test_views_of_events_are_made_for_the_statement_that_names_them(name: str, other: str) -> None:
    tables = Tables(open_session(SAMPLE))
    assert not views(tables)
    sql = f'SELECT (SELECT count(*) FROM {name.upper()}) + (SELECT count(*) FROM "{other}")'
    tables.need_for(sql)
    tables.connection.sql(sql).fetchall()
    assert views(tables) == {name, other}
    tables.need_for("SHOW TABLES")
    assert views(tables) == set(EVENT_VIEWS)


def test_models_need_no_view_of_events_and_only_the_macros_that_they_name() -> None:
    tables = Tables(open_session(SAMPLE))
    tables.need_for("FROM event_volume")
    assert not views(tables)
    assert macros(tables).isdisjoint({"bucket_start", "is_prompt", "number_key"})
    tables.need_for("SELECT seconds_between(started_at, ended_at) FROM calls")
    assert not views(tables)
    assert macros(tables) >= {"seconds_between", "ms_between", "endpoint_of"}
    assert "bucket_start" not in macros(tables)
    tables.need([])
    assert macros(tables) >= {"bucket_start", "is_prompt", "number_key", "param"}


def macros(tables: Tables) -> set[str]:
    """The macros that a connection has."""
    found = tables.connection.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
    return {name for (name,) in found}


def test_a_connection_for_others_has_all_views() -> None:
    with arirecord.connect(SAMPLE, models=[]) as database:
        found = {name for (name,) in database.execute("SELECT view_name FROM duckdb_views()").fetchall()}
    assert found >= {"rows", "events", *EVENT_VIEWS}
