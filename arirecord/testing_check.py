"""The fixture that checks recordings against rules in the tests of an app, and where they are looked up."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from arirecord.check import CheckResult
    from arirecord.rules import Severity

__all__ = ["check_recording", "find_beside_test"]


@pytest.fixture
def check_recording(request: pytest.FixtureRequest) -> "Callable[..., CheckResult]":
    """Check a recording as `arirecord check` does: `check_recording("bot.parquet", "voice", "own.toml")`.

    Without rules the set is `default`. A relative path is looked up beside the test's file, then under the root folder
    of pytest. Keywords: `fail_on` is the least severity that fails (`"warning"`), the others are those of
    `arirecord.open_session`. Raises `AssertionError` with what failed, the calls and what to do; returns the result.
    """

    def check(session: str | Path, *rules: str | Path, fail_on: "Severity" = "error", **options: Any) -> "CheckResult":
        __tracebackhide__ = True
        from arirecord.api import open_session

        files = (find_beside_test(Path(each), request) if Path(each).suffix == ".toml" else each for each in rules)
        result = open_session(find_beside_test(Path(session), request), **options).check(*files)
        if result.failed(fail_on):
            raise AssertionError(f"\n{result}")
        return result

    return check


def find_beside_test(name: Path, request: pytest.FixtureRequest, *, may_miss: bool = False) -> Path:
    """Return the path of a file beside the test's file, otherwise under the root folder of pytest.

    Raises `pytest.UsageError` if neither is there, unless it `may_miss`.
    """
    tried = [request.path.parent / name, request.config.rootpath / name]
    for path in tried:
        if path.exists():
            return path
    if may_miss:
        return tried[0]
    raise pytest.UsageError(f"file not found: neither {tried[0]} nor {tried[1]} exists")
