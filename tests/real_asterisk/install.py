"""Install Asterisk into a folder of its own: `python3 -m tests.real_asterisk.install [FOLDER]`.

It makes a small Debian sid there, which has Asterisk 22, and touches nothing else but the host's package `debootstrap`.
Quick if it is there already. Needs root, Debian or a relative of it, and the host's package mirror.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.debian import InstallError, cache_folder, inside, is_made, make_debian

__all__ = ["InstallError", "folder", "install", "is_installed"]

PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm", "procps")

is_installed = is_made


def folder() -> Path:
    """Where Asterisk is, or is to be, installed: `$ARIRECORD_ASTERISK`, otherwise a cache folder."""
    return Path(os.environ.get("ARIRECORD_ASTERISK") or cache_folder() / "asterisk").absolute()


def install(root: Path) -> str:
    """Install Asterisk into `root` unless it is there. Returns its version. Raises `InstallError`."""
    make_debian(root, "sid", PACKAGES)
    version = subprocess.run(inside(root, "/usr/sbin/asterisk", "-V"), capture_output=True, text=True, check=True)
    return version.stdout.strip()


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]).absolute() if arguments else folder()
    started = time.monotonic()
    try:
        version = install(root)
    except InstallError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"{version} in {root} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
