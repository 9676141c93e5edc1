"""The E-model, calculated a second time, and figures that the Recommendation's users know."""

import math
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from .test_cases import given

VARIABLE = (
    "ssrc=1;themssrc=2;lp={lp};rxjitter={rxjitter:.6f};rxcount={rxcount};txjitter={txjitter:.6f};txcount={txcount};"
    "rlp={rlp};rtt={rtt:.6f};rxmes=80.000000;txmes=80.000000"
)
LEGS = [
    {
        "lp": lp,
        "rxcount": 1000 - lp,
        "txcount": 1000,
        "rlp": rlp,
        "rtt": rtt,
        "txjitter": jitter,
        "rxjitter": jitter / 2,
    }
    for lp, rlp in ((0, 0), (10, 50), (200, 1000))
    for rtt in (0.0, 0.02, 0.15, 0.4, 3.0)
    for jitter in (0.0, 0.004, 0.08)
]


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A session with a channel for each of `LEGS`, named by its number."""
    lines = [
        {"variable": "RTPAUDIOQOS", "value": VARIABLE.format(**leg), "type": "ChannelVarset", "channel": {"id": f"{n}"}}
        for n, leg in enumerate(LEGS)
    ]
    return given([orjson.dumps(line).decode() for line in lines], tmp_path / "session.parquet", "rtp_quality")


def rating(loss: float, round_trip_ms: float, jitter_ms: float, ie: float, bpl: float) -> float:
    """R of ITU-T G.107 with its default values, random loss and perfect echo cancelling."""
    delay_ms = round_trip_ms / 2 + 20 + 2 * jitter_ms
    x = math.log(delay_ms / 100, 2)
    delay = 25 * (math.pow(1 + x**6, 1 / 6) - 3 * math.pow(1 + (x / 3) ** 6, 1 / 6) + 2) if delay_ms > 100 else 0.0
    return max(93.2 - delay - (ie + (95 - ie) * 100 * loss / (100 * loss + bpl)), 0)


def opinion(r: float) -> float:
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6


@pytest.mark.parametrize(("ie", "bpl"), [(None, None), (11, 19)])
def test_each_leg(ie: float | None, bpl: float | None, con: duckdb.DuckDBPyConnection) -> None:
    """Both directions of every leg; without a round trip there is no opinion of the conversation."""
    if ie is not None:
        con.execute(f"SET VARIABLE codec_ie = {ie}; SET VARIABLE codec_bpl = {bpl}")
    columns = "channel_id, direction, loss_ratio, r_factor, mos, listening_mos"
    rows = con.execute(f"SELECT {columns} FROM rtp_quality").fetchall()

    assert len(rows) == 2 * len(LEGS)
    for channel_id, direction, *found in rows:
        leg: dict[str, Any] = LEGS[int(channel_id)]
        is_sent = direction == "sent"
        loss = (leg["rlp"] if is_sent else leg["lp"]) / 1000
        jitter_ms = (leg["rxjitter"] if is_sent else leg["txjitter"]) * 1000
        r = rating(loss, leg["rtt"] * 1000, jitter_ms, ie or 0, bpl or 25.1)
        listening = opinion(rating(loss, 0, 0, ie or 0, bpl or 25.1))
        expected = [loss, r, opinion(r), listening] if leg["rtt"] else [loss, None, None, listening]
        assert found == [pytest.approx(value, abs=1e-6) for value in expected], (leg, direction)


def test_known_figures(con: duckdb.DuckDBPyConnection) -> None:
    """A clear leg has R 93.2 and MOS 4.41; what is heard of a leg that loses 20 % is bad."""
    clear = LEGS.index(
        {"lp": 0, "rxcount": 1000, "txcount": 1000, "rlp": 0, "rtt": 0.02, "txjitter": 0.0, "rxjitter": 0.0}
    )
    best = con.execute("SELECT r_factor, round(mos, 2) FROM rtp_quality WHERE channel_id = ?", [str(clear)]).fetchall()

    assert best == [(93.2, 4.41)] * 2
    assert con.execute("SELECT max(listening_mos) < 2.8 FROM rtp_quality WHERE loss_ratio = 0.2").fetchall() == [
        (True,)
    ]
