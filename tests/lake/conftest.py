"""Parts of lakes, seen while sessions are opened."""

from pathlib import Path

import pytest

from arirecord.session import part_index, reader
from arirecord.session.parts import Part, open_part


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose footers are read when sessions are opened, as they are read."""
    paths: list[Path] = []

    def noting(path: Path) -> Part:
        paths.append(path)
        return open_part(path)

    monkeypatch.setattr(reader, "open_part", noting)
    part_index._entries.cache_clear()
    return paths
