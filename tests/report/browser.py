"""A real, headless Chromium for the tests: what a page says on its console and asks of the network is kept."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.waiting import HANG_S

__all__ = ["Opened", "launched", "opened"]

expect.set_options(timeout=HANG_S * 1000)  # Playwright's own is 5 s: a limit of nothing that is tested
CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))


class Opened:
    """A page, with what went wrong in it and what it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda request: self.asked.append(request.url))

    @property
    def asked_outside(self) -> list[str]:
        """Requests to anything but the file itself."""
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


@contextmanager
def launched(*args: str) -> Iterator[Browser]:
    """A running Chromium, with these arguments besides."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: the report can't be tested as people see it")
        pytest.skip("no Chromium here (Debian: apt install chromium); CI has one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *args])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(path: Path, **settings: Any) -> Iterator[Opened]:
    """The file in a window of its own; `settings` as of Playwright's `new_page` (viewport, color_scheme)."""
    with launched() as browser:
        window = Opened(browser.new_page(**settings))
        window.page.goto(path.as_uri())
        yield window
