"""The report, in the browser in which people open it."""

import base64
import json
import re
import subprocess
import zlib
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

import arirecord
from arirecord.report.kpi_cards import cards, written
from arirecord.report.ladder_pack import packed
from arirecord.report.page import report_html
from tests.analytics.test_models import make
from tests.cli.conftest import COMMAND

from .browser import Opened, opened

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_data"
FRAMES = Path(__file__).parents[1] / "frames.jsonl"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a recording with transfers, busy and failed calls."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_html(arirecord.open_session(SAMPLES / "transfers.parquet")), encoding="utf-8")
    return path


def loaded(window: Opened) -> Opened:
    window.page.wait_for_selector("#calls-table tbody tr")
    return window


def unpacked(page: str, name: str) -> str:
    """A part of the page as its own script unpacks it."""
    found = re.search(rf'id="{name}">([^<]*)<', page)
    assert found is not None
    return zlib.decompress(base64.b64decode(found[1])).decode()


def plot_total(page: Page, name: str, axis: str) -> int:
    """The sum of all bars of a plot as it is drawn."""
    traces = f"document.getElementById('plot-{name}').data"
    total: int = page.evaluate(f"{traces}.flatMap((trace) => Array.from(trace.{axis})).reduce((a, b) => a + b, 0)")
    return total


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_and_needs_nothing_else(report: Path, scheme: str) -> None:
    """No error on the console, no request to anywhere, every plot drawn, in colours that fit."""
    with opened(report, color_scheme=scheme) as window:
        page = loaded(window).page
        assert page.locator(".plot:has(.main-svg)").count() == page.locator(".plot").count() >= 8
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        ink = page.evaluate("getComputedStyle(document.querySelector('.plot text.gtitle')).fill")
        assert ink == page.evaluate("getComputedStyle(document.body).color")
        assert window.errors == window.asked_outside == []


def test_the_table_sorts_filters_and_pages(report: Path) -> None:
    """By clicking a column, by search, by disposition, page by page; what is shown is what the table says."""
    calls = arirecord.open_session(SAMPLES / "transfers.parquet").calls()
    with opened(report) as window:
        page = loaded(window).page
        rows = page.locator("#calls-table tbody tr")
        assert rows.count() == min(25, calls.height)
        header = page.locator("#calls-table thead th", has_text="duration s")
        place = page.locator("#calls-table thead th").all_inner_texts().index("duration s")
        header.click()
        expect(header).to_have_attribute("aria-sort", "ascending")  # it sorts when it has time
        shown = [float(text) for text in rows.locator(f"td:nth-child({place + 1})").all_inner_texts()]
        assert shown == pytest.approx(sorted(calls["duration_s"].drop_nulls())[: len(shown)], abs=0.0501)
        disposition = calls["disposition"].drop_nulls()[0]
        page.select_option("#disposition", disposition)
        fitting = (calls["disposition"] == disposition).sum()
        expect(page.locator(".dt-info")).to_contain_text(f"of {fitting} ")
        page.fill(".dt-search input", "nothing has this")
        expect(rows).to_have_text(["No matching records found"])
        assert window.errors == []


def test_the_filter_acts_on_plots_and_table(report: Path) -> None:
    """By time and by number: the table, the plots of calls and the count agree with the recording."""
    calls = arirecord.open_session(SAMPLES / "transfers.parquet").calls().sort("started_at")
    middle = calls["started_at"][calls.height // 2].replace(microsecond=0)
    numbers = ("caller_number", "dialled_exten", "called_number")
    fitting = {
        "[name=since]": (f"{middle:%Y-%m-%dT%H:%M:%S}", (calls["started_at"] >= middle).sum()),
        "[name=number]": ("1003", calls.filter(pl.any_horizontal(pl.col(numbers).str.contains("1003"))).height),
    }
    with opened(report) as window:
        page = loaded(window).page
        assert plot_total(page, "dispositions", "x") == plot_total(page, "calls_over_time", "y") == calls.height
        for field, (value, count) in fitting.items():
            assert 0 < count < calls.height
            page.fill(f"#filter {field}", value)
            expect(page.locator("#filtered")).to_have_text(f"{count} of {calls.height} calls")
            expect(page.locator(".dt-info")).to_contain_text(f"of {count} ")
            assert plot_total(page, "dispositions", "x") == plot_total(page, "calls_over_time", "y") == count
            page.click("#filter button")
            expect(page.locator("#filtered")).to_have_text("")
        assert plot_total(page, "dispositions", "x") == calls.height
        assert window.errors == []


def test_a_report_has_all_times_in_the_zone(tmp_path: Path) -> None:
    """In the header, the table, plots and ladders, and in the filter; the page names the zone."""
    session = arirecord.open_session(SAMPLES / "transfers.parquet")
    path = tmp_path / "kolkata.html"
    path.write_text(report_html(session, timezone="asia/kolkata"), encoding="utf-8")
    calls = session.calls().sort("started_at")
    first, middle = (calls["started_at"][place] + timedelta(hours=5, minutes=30) for place in (0, calls.height // 2))
    with opened(path) as window:
        page = loaded(window).page
        recorded = "2026-11-24 04:29:13.635 to 2026-11-24 04:31:06.017 (Asia/Kolkata)"
        expect(page.locator("dl.about dd").first).to_have_text(recorded)
        expect(page.locator("#filter")).to_contain_text("Asia/Kolkata")
        drawn = page.evaluate(
            "document.getElementById('plot-calls_over_time').data.flatMap(({ x }) => [...x]).sort()[0]"
        )
        assert drawn[:13] == f"{first:%Y-%m-%dT%H}"
        page.fill("#filter [name=since]", f"{middle:%Y-%m-%dT%H:%M:%S}")
        expect(page.locator("#filtered")).to_have_text(f"{calls.height - calls.height // 2} of {calls.height} calls")
        page.locator("#calls-table tbody a").first.click()
        expect(page.locator("#ladder-content dd").nth(1)).to_contain_text("Asia/Kolkata (")
        assert window.errors == []


def test_a_plot_of_filtered_calls_is_the_plot_of_a_recording_of_these_calls(report: Path) -> None:
    """Of a filter that keeps every call the page draws what Python drew."""
    shown = ("dispositions", "causes", "calls_over_time", "lengths")
    counts = """(name) => document.getElementById(`plot-${name}`).data.flatMap(({ x, y }) => [...x, ...y])
        .filter((value) => typeof value === "number").map((value) => value.toFixed(2)).sort()"""
    with opened(report) as window:
        page = loaded(window).page
        before = [page.evaluate(counts, name) for name in shown]
        page.fill("#filter [name=since]", "2000-01-01T00:00:00")
        expect(page.locator("#filtered")).not_to_have_text("")
        assert [page.evaluate(counts, name) for name in shown] == before
        assert window.errors == []


def test_a_click_on_a_bar_filters(report: Path) -> None:
    """The disposition of the bar is chosen."""
    with opened(report) as window:
        page = loaded(window).page
        page.locator("#plot-dispositions .plotly .barlayer .point path").first.click(force=True)
        expect(page.locator("#disposition")).not_to_have_value("")
        expect(page.locator("#filtered")).not_to_have_text("")
        assert window.errors == []


def test_every_call_opens_its_ladder(report: Path) -> None:
    """From the table, by its link or by the keyboard, and by the page's address; Escape closes it."""
    ids = arirecord.open_session(SAMPLES / "transfers.parquet").calls()["call_id"].to_list()
    ladders: dict[str, str] = {}
    text = report.read_text(encoding="utf-8")
    for number in range(text.count('id="ladders-')):
        ladders |= json.loads(unpacked(text, f"ladders-{number}"))
    assert ladders.keys() == set(ids)
    with opened(report) as window:
        page = loaded(window).page
        link = page.locator("#calls-table tbody tr").first.locator("a")
        link.click()
        dialog = page.locator("dialog#ladder")
        expect(dialog.locator("dl code")).to_have_text(link.inner_text())
        expect(dialog.locator("svg.ladder")).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        link.focus()
        page.keyboard.press("Enter")
        expect(dialog.locator("svg.ladder")).to_be_visible()
        page.goto(f"{report.as_uri()}#call={ids[-1]}")
        expect(dialog.locator("dl code")).to_have_text(ids[-1])
        page.goto(f"{report.as_uri()}#call=%E0%A4%A")  # a link that was cut
        expect(dialog.locator("p code")).to_contain_text("'%E0%A4%A'")
        assert window.errors == []


def test_a_call_without_a_ladder_in_the_page_shows_the_command(tmp_path: Path) -> None:
    """Ladders are of the calls with problems first, then of the latest; the others say how to print theirs."""
    session = arirecord.open_session(SAMPLES / "transfers.parquet")
    path = tmp_path / "few.html"
    path.write_text(report_html(session, ladders=3, worst=0), encoding="utf-8")
    kept = json.loads(unpacked(path.read_text("utf-8"), "ladders-0"))
    calls = session.calls().sort("first_seq")["call_id"].to_list()
    bad = session.findings().filter(pl.col("severity") != "note")["call_id"].unique().to_list()
    assert kept.keys() == set([*bad, *(call for call in reversed(calls) if call not in bad)][:3])
    left_out = next(call for call in calls if call not in kept)
    with opened(path) as window:
        page = loaded(window).page
        page.fill(".dt-search input", left_out)
        page.click(f'#calls-table a:text-is("{left_out}")')
        expect(page.locator("dialog code")).to_have_text(f"arirecord explain transfers.parquet {left_out}")
        assert window.errors == []


@pytest.mark.parametrize("sample", ["failed_calls.parquet", "transfers.parquet", "week"])
def test_a_listed_problem_is_in_the_ladder(sample: str) -> None:
    """No call with a problem opens to a ladder in which nothing looks wrong."""
    page = report_html(arirecord.open_session(SAMPLES / sample), worst=200)
    ladders: dict[str, str] = {}
    for number in range(page.count('id="ladders-')):
        ladders |= json.loads(unpacked(page, f"ladders-{number}"))
    listed = re.findall(r'<tr><th scope="row"><a href="#call=.*?">(.*?)</a></th><td>(.*?)</td>', page)
    data = json.loads(unpacked(page, "data"))
    names = [column["name"] for column in data["columns"]]
    rows = [dict(zip(names, row, strict=False)) for row in data["rows"]]

    assert bool(listed) == (sample != "transfers.parquet")
    for call_id, why in listed:
        assert "What looks wrong" in ladders[call_id]
        assert why.partition(": ")[2] in ladders[call_id]
    assert {row["call_id"] for row in rows if row["problem"]} == {call_id for call_id, _ in listed}
    assert all(
        "Nothing looks wrong" in ladders[row["call_id"]]
        or row["call_id"] in dict(listed)
        or 'class="severity">note' in ladders[row["call_id"]]
        for row in rows
    )


def test_figures_say_what_they_mean(report: Path) -> None:
    """On hover and on focus, and to a screen reader."""
    with opened(report) as window:
        page = loaded(window).page
        card = page.locator(".card", has_text="ASR")
        means = card.locator(".means")
        expect(means).to_be_hidden()
        card.hover()
        expect(means).to_be_visible()
        page.mouse.move(0, 0)
        expect(means).to_be_hidden()
        card.focus()
        expect(means).to_be_visible()
        assert "answered / seizures" in means.inner_text()
        assert card.get_attribute("aria-describedby") == means.get_attribute("id")
        for unnamed in ("[role=img]:not([aria-label]):not(:has(> title))", "table:not(:has(th))"):
            assert page.locator(unnamed).count() == 0


@pytest.mark.parametrize("width", [390, 768, 1400, 1600])
def test_it_fits_the_screen(report: Path, width: int) -> None:
    """Nothing makes the page itself scroll sideways, on a telephone neither, with a ladder open."""
    with opened(report, viewport={"width": width, "height": 800}) as window:
        page = loaded(window).page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        link = page.locator("#calls-table tbody a").first
        link.scroll_into_view_if_needed()
        expect(link).to_be_in_viewport(ratio=1)
        link.click()
        expect(page.locator("dialog svg.ladder")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def overhang(page: Page, selector: str) -> int:
    """Pixels of a box's content that only scrolling sideways shows."""
    pixels: int = page.eval_on_selector(selector, "(box) => box.scrollWidth - box.clientWidth")
    return pixels


def test_no_column_is_cut_off(tmp_path: Path) -> None:
    """At 1400 pixels the table of calls shows all columns, with phone numbers of 12 letters and problems.

    On a phone the list of problems is one below another.
    """
    path = tmp_path / "report.html"
    path.write_text(report_html(arirecord.open_session(SAMPLES / "office_hour.parquet")), encoding="utf-8")
    with opened(path, viewport={"width": 1400, "height": 900}) as window:
        page = loaded(window).page
        assert overhang(page, "#calls .scroll") == 0
        page.check("#filter [name=problems]")
        expect(page.locator("#filtered")).to_contain_text(" of ")
        assert overhang(page, "#calls .scroll") == 0
        page.set_viewport_size({"width": 390, "height": 800})
        assert overhang(page, "#problems .scroll") == 0


def test_a_text_beside_a_bar_lies_over_nothing(report: Path) -> None:
    """On a phone the texts of horizontal bars are level, right of the names and within the figure."""
    with opened(report, viewport={"width": 390, "height": 800}) as window:
        page = loaded(window).page
        for name in ("dispositions", "causes", "event_volume"):
            plot = page.locator(f"#plot-{name}")
            box = plot.bounding_box()
            names = [text.bounding_box() for text in plot.locator(".ytick text").all()]
            assert box
            right = max(text["x"] + text["width"] for text in names if text)
            for text in plot.locator(".bartext").all():
                drawn = text.bounding_box()
                assert drawn
                assert right <= drawn["x"]
                assert drawn["x"] + drawn["width"] <= box["x"] + box["width"]


def test_dates_lie_over_nothing(tmp_path: Path) -> None:
    """On a phone too, where the bars of five days stand at four o'clock and their labels are longest."""
    path = tmp_path / "report.html"
    week = arirecord.open_session(SAMPLES / "week")
    path.write_text(report_html(week, timezone="America/New_York"), encoding="utf-8")
    with opened(path, viewport={"width": 390, "height": 800}) as window:
        page = loaded(window).page
        for name in ("calls_over_time", "concurrency", "kpis_over_time"):
            texts = page.locator(f"#plot-{name} .xtick text")
            expect(texts).not_to_have_count(0)
            assert texts.evaluate_all(
                "(all) => all.map((text) => text.getBoundingClientRect()).every("
                "(box, i, boxes) => i === 0 || boxes[i - 1].right < box.left)"
            ), name


def test_names_are_no_code(tmp_path: Path) -> None:
    """A caller who calls himself `</script><script>…` is shown as that."""
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    frames = [json.loads(line) for line in FRAMES.read_text().splitlines()]
    created = next(frame for frame in frames if frame["type"] == "ChannelCreated")
    created["channel"]["caller"] = {"name": evil, "number": evil}
    created["channel"]["dialplan"]["exten"] = evil
    destroyed = next(frame for frame in frames if frame["type"] == "ChannelDestroyed")
    destroyed["channel"] = created["channel"]
    session = make(tmp_path / "evil.parquet", [json.dumps(created), json.dumps({**destroyed, "cause": 34})])
    path = tmp_path / "report.html"
    path.write_text(report_html(arirecord.open_session(session), title=evil), encoding="utf-8")
    with opened(path) as window:
        page = loaded(window).page
        assert evil in page.locator("#calls-table tbody").inner_text()
        assert evil in page.locator("h1").inner_text()
        page.locator("#calls-table tbody a").first.click()
        expect(page.locator("dialog svg.ladder")).to_be_visible()
        page.fill("#filter [name=number]", "1")
        assert window.errors == window.asked_outside == []


def test_a_hundred_thousand_calls(report: Path, tmp_path: Path) -> None:
    """The table pages, sorts and searches; not all rows are in the page at once."""
    text = report.read_text(encoding="utf-8")
    data = json.loads(unpacked(text, "data"))
    data["rows"] = [[f"{row[0]}-{n}", *row[1:]] for n in range(100_000) for row in [data["rows"][n % 20]]]
    path = tmp_path / "large.html"
    path.write_text(re.sub(r'(id="data">)[^<]*', lambda found: found[1] + packed(json.dumps(data)), text))
    with opened(path) as window:
        page = loaded(window).page
        assert "100,000" in page.locator(".dt-info").inner_text()
        assert page.locator("#calls-table tbody tr").count() == 25
        page.fill(".dt-search input", "-99999")
        expect(page.locator("#calls-table tbody tr")).to_have_count(1)
        page.fill("#filter [name=number]", "1003")
        expect(page.locator("#filtered")).to_contain_text("of 100,000 calls")
        assert window.errors == []


def test_an_empty_session(tmp_path: Path) -> None:
    """Nothing recorded: the report says so, and opens."""
    path = tmp_path / "report.html"
    path.write_text(report_html(arirecord.open_session(make(tmp_path / "s.parquet", []))), encoding="utf-8")
    with opened(path) as window:
        page = loaded(window).page
        assert page.locator(".plot").count() == 0
        for line in (
            "No calls recorded.",
            "No DTMF recorded.",
            "No queue waits recorded.",
            "No RTP statistics recorded.",
        ):
            expect(page.locator(".empty", has_text=line).first).to_be_visible()
        assert "no calls" in page.locator("#calls-table").inner_text()
        assert window.errors == []


def test_figures_are_those_of_the_table() -> None:
    """Ratios in per cent, lengths in seconds or milliseconds, as `kpis` has them; calls as `calls` has them."""
    session = arirecord.open_session(SAMPLES / "week")
    row = session.kpis().row(0, named=True)
    shown = {card.column: card.value for _, group in cards(session.connection) for card in group}
    assert shown["asr_ratio"] == f"{row['asr_ratio'] * 100:.3g} %"
    assert shown["call_count"] == f"{session.calls().height:,}"
    assert not {column for column in shown if row.get(column, 0) is None}


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("erlangs", 0.00108, "0.00108 E"), ("erlangs", 12.345, "12.3 E"), ("erlangs", 1234.5, "1,234 E"),
        ("cps", 0.00043, "1.55/h"), ("cps", 12.3, "12.3/s"), ("asr_ratio", 0.7792, "77.9 %"),
        ("pdd_p50_s", 0.0012, "1.2 ms"), ("acd_s", 3.05, "3.05 s"), ("acd_s", 150, "2.5 min"),
        ("acd_s", 7200, "2 h"), ("call_count", 2413, "2,413"),
    ],
)  # fmt: skip
def test_a_figure_says_something(column: str, value: float, text: str) -> None:
    """Three digits: what is small is not 0."""
    assert written(column, value) == text


def test_the_command(tmp_path: Path) -> None:
    """Writes one file, says where, and replaces nothing unasked."""
    command = [*COMMAND, "report", str(SAMPLES / "ivr_dtmf.parquet"), "-o", "r.html", "--worst", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "r.html: " in done.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    trunks = [*command, "--force", "--set", "trunks=PJSIP/u1001"]
    assert "By trunk" not in (tmp_path / "r.html").read_text(encoding="utf-8")
    subprocess.run(trunks, cwd=tmp_path, check=True)
    assert "By trunk" in (tmp_path / "r.html").read_text(encoding="utf-8")
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "--force" in again.stderr
