"""The site is built without a network, and needs none."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import expect

from arirecord.cli import VERBS

from .report.browser import opened
from .site import PAGES, build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does: strictly, so that a link or an anchor that leads nowhere ends it."""
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder


@pytest.mark.parametrize("link", ["](no_such_page.md)", "](faq.md#no-such-heading)"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    """The site is not built; the one before stays."""
    (tmp_path / "site").mkdir()
    broken = tmp_path / "broken.md"
    broken.write_text(f"[lost{link}")
    monkeypatch.setitem(PAGES, str(broken), "broken.md")

    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "site")
    assert list((tmp_path / "site").iterdir()) == []


class Fetched(HTMLParser):
    """What a browser gets by itself to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed", "object"):
            self.urls += [url for url in (given.get("src"), given.get("data"), given.get("srcset")) if url]
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev", "edit"):
            self.urls.append(given.get("href") or "")
        self.urls += _in_style(given.get("style") or "")


def _in_style(text: str) -> list[str]:
    return re.findall(r"""url\(\s*["']?([^"')]+)""", text) + re.findall(r"""@import\s+["']([^"']+)""", text)


def _fetched(site: Path) -> Iterator[tuple[str, str]]:
    for page in site.rglob("*.html"):
        parser = Fetched()
        parser.feed(page.read_text())
        for url in parser.urls:
            yield page.name, url
    for style in site.rglob("*.css"):
        for url in _in_style(style.read_text()):
            yield style.name, url


def test_nothing_is_fetched_from_outside(site: Path) -> None:
    """Scripts, styles, fonts and images are files of the site."""
    fetched = list(_fetched(site))

    assert any(url.endswith(".js") for _, url in fetched)
    assert [(page, url) for page, url in fetched if re.match(r"([a-z]+:)?//", url)] == []


def test_every_page_is_in_one_of_the_groups(site: Path) -> None:
    """How to, operation, reference, background; the first three stand alone. Two pages are files of the root."""
    config = tomllib.loads((ROOT / ".zensical.toml").read_text())
    *first, how_to, operate, reference, background = config["project"]["nav"]
    groups = [how_to, operate, reference, background]
    listed = [page for entry in first for page in entry.values()]
    for group in groups:
        listed += [page for entry in next(iter(group.values())) for page in entry.values()]

    assert [next(iter(group)) for group in groups] == ["How to", "Operate", "Reference", "Background"]
    assert sorted(listed) == sorted(
        ["CHANGELOG.md", "CONTRIBUTING.md", *(page.name for page in (ROOT / "docs").glob("*.md"))]
    )
    assert all((site / page).with_suffix(".html").exists() for page in listed)


def test_the_reference_is_complete(site: Path) -> None:
    """Each verb has a heading to link to, and each public name of Python."""
    verbs = (site / "cli.html").read_text()
    names = (site / "python.html").read_text()

    assert [verb for verb in VERBS if f'id="arirecord-{verb}"' not in verbs] == []
    assert [name for name in ("sessioncalls", "replayexpect", "arirecordconnect") if f'id="{name}"' not in names] == []


def test_nothing_but_pages_is_in_the_site(site: Path) -> None:
    """No caches, and no sources of what makes the site."""
    assert [
        path.name for path in site.rglob("*") if path.suffix in (".py", ".pyc") or "__pycache__" in path.parts
    ] == []


@pytest.mark.parametrize(("page", "width"), [("tutorial.html", 390), ("metrics.html", 1200)])
def test_in_a_browser(site: Path, page: str, width: int) -> None:
    """Opened as a file it complains of nothing, asks for nothing outside, is no wider than the window, and searches."""
    with opened(site / page, viewport={"width": width, "height": 900}) as window:
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width
        button, icon = (
            window.page.locator(".md-search__button"),
            window.page.locator(".md-header__button[for=__search]"),
        )
        (button if button.is_visible() else icon).click()
        window.page.get_by_placeholder("Search").fill("pseudonym")
        expect(window.page.get_by_text(re.compile(r"^\d+ results$"))).to_be_visible()

        assert (window.errors, window.asked_outside) == ([], [])
