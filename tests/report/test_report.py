"""The report, in the browser in which people open it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

import arirecord
from arirecord.report.figures import cards
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
    window.page.wait_for_selector("#plot-event_volume .main-svg")
    return window


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_and_needs_nothing_else(report: Path, scheme: str) -> None:
    """No error on the console, no request to anywhere, every plot drawn, in colours that fit."""
    with opened(report, color_scheme=scheme) as window:
        page = loaded(window).page
        assert page.locator(".plot .main-svg").count() >= page.locator(".plot").count() == 10
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
        assert shown == sorted(calls["duration_s"].drop_nulls())[: len(shown)]
        disposition = calls["disposition"].drop_nulls()[0]
        page.select_option("#disposition", disposition)
        fitting = (calls["disposition"] == disposition).sum()
        expect(page.locator(".dt-info")).to_contain_text(f"of {fitting} ")
        page.fill(".dt-search input", "nothing has this")
        expect(rows).to_have_text(["No matching records found"])
        assert window.errors == []


def test_a_ladder_opens(report: Path) -> None:
    """From the table by its link, and by the keyboard."""
    with opened(report) as window:
        page = loaded(window).page
        first = page.locator("details.told").first
        call_id = first.locator("dl code").first.text_content()
        assert call_id
        page.fill(".dt-search input", call_id)
        page.click(f'#calls-table a:text-is("{call_id}")')
        expect(first).to_have_attribute("open", "")
        expect(first.locator("svg.ladder")).to_be_in_viewport()
        second = page.locator("details.told > summary").nth(1)
        second.focus()
        page.keyboard.press("Enter")
        expect(page.locator("details.told").nth(1)).to_have_attribute("open", "")
        assert window.errors == []


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


@pytest.mark.parametrize("width", [390, 768, 1600])
def test_it_fits_the_screen(report: Path, width: int) -> None:
    """Nothing makes the page itself scroll sideways, on a telephone neither, with a ladder open."""
    with opened(report, viewport={"width": width, "height": 800}) as window:
        page = loaded(window).page
        page.locator("details.told > summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


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
        assert window.errors == window.asked_outside == []


def test_a_hundred_thousand_calls(report: Path, tmp_path: Path) -> None:
    """The table pages, sorts and searches; not all rows are in the page at once."""
    text = report.read_text(encoding="utf-8")
    found = re.search(r'(id="calls-data">)(.*?)(</script>)', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[2])
    data["rows"] = [[*row[:-1], f"{row[-1]}-{n}"] for n in range(100_000) for row in [data["rows"][n % 20]]]
    path = tmp_path / "large.html"
    path.write_text(text[: found.start(2)] + json.dumps(data).replace("<", "\\u003c") + text[found.end(2) :])
    with opened(path) as window:
        page = loaded(window).page
        assert "100,000" in page.locator(".dt-info").inner_text()
        assert page.locator("#calls-table tbody tr").count() == 25
        page.fill(".dt-search input", "-99999")
        expect(page.locator("#calls-table tbody tr")).to_have_count(1)
        assert window.errors == []


def test_an_empty_session(tmp_path: Path) -> None:
    """Nothing recorded: the report says so, and opens."""
    path = tmp_path / "report.html"
    path.write_text(report_html(arirecord.open_session(make(tmp_path / "s.parquet", []))), encoding="utf-8")
    with opened(path) as window:
        page = loaded(window).page
        assert page.locator(".plot", has_text="nothing of this in the recording").count() == 10
        assert "no calls" in page.locator("#calls-table").inner_text()
        assert window.errors == []


def test_figures_are_those_of_the_table() -> None:
    """Ratios in per cent, lengths in seconds or milliseconds, as `kpis` has them."""
    session = arirecord.open_session(SAMPLES / "peak_load.parquet")
    row = session.kpis().row(0, named=True)
    shown = {card.column: card.value for card in cards(session.connection)}
    assert shown["asr_ratio"] == f"{row['asr_ratio'] * 100:.1f} %"
    assert shown["call_count"] == f"{row['call_count']:,}"
    assert not {column for column in shown if row[column] is None}


def test_the_command(tmp_path: Path) -> None:
    """Writes one file, says where, and replaces nothing unasked."""
    command = [*COMMAND, "report", str(SAMPLES / "ivr_dtmf.parquet"), "-o", "r.html", "--worst", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "r.html: " in done.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "--force" in again.stderr
