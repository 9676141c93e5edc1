"""Run make targets as a new user would, in a fresh Debian: `python3 -m tests.stock_debian SUITE TARGET …`.

The Debian has its own Python, make and nothing else; the environment is empty, the home folder new. Each target is one
argument with its variables: `python3 -m tests.stock_debian trixie demo 'test ARGS="-m quick"'`. Needs root.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.debian import InstallError, cache_folder, inside, make_debian, temporary_folder

__all__ = ["PACKAGES", "copy_checkout", "copy_network_settings", "environment", "main"]

PACKAGES = ("ca-certificates", "make", "python3", "python3-venv")
CHECKOUT = Path(__file__).parents[1]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def main(arguments: list[str]) -> int:
    suite, *targets = arguments
    root = cache_folder() / f"debian-{suite}"
    try:
        make_debian(root, suite, PACKAGES)
    except InstallError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    copy_network_settings(root)
    with temporary_folder(root, "newcomer") as home:
        copy_checkout(home / "arirecord")
        return max((_make(root, suite, home, target) for target in targets), default=0)


def copy_network_settings(root: Path) -> None:
    """Let programs inside find hosts, and trust the certificate authorities that this machine trusts."""
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc") / name, root / "etc" / name)


def copy_checkout(folder: Path) -> None:
    """Copy the files that a clone would have, as they are now, into a new folder."""
    folder.mkdir()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, check=True).stdout
    for name in map(os.fsdecode, filter(None, files.split(b"\0"))):
        if (CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)


def environment(home: str) -> list[str]:
    """The variables of a new user's shell, and the settings of pip on this machine, as `env` takes them."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    settings |= {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    return [f"{name}={value}" for name, value in settings.items()]


def _make(root: Path, suite: str, home: Path, target: str) -> int:
    """Run one target; return its exit code."""
    started = time.monotonic()
    inner = Path("/") / home.relative_to(root)
    enter = f"cd {shlex.quote(str(inner / 'arirecord'))} && exec make {target}"
    command = inside(root, "env", "-i", *environment(str(inner)), "sh", "-c", enter)
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    took_s = time.monotonic() - started
    print(f"Debian {suite}: make {target} ended with {code} after {took_s:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
