"""What holds for every model, and what no single case shows."""

import random
import re
import time
from importlib.resources import files
from pathlib import Path

import duckdb
import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from arirecord.analytics import connect
from arirecord.analytics.connection import columns_of_models
from arirecord.analytics.mart_columns import mart_columns
from arirecord.analytics.models import Model, describe, load_models
from arirecord.analytics.parameters import parameters
from arirecord.analytics.views import EVENT_VIEWS
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import seal
from tests.conftest import streams

from .conftest import Connections

pytestmark = pytest.mark.slow

MODELS = load_models()
MARTS = sorted(model.name for model in MODELS if model.layer == "marts")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_form(model: Model) -> None:
    """A model says what a row is and what identifies it, and is short."""
    assert "row is one" in model.about
    assert "dentified by" in model.about
    assert len(model.sql.splitlines()) <= 80
    assert max(map(len, model.sql.splitlines())) <= 122
    if model.layer != "staging":
        sources = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", re.sub(r"--.*", "", model.sql))
        assert not set(sources) & {"rows", "events", *EVENT_VIEWS}, "only staging reads views of events"
    if model.layer == "marts":
        assert "SELECT *" not in model.sql.replace("        *,", "")


LAYERS = {
    "staging": set[str](),
    "intermediate": {"staging", "intermediate"},
    "views": {"intermediate", "views", "marts"},
    "marts": {"intermediate", "views", "macros", "marts"},
    "macros": {"macros", "marts"},
}
"""The layers that a layer reads."""
EXCEPTIONS = {
    # Legs, recorded times and talk times as KPIs need them are of no use to people, so they are not marts.
    "kpi_legs": {"int_kpi_legs"},
    "kpi_busy_hours": {"int_recorded"},
    "kpi_curve": {"int_recorded"},
    "kpi_traffic": {"int_recorded"},
    "kpi_handling": {"int_people_talk"},
}
"""Models that read others besides."""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_layers(model: Model) -> None:
    """Staging reads the recording, intermediate models staging, marts intermediate models, macros marts."""
    layers = {other.name: other.layer for other in MODELS}
    assert {name for name in model.reads if layers[name] not in LAYERS[model.layer]} == EXCEPTIONS.get(
        model.name, set()
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_no_part_of_a_model_has_the_name_of_another(model: Model) -> None:
    """A CTE named as a model would hide it, and would be taken for it in the order of models."""
    parts = re.findall(r"^(?:WITH (?:RECURSIVE )?)?(\w+)(?: \(.*)? AS (?:MATERIALIZED )?\($", model.sql, re.MULTILINE)
    assert parts or "WITH" not in model.sql
    assert not set(parts) & {other.name for other in MODELS}


def test_a_wanted_model_brings_what_it_reads() -> None:
    """`load_models` gives a model and those before it, in order, and no others; it refuses unknown names."""
    names = [model.name for model in load_models(["hangups"])]
    assert names[-1] == "hangups"
    assert "int_call_channels" in names
    assert "calls" not in names
    with pytest.raises(KeyError):
        load_models(["nosuch"])


@pytest.mark.parametrize("stream", sorted(streams()), scope="session")
def test_no_length_is_negative_and_talk_fits_into_the_call(stream: str, connections: Connections) -> None:
    """Lengths are 0 or more; nobody talks longer than he is up and bridged, nor a call longer than it lasts."""
    con = connections[stream]
    # Clocks of two channels may differ by 34 ms: the events of each have its own time.
    for query in (
        "FROM calls WHERE least(duration_s, billsec, talk_s) < 0 OR talk_s > duration_s + 0.04",
        "FROM legs WHERE least(ring_s, up_s, bridged_s, holding_s) < 0",
        "FROM legs WHERE bridged_s > (epoch_ms(ended_at) - epoch_ms(started_at)) / 1000 + 0.04",
        "FROM talk JOIN legs USING (channel_id) WHERE talk_s < 0 OR talk_s > least(up_s, bridged_s) + 0.04",
        "FROM conversations WHERE duration_s < -0.04",
    ):
        assert con.execute(f"SELECT * {query}").fetchall() == []


def test_columns_are_described(tmp_path: Path) -> None:
    """Every column of a mart has a description, none describes a column that is not there, and units are in names."""
    con = connect(make(tmp_path / "empty.parquet", []))
    common = orjson.loads(files("arirecord.analytics.models").joinpath("common.json").read_bytes())
    for mart in MARTS:
        columns = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE FROM {mart}").fetchall()}
        assert columns.keys() <= describe(mart).columns.keys(), mart
        assert describe(mart).columns.keys() - columns.keys() <= common.keys(), mart
        for name, kind in columns.items():
            assert (kind == "TIMESTAMP") == name.endswith("_at"), name
            assert (kind == "BOOLEAN") == name.startswith("is_"), name
            assert kind != "DOUBLE" or name.endswith(
                ("_s", "_ms", "_ratio", "erlangs", "cps", "mos", "_mean", "r_factor")
            ), name


def test_columns_are_those_of_the_sql() -> None:
    """The names that commands read from the SQL are the columns that DuckDB gives, in order."""
    assert {mart: mart_columns(mart) for mart in MARTS} == {
        mart: list(columns) for mart, columns in columns_of_models(MARTS).items()
    }


def test_empty_session(tmp_path: Path) -> None:
    """A recording in which nothing happened has no calls, and says so without an error."""
    con = connect(make(tmp_path / "empty.parquet", []))
    assert [con.execute(f"SELECT count(*) FROM {mart}").fetchall() for mart in MARTS] == [[(0,)]] * len(MARTS)


def test_a_call_alone_is_the_same_call(connections: Connections, tmp_path: Path) -> None:
    """Of the events of one call alone the models make the same rows as of the whole recording."""
    stream = "blind_transfer/all"
    con = connections[stream]
    for call_id, *_ in con.execute("FROM calls ORDER BY transfer_count DESC, first_seq LIMIT 2").fetchall():
        ids = [f'"{i}"' for (i,) in con.execute("SELECT channel_id FROM legs WHERE call_id = ?", [call_id]).fetchall()]
        frames = [f.raw for f in open_session(connections.sessions[stream]).frames() if any(i in f.raw for i in ids)]
        alone = connect(make(tmp_path / f"{call_id}.parquet", frames))
        for mart in ("calls", "legs", "transfers", "hangups", "conversations"):
            columns = "COLUMNS(lambda c: c NOT LIKE '%seq')"
            whole = con.execute(f"SELECT {columns} FROM {mart} WHERE call_id = ? ORDER BY ALL", [call_id]).fetchall()
            assert alone.execute(f"SELECT {columns} FROM {mart} ORDER BY ALL").fetchall() == whole


@pytest.mark.parametrize("anew", [False, True])
def test_a_folder_is_one_recording(anew: bool, connections: Connections, tmp_path: Path) -> None:
    """Cut in two amid its calls a recording says the same, whether the second file goes on counting or begins anew."""
    stream = "blind_transfer/all"
    frames = [frame.raw for frame in open_session(connections.sessions[stream]).frames()]
    half = len(frames) // 2
    make(tmp_path / "1.parquet", frames[:half])
    make(tmp_path / "2.parquet", frames[half:])
    if not anew:
        renumber(tmp_path / "2.parquet", half)
    con = connect(tmp_path)
    for mart in MARTS:
        # The files made here have times of receipt of their own, by which an event is late or not.
        condition = "WHERE rule <> 'late-event'" if mart == "findings" else ""
        rows = f"FROM {mart} {condition} ORDER BY ALL"
        assert con.execute(rows).fetchall() == connections[stream].execute(rows).fetchall()


@pytest.mark.parametrize("shuffled", [False, True])
def test_long_chains(shuffled: bool) -> None:
    """A chain of 20,000 channels is one call, found in a moment, in whatever order its channels came."""
    con = duckdb.connect()
    order = list(range(20_000))
    if shuffled:
        random.Random(1).shuffle(order)
    con.execute("CREATE TABLE chain AS SELECT unnest(?) AS seq, unnest(range(20000)) AS place", [order])
    con.execute(
        "CREATE TABLE int_channel_facts AS "
        "SELECT place::VARCHAR AS channel_id, NULL::VARCHAR AS linkedid, seq AS made_seq, seq AS first_seq, "
        "NULL::TIMESTAMP AS created_at, 'PJSIP' AS technology FROM chain"
    )
    con.execute(
        "CREATE TABLE int_links AS "
        "SELECT place::VARCHAR AS channel_id, (place + 1)::VARCHAR AS other_id, 'dial' AS reason "
        "FROM chain WHERE place < 19999"
    )
    sql = next(model.sql for model in MODELS if model.name == "int_call_channels")
    began = time.monotonic()
    found = con.execute(f"SELECT count(*), count(DISTINCT call_id), min(call_id) FROM ({sql})").fetchall()
    assert found == [(20_000, 1, str(order.index(0)))]
    assert time.monotonic() - began < 10


def test_parameters_are_for_what_is_asked_later() -> None:
    """Only views and macros read parameters: a table made before would not follow them."""
    for model in MODELS:
        read = re.findall(r"\bparam(?:_text)?\('(\w+)'\)", model.sql)
        assert set(read) <= (parameters().keys() if model.layer in ("views", "macros", "marts") else set()), model.name


def test_digit_gap_is_a_variable(connections: Connections) -> None:
    """`SET VARIABLE dtmf_gap_ms` says what silence ends a sequence of digits."""
    con = connections["ivr_dtmf/all"].cursor()
    assert con.execute("SELECT max(digit_count), count(*) FROM dtmf").fetchall() == [(5, 5)]
    con.execute("SET VARIABLE dtmf_gap_ms = 20")
    assert con.execute("SELECT max(digit_count), count(*) FROM dtmf").fetchall() == [(1, 20)]


def renumber(path: Path, first: int) -> None:
    header, table = pq.read_metadata(path).metadata, pq.read_table(path)
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table.set_column(0, "seq", pc.add(table["seq"], first)))
        writer.add_key_value_metadata({b"arirecord": header[b"arirecord"]})


def make(target: Path, frames: list[str]) -> Path:
    writer = JournalWriter(journal_path(target), 0, {"verb": "import"})
    writer.write((ms * 1_000_000, ms * 1_000_000, "event", frame) for ms, frame in enumerate(frames))
    writer.close()
    seal(journal_path(target), target)
    return target
