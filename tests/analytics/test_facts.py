"""A fact of Asterisk is written once: SQL and Python give the same, and so does each verb that uses it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import arirecord
from arirecord.analytics.fact_macros import fact_macros
from arirecord.analytics.table_query import TableQuery, sql_of
from arirecord.asterisk.channel_names import endpoint_of, is_helper, is_media, snooped_id
from arirecord.asterisk.dial_statuses import DISPOSITIONS, disposition_of
from arirecord.asterisk.dialplan_apps import PROMPTS, is_prompt
from arirecord.asterisk.hangup_causes import is_harmless
from arirecord.errors import ArirecordError
from arirecord.report.search import MODELS, find_calls
from arirecord.select.numbers import number_key
from arirecord.session.reader import open_session
from arirecord.transform.selected_channels import find_parts

TRANSFERS = Path(__file__).parents[2] / "sample_data" / "transfers.parquet"
NUMBERS = [
    "100", "0", "", "+420 123 456-789", "00420123456789", "(0)20/7946.0958", "001", "00100", "+1 (555) 010", "*97",
    "#1", "alice", "anonymous", "1001", "000", "0012345678",
]  # fmt: skip
CHANNELS = [
    "PJSIP/1001-0000002a", "PJSIP/my-trunk-0000002a", "Local/100@default-00000001;2", "DAHDI/i1/420123-2a",
    "UnicastRTP/127.0.0.1:4000-0x7f00", "Message/ast_msg_queue", "PJSIP/a-00000001<ZOMBIE>", "-1", "", "SIP/-1",
    "Snoop/my-id-0000000a", "Snoop/0000000a", "OutgoingSpoolFailed",
    "Announcer/ARI-00000001;1", "DAHDI/pseudo-12", "DAHDI/1-1", "WebSocket/media-0x1", "UnicastRTPx/1-1",
]  # fmt: skip


@pytest.fixture(scope="module")
def sql() -> Callable[..., object]:
    """`sql("macro", argument, …)`: what the macro gives."""
    connection = duckdb.connect()
    for statement in fact_macros():
        connection.execute(statement)

    def call(macro: str, *arguments: object) -> object:
        row = connection.execute(f"SELECT {macro}({', '.join('?' * len(arguments))})", list(arguments)).fetchone()
        assert row is not None
        return row[0]

    return call


@pytest.mark.parametrize(
    ("macro", "function", "cases"),
    [
        ("is_harmless", is_harmless, [(c, s) for c in (None, *range(128)) for s in (None, 200, 302, 404, 487)]),
        ("is_prompt", is_prompt, [(app,) for app in (*PROMPTS, "Read", "DIAL", "Queue", "", "ReadExten")]),
        ("endpoint_of", endpoint_of, [(name,) for name in CHANNELS]),
        ("is_helper", is_helper, [(name,) for name in CHANNELS]),
        ("is_media", is_media, [(name,) for name in CHANNELS]),
        ("snooped_id", snooped_id, [(name,) for name in CHANNELS]),
        ("disposition_of", disposition_of, [(s,) for s in (*DISPOSITIONS, "GOTO:in^s^1", "RINGING", "Busy", "")]),
        ("number_key", number_key, [(number,) for number in NUMBERS]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sql_and_python_agree(
    macro: str, function: Callable[..., object], cases: list[tuple[object, ...]], sql: Callable[..., object]
) -> None:
    assert [sql(macro, *case) for case in cases] == [function(*case) for case in cases]


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["1001", "+1001", "1001*", "*001", "10-01", "100", "10?1", "[1]001", "4242"])
def test_a_number_means_the_same_for_every_verb(typed: str) -> None:
    """The tables, `filter` and `explain` select the same calls."""
    session = open_session(TRANSFERS)
    connection = arirecord.connect(session, models=[*MODELS, "legs"])

    query = sql_of(TableQuery("calls", columns=["call_id"], numbers=[typed]), ["call_id"])
    tables = {call_id for (call_id,) in connection.execute(query).fetchall()}
    explain = {call.call_id for call in find_calls(connection, typed)}
    try:
        channels = find_parts(session, numbers=[typed]).channel_ids
    except ArirecordError:
        channels = frozenset()
    rows = connection.execute("SELECT call_id FROM legs WHERE list_contains(?, channel_id)", [[*channels]]).fetchall()

    assert tables == explain == {call_id for (call_id,) in rows}
    assert bool(tables) == (typed not in ("100", "4242"))


@pytest.mark.slow
def test_keys_pressed_after_any_prompt_are_masked(tmp_path: Path) -> None:
    """What the table `dtmf` calls a prompt, the redactor knows too."""
    frames = []
    for place, app in enumerate(PROMPTS):
        channel = {"id": f"c{place}", "name": f"PJSIP/c{place}-00000001", "state": "Up", "dialplan": {}}
        second = 10 * place
        for offset, event in enumerate(
            (
                '"type": "ChannelCreated"',
                f'"type": "ChannelDialplan", "dialplan_app": "{app.title()}", "dialplan_app_data": "x"',
                *(f'"type": "ChannelDtmfReceived", "digit": "{digit}", "duration_ms": 100' for digit in "1234"),
                '"type": "ChannelDestroyed", "cause": 16, "cause_txt": "Normal Clearing"',
            )
        ):
            minute, rest = divmod(second + offset, 60)
            stamp = f"2026-01-01T10:{minute:02}:{rest:02}.000+0000"
            fields = {"timestamp": stamp, "application": "a", "asterisk_id": "x", "channel": channel}
            frames.append(json.loads(f"{{{event}}}") | fields)
    (tmp_path / "keys.jsonl").write_text("".join(json.dumps(frame) + "\n" for frame in frames))
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    for command in (
        ["import", "keys.jsonl", "-o", "keys.parquet"],
        ["redact", "keys.parquet", "-o", "redacted.parquet", "--key-file", "key"],
    ):
        subprocess.run([sys.executable, "-m", "arirecord", *command], cwd=tmp_path, check=True, capture_output=True)

    rows = arirecord.open_session(tmp_path / "redacted.parquet").dtmf().select("prompt", "digits").rows()

    assert {prompt.partition("(")[0].lower() for prompt, _ in rows} == set(PROMPTS)
    assert {digits for _, digits in rows} == {"XXXX"}
