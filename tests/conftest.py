"""Real recordings for the tests: the small ones of `tests/captures`, and those in the folders of `$ARIRECORD_CAPTURES`,
separated as in `$PATH`.
"""

import asyncio
import inspect
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import zstandard

from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.examples import register_profiles
from tests.waiting import HANG_S

register_profiles()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what runs in the background so, and commands under test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
CAPTURES = [HERE / "captures", *(Path(p) for p in os.environ.get("ARIRECORD_CAPTURES", "").split(os.pathsep) if p)]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep bytes out of test ids, which must be the same in each process: what gzip makes has a time in it."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test, which must not hang."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), HANG_S))
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the first case of every test that is not slow as quick."""
    seen = set()
    for item in items:
        test = (item.path, getattr(item, "originalname", item.name))
        if test not in seen and item.get_closest_marker("slow") is None:
            item.add_marker("quick")
        seen.add(test)


def read_lines(path: Path) -> Iterator[bytes]:
    """Lines of a file, decompressed where it ends in .zst."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    yield from data.splitlines()


def scenarios() -> dict[str, Path]:
    """Folders of recorded scenarios by name."""
    return {folder.name: folder for root in CAPTURES for folder in sorted(root.iterdir()) if folder.is_dir()}


def streams() -> dict[str, Path]:
    """Recorded streams by `scenario/name`."""
    found = {}
    for name, folder in scenarios().items():
        for path in sorted(folder.glob("*.jsonl*")):
            stem = path.name.partition(".jsonl")[0]
            if path.name in (f"{stem}.jsonl", f"{stem}.jsonl.zst"):
                found[f"{name}/{stem}"] = path
    return found


def has_truth(name: str) -> bool:
    """Whether Asterisk's own records of a scenario, or of a stream in it, are there."""
    return any((scenarios()[name.partition("/")[0]] / f"cel.json{ending}").exists() for ending in ("", ".zst"))


def truth(scenario: str, what: str) -> list[dict[str, object]]:
    """Rows of a scenario's `cel` or `cdr`, as Asterisk wrote them."""
    folder = scenarios()[scenario]
    path = next(p for p in (folder / f"{what}.json", folder / f"{what}.json.zst") if p.exists())
    return [orjson.loads(line) for line in read_lines(path)]


def make_session(stream: Path, target: Path) -> Path:
    """Seal a recorded stream to `target`."""
    lines = [orjson.loads(line) for line in read_lines(stream)]
    start = lines[0]["t"]
    writer = JournalWriter(journal_path(target), start, {"verb": "import", "files": [stream.name]})
    writer.write((line["t"], line["t"] - start, "event", line["frame"]) for line in lines)
    writer.close()
    seal(journal_path(target), target)
    return target


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> "Sessions":
    """Sessions of recorded streams by name (`sessions["ivr_dtmf/all"]`), made when first asked for."""
    return Sessions(tmp_path_factory.mktemp("sessions"))


class Sessions(dict[str, Path]):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, name: str) -> Path:
        self[name] = make_session(streams()[name], self.folder / f"{name.replace('/', '-')}.parquet")
        return self[name]
