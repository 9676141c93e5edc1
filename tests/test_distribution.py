"""What is shipped: the wheel has the package and nothing else, the sdist all that its tests need."""

import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest
from hatchling.build import build_sdist, build_wheel

import arirecord

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A wheel and an sdist of the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return folder / build_wheel(str(folder)), folder / build_sdist(str(folder))


def _files(folder: str) -> set[str]:
    """Files of the checkout, without what running it leaves."""
    found = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path) for path in found if not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}}


def test_the_wheel_is_the_package(built: tuple[Path, Path]) -> None:
    """SQL, JSON, templates, styles, the recording of the demo and the mark of a typed package; no tests."""
    with zipfile.ZipFile(built[0]) as wheel:
        shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert shipped == _files("arirecord")
    assert {Path(name).suffix for name in shipped} >= {".py", ".sql", ".json", ".jinja", ".css", ".parquet", ".typed"}


def test_the_sdist_can_be_tested(built: tuple[Path, Path]) -> None:
    """It has the tests and what they read."""
    with tarfile.open(built[1]) as sdist:
        shipped = {name.partition("/")[2] for name in sdist.getnames()}

    needed = {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "constraints.txt",
        "pyproject.toml",
        ".zensical.toml",
    }
    for folder in ("arirecord", "tests", "docs", "notebooks", "sample_data", "benchmarks"):
        needed |= _files(folder)
    assert needed - shipped == set()


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def test_the_metadata(built: tuple[Path, Path]) -> None:
    """Version, licence, system and Python versions; each classifier is a known one, or hatchling refuses to build."""
    metadata = _metadata(built[0])
    classifiers = metadata.get_all("Classifier", [])

    assert metadata["Version"] == arirecord.__version__
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.11")
    assert "Operating System :: POSIX :: Linux" in classifiers
    assert "Programming Language :: Python :: 3.11" in classifiers


def test_each_direct_dependency_is_pinned() -> None:
    """For installations that are to be as tested: `pip install --constraint constraints.txt`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {text.partition(">=")[0].lower() for text in project["dependencies"]}
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}

    assert required <= pinned
