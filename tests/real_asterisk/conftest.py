"""One Asterisk for all tests of this folder, which run only where `$ARIRECORD_TEST_ASTERISK` is set."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from .app import App
from .install import folder, install
from .phone import Phone
from .recording import Capture, Recorded
from .switch import Asterisk
from .truth import check

collect_ignore_glob = [] if os.environ.get("ARIRECORD_TEST_ASTERISK") else ["test_*.py"]


class Rig:
    """What a scenario works with: phones by number, and the ARI application."""

    def __init__(self, asterisk: Asterisk) -> None:
        self.asterisk = asterisk

    def phone(self, number: str) -> AbstractAsyncContextManager[Phone]:
        return Phone.at(self.asterisk.sip_port, number, self.asterisk.password)

    def app(self) -> AbstractAsyncContextManager[App]:
        return App.of(self.asterisk)


Scenario = Callable[[Rig], Awaitable[None]]
Record = Callable[[Scenario], Recorded]


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Asterisk]:
    install(folder())
    with Asterisk(folder()) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left(asterisk: Asterisk) -> Iterator[None]:
    """A test leaves no recording to the next one, and no call if it failed."""
    yield
    asterisk.hang_up_all()
    for recording in asterisk.ari("GET", "recordings/stored"):
        asterisk.ari("DELETE", f"recordings/stored/{recording['name']}")


@pytest.fixture
def record(asterisk: Asterisk, tmp_path: Path) -> Record:
    """`record(scenario)` records the calls of a scenario, holds them against CEL and CDR, and returns the recording."""

    def run(scenario: Scenario) -> Recorded:
        async def calls() -> None:
            async with asyncio.timeout(60):
                await scenario(Rig(asterisk))

        with Capture(asterisk, tmp_path / "calls.parquet") as capture:
            asyncio.run(calls())
            recorded = capture.finish()
        check(recorded)
        return recorded

    return run
