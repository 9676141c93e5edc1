"""What several tests of sessions need."""

from pathlib import Path

import pytest


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where a test may put its session."""
    return tmp_path / "s.parquet"
