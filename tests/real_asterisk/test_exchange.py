"""Many kinds of calls through one exchange, recorded once: the models say of them what Asterisk's own logs say."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import duckdb
import pytest

from arirecord.analytics import connect
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.analytics.agreement import pairs

from . import truth
from .exchange import FILES
from .install import folder
from .kinds import KINDS, Spans, make
from .kinds.facts import FACTS, told
from .recording import Capture, Recorded
from .switch import Asterisk

pytestmark = pytest.mark.asterisk

SLOW = {"agent_requested", "follow_me", "keys_attended_target_hangs_up", "limited", "queue_tried_once"}
"""Made for the recording in `tests/captures` only: 18 s of waiting."""


@dataclass
class Made:
    """The recording of all kinds, when each was made, and which could not be."""

    recorded: Recorded
    spans: Spans
    failed: dict[str, str]
    queue_log: list[list[str]]

    @cached_property
    def without_linkedids(self) -> duckdb.DuckDBPyConnection:
        """The same as if Asterisk had not been told to put its linkedids into events."""
        target = self.recorded.path.with_name("without.parquet")
        writer = JournalWriter(journal_path(target), 0, {"verb": "capture"})
        writer.write(
            (frame.t_ns, frame.elapsed_ns, frame.kind, frame.raw.replace("CHANNEL(linkedid)", "CHANNEL(language)"))
            for frame in self.recorded.session.frames(kinds=None)
        )
        writer.close()
        seal(journal_path(target), target)
        return connect(target)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with Asterisk(folder(), FILES) as asterisk:
        with Capture(asterisk, tmp_path_factory.mktemp("exchange") / "calls.parquet") as capture:
            spans, failed = asyncio.run(make(asterisk, [name for name in KINDS if name not in SLOW]))
            recorded = capture.finish()
        log = (asterisk.folder / "log/queue_log").read_text()
        yield Made(recorded, spans, failed, [line.split("|") for line in log.splitlines()])


def test_all_were_made(made: Made) -> None:
    """Every kind could be made, and the recording is whole."""
    assert made.failed == {}
    header = made.recorded.session.header
    assert (made.recorded.exit_code, header.ended, header.gap_count, header.lost_count) == (0, "complete", 0, 0)


def test_channels_and_bridges(made: Made) -> None:
    """Channels begin, are answered, end, and enter bridges when the event log has it; transfers and digits are its."""
    truth.check_channels(made.recorded)
    truth.check_bridges(made.recorded)
    truth.check_transfers(made.recorded)
    truth.check_digits(made.recorded)


def test_calls_by_linkedid(made: Made) -> None:
    """With linkedids in the events, calls are exactly Asterisk's."""
    assert grouped(made.recorded.connection) == linkedids(made.recorded)


def test_calls_without_linkedids(made: Made) -> None:
    """Without, too, but for whom somebody asked before he transferred: Asterisk leaves them a call of their own."""
    ours, theirs = grouped(made.without_linkedids), linkedids(made.recorded)
    assert ours.keys() == theirs.keys()
    together, truly = pairs(ours, ours), pairs(theirs, theirs)
    assert truly <= together
    query = "SELECT transferer_second_channel_id FROM transfers WHERE kind = 'attended'"
    asked = {theirs[channel] for (channel,) in made.without_linkedids.execute(query).fetchall() if channel}
    alone = {channel for channel, linkedid in theirs.items() if linkedid in asked}
    assert [pair for pair in together - truly if not alone & set(pair)] == []


def test_dispositions(made: Made) -> None:
    """A call's disposition is one of those in the CDRs of its first channel; a call of one CDR has its length."""
    theirs = defaultdict(set)
    for row in made.recorded.cdr:
        theirs[row["uniqueid"]].add(row["disposition"])
    ours = made.recorded.sql("SELECT first_channel_id, disposition FROM calls")
    assert [(i, d, theirs[i]) for i, d in ours if i in theirs and d not in theirs[i]] == []
    truth.check_lengths(made.recorded)


def test_queue_log(made: Made) -> None:
    """Who came into which queue, how that ended and who answered is what app_queue logged.

    Who transfers a call to his own place in a queue leaves it; the log goes on with the other as if nothing had been.
    """
    ends = {"CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHTIMEOUT": "timeout", "EXITWITHKEY": "left"}
    theirs = [(log[1], log[2], ends[log[4]], log[6] if log[4] == "CONNECT" else None)
              for log in made.queue_log if log[4] in ends]  # fmt: skip
    ours = made.recorded.sql(
        "SELECT channel_id, queue, outcome, answered_by_channel_id FROM queue_calls "
        "WHERE kind = 'app_queue' AND outcome NOT IN ('full', 'joinempty') AND (outcome <> 'left' "
        "OR NOT EXISTS (FROM transfers WHERE transferer_second_channel_id = queue_calls.channel_id))"
    )
    assert sorted(ours, key=repr) == sorted(theirs, key=repr)


def test_parking(made: Made) -> None:
    """What became of the parked is what the event log says."""
    reasons = {"answered": "ParkedCallUnparked", "abandoned": "ParkedCallGiveUp", "timeout": "ParkedCallTimeOut"}
    ours = made.recorded.sql("SELECT channel_id, outcome FROM queue_calls WHERE kind = 'parking'")
    theirs = [(row["uniqueid"], row["eventextra"]["reason"]) for row in made.recorded.logged("PARK_END")]
    assert sorted((channel, reasons[outcome]) for channel, outcome in ours) == sorted(theirs)


@pytest.mark.parametrize("name", [name for name in FACTS if name not in SLOW])
def test_facts(made: Made, name: str) -> None:
    """Of each kind the models say what a person beside the telephones would say."""
    assert told(made.without_linkedids, *made.spans[name]) == FACTS[name]


def grouped(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(connection.execute("SELECT channel_id, call_id FROM legs").fetchall())


def linkedids(recorded: Recorded) -> dict[str, str]:
    """The last linkedid of each channel, in the order of the event log."""
    rows = sorted(recorded.cel, key=lambda row: float(row["eventtime"]))
    return {row["uniqueid"]: row["linkedid"] for row in rows if not row["channame"].startswith(truth.HIDDEN)}
