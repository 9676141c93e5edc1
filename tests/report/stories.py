"""Stories that nobody would make up, for hypothesis."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from arirecord.report.story import Bridge, CallFinding, Evidence, Interval, LadderStep, Lane, Story

START = datetime(2026, 1, 2, 3, 4, 5)
TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "<b>&\\\"'", "A\x00B\x1f", "#;%%{}[]|`", "Nöw 値 👩\u200d👩", "end", "a\nb", " ", "x" * 90, "\u202e1001",
        "-->>", "]]>",
    ]
)  # fmt: skip
TIMES = st.none() | st.integers(-1000, 10_000_000).map(lambda ms: START + timedelta(milliseconds=ms))
KINDS = st.sampled_from(
    ["created", "dial", "dial_status", "state", "enter", "leave", "hold", "unhold", "dtmf", "transfer", "hangup", "end",
     "variable", "user_event", "playback", "recording", "gap", "mark", "rest", "other"]
)  # fmt: skip


@st.composite
def stories(draw: st.DrawFn, max_lanes: int = 8) -> Story:
    """Any story, consistent or not: lanes may lack times, moments may name channels that nobody knows."""
    ids = draw(st.lists(TEXT, min_size=0, max_size=max_lanes, unique=True))
    some_id = st.sampled_from([*ids, "unknown"]) | st.none()
    known_id = st.sampled_from([*ids, "unknown"])
    seqs = st.integers(0, 30)
    lanes = [
        Lane(
            channel_id, chr(65 + place), draw(TEXT), draw(TEXT), draw(st.none() | st.sampled_from(["caller", "local"])),
            draw(st.none() | TEXT), draw(TIMES), draw(TIMES), draw(st.none() | st.booleans()), draw(TIMES), draw(seqs),
            draw(st.none() | seqs), draw(st.none() | st.sampled_from(["itself", "asterisk"])),
            draw(st.none() | st.integers(0, 127)), draw(st.none() | TEXT), draw(st.none() | st.integers(0, 999)),
        )
        for place, channel_id in enumerate(ids)
    ]  # fmt: skip
    intervals = st.builds(
        Interval, known_id, st.sampled_from(["ringing", "up", "bridge", "waiting", "talking", "hold", "speech"]),
        TIMES, TIMES, st.none() | seqs, st.none() | seqs, st.sampled_from([None, "b1", "b2"]),
    )  # fmt: skip
    moments = st.builds(
        LadderStep, seq=seqs, at=TIMES, kind=KINDS, what=TEXT.filter(str.strip), label=TEXT, channel_id=some_id,
        other_id=some_id, detail=TEXT, actor=TEXT, is_bad=st.booleans(), duration_ms=st.none() | st.integers(0, 9999),
    )  # fmt: skip
    return Story(
        call_id=draw(TEXT),
        title=draw(TEXT),
        result=draw(TEXT),
        started_at=draw(st.just(START) | st.none()),
        ended_at=draw(TIMES),
        is_complete=draw(st.booleans()),
        facts=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        lanes=lanes,
        bridges=[Bridge("b1", "bridge 1", draw(st.none() | TEXT))],
        intervals=draw(st.lists(intervals, max_size=8)),
        moments=sorted(draw(st.lists(moments, max_size=12)), key=lambda moment: moment.seq),
        evidence=draw(st.lists(st.builds(Evidence, known_id, known_id, TEXT, TEXT, seqs, TIMES), max_size=3)),
        findings=draw(
            st.lists(
                st.builds(CallFinding, TEXT, st.sampled_from(["error", "warning", "note"]), TEXT, some_id, seqs, TIMES),
                max_size=3,
            )
        ),
    )
