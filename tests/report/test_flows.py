"""Sankey diagrams: what flows into a node flows out of it, and each caller's path is connected."""

from collections import Counter
from pathlib import Path

import pytest

import arirecord
from arirecord.report.sankey import ivr_paths

from .conftest import recorded
from .frames import Row, about, ended, event

SAMPLES = Path(__file__).parents[2] / "sample_data"
STEPS = 5
PATHS = {
    "1001": ["menu", "sales"],
    "1002": ["menu", "sales"],
    "1003": ["menu", "support", "menu"],
    "1004": ["menu"],
    "1005": ["menu", "support", "printer", "paper", "jam", "bye", "bye"],
    **{f"20{n:02}": [f"rare{n}", "menu"] for n in range(12)},
}
"""Prompts that callers hear, one after another, until they hang up."""


def callers() -> list[Row]:
    rows: list[Row] = []
    for second, (name, prompts) in enumerate(PATHS.items()):
        rows += [about(second, "ChannelCreated", name, "Ring"), about(second, "ChannelStateChange", name, "Up")]
        for place, prompt in enumerate(prompts, 1):
            playback = {"id": f"{name}-{place}", "media_uri": f"sound:{prompt}", "target_uri": f"channel:{name}"}
            for offset, event_type, state in ((0.1, "PlaybackStarted", "playing"), (0.15, "PlaybackFinished", "done")):
                rows.append(event(second + place * offset, event_type, playback={**playback, "state": state}))
        rows += [about(second + 2, "ChannelHangupRequest", name, cause=16), ended(second + 2.1, name)]
    return sorted(rows, key=lambda row: row[0])


def links(session: arirecord.Session) -> Counter[tuple[str, str]]:
    """Callers by source and target, as the figure's labels name them."""
    sankey = session.plot.ivr_paths().data[0]
    names = sankey.node.customdata
    ends = zip(sankey.link.source, sankey.link.target, sankey.link.value, strict=True)
    return Counter({(names[source], names[target]): count for source, target, count in ends})


def step_of(node: str) -> int | None:
    head = node.partition(" ")[0]
    return int(head) if head.isdigit() else None


def check(session: arirecord.Session) -> None:
    """A step leads to the next step or out of the menu, and no caller is lost between two steps."""
    found = links(session)
    lengths = session.ivr_paths().group_by("channel_id").len()["len"]
    for source, target in found:
        step = step_of(source)
        assert step is not None
        assert step_of(target) in (None, step + 1)
        assert (target == "more prompts") <= (step == STEPS)
    for step in range(1, STEPS + 1):
        leaving = Counter[str]()
        entering = Counter[str]()
        for (source, target), count in found.items():
            leaving[source] += count
            entering[target] += count
        here = {node for node in leaving if step_of(node) == step}
        assert sum(leaving[node] for node in here) == (lengths >= step).sum()
        assert step == 1 or all(entering[node] == leaving[node] for node in here)


def test_the_paths_of_a_recorded_menu() -> None:
    """Step 1 leads to step 2: the instructions, then what each caller keyed."""
    session = arirecord.open_session(SAMPLES / "ivr_dtmf.parquet")

    check(session)
    assert links(session)["1 sound:demo-instruct", "2 digits:1001"] == 1


def test_the_paths_of_made_up_callers(tmp_path: Path) -> None:
    """Links are exactly the callers' steps; rare prompts are one node, what follows the fifth prompt is another."""
    session = arirecord.open_session(recorded(callers(), tmp_path / "menu.parquet"))
    found = links(session)

    check(session)
    assert found["1 sound:menu", "2 sound:sales"] == 2
    assert found["1 sound:menu", "hung up"] == 1
    assert found["2 sound:sales", "hung up"] == 2
    assert found["3 sound:menu", "hung up"] == 1
    assert found["5 sound:jam", "more prompts"] == 1
    assert found["1 other prompts", "2 sound:menu"] == 5
    assert sum(count for (source, _), count in found.items() if source.startswith("1 ")) == len(PATHS)


@pytest.mark.slow
def test_a_label_is_the_sound_and_not_what_plays_it() -> None:
    """A menu of the dialplan and one of an app read alike."""
    labels = {
        label
        for sample in ("office_hour", "ivr_dtmf")
        for label in ivr_paths(arirecord.open_session(SAMPLES / f"{sample}.parquet").connection).data[0].node.label
    }

    assert {"1 hello-world", "1 demo-instruct"} <= labels


@pytest.mark.slow
def test_long_labels_are_cut_and_shown_whole_on_hover() -> None:
    """The label fits into the figure; the node's own name is whole."""
    figure = ivr_paths(arirecord.open_session(SAMPLES / "ivr_dtmf.parquet").connection)

    assert max(map(len, figure.data[0].node.label)) <= 24
    assert len(figure.data[0].node.label) == len(set(figure.data[0].node.customdata))
