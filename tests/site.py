"""Build the documentation as a site: `make site`. It needs no server, and no network to be read.

The pages are those of `docs/` and three files of the root, which a code-hosting page shows at their own place.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["PAGES", "build"]

ROOT = Path(__file__).parents[1]
PAGES = {"CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "LICENSE": "LICENSE.md"}
"""File of the root → page of the site."""


def build(folder: Path) -> None:
    """Make the site in `folder`, which is emptied.

    Raises `subprocess.CalledProcessError`, if a link or an anchor leads nowhere; what it prints says where.
    """
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made)
        shutil.copy(ROOT / ".zensical.toml", copy / "zensical.toml")
        shutil.copytree(
            ROOT / "docs", copy / "docs", ignore=shutil.ignore_patterns("examples", "*.json", "__pycache__")
        )
        for page in (copy / "docs").glob("*.md"):
            text = page.read_text("utf-8")
            for name, target in PAGES.items():
                text = text.replace(f"](../{name})", f"]({target})")
            page.write_text(text, "utf-8")
        for name, target in PAGES.items():
            (copy / "docs" / target).write_text((ROOT / name).read_text("utf-8").replace("](docs/", "]("), "utf-8")
        subprocess.run([Path(sys.executable).with_name("zensical"), "build", "--strict"], cwd=copy, check=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(copy / "site", folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
