"""Install Asterisk into a folder of its own: `python3 -m tests.asterisk.install [FOLDER]`.

It makes a small Debian sid there, which has Asterisk 22, and touches nothing else but the host's package `debootstrap`.
Quick where it is there already. Needs root, Debian or a relative of it, and the host's package mirror.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.asterisk.chroot import folder, has_mounts, inside, isolated

__all__ = ["STAMP", "InstallError", "install", "is_installed"]

PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm", "procps")
STAMP = "arirecord-installed"
"""In the folder, once all is there; holds the version of Asterisk."""


class InstallError(Exception):
    """Asterisk can't be installed here; the text says why."""


def is_installed(root: Path) -> bool:
    return (root / STAMP).is_file()


def install(root: Path) -> str:
    """Install Asterisk into `root` unless it is there. Returns its version. Raises `InstallError`."""
    if is_installed(root):
        return (root / STAMP).read_text().strip()
    if os.geteuid() != 0:
        raise InstallError(
            "installing Asterisk needs root: it makes a small Debian in a folder and enters it by chroot"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    with _alone(root.with_name(f"{root.name}.lock")):
        if not is_installed(root):
            _install(root)
    return (root / STAMP).read_text().strip()


def _install(root: Path) -> None:
    if shutil.which("apt-get") is None:
        raise InstallError("there is no apt-get: this needs Debian or a relative of it")
    if root.exists() and any(root.iterdir()):
        raise InstallError(f"{root} holds something else: name another folder")
    if not has_mounts():
        print("this machine forbids mounts: going on without /proc in the folder", file=sys.stderr)
    _run("apt-get", "update", "-qq")
    if shutil.which("debootstrap") is None:
        _run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "debootstrap")
    unfinished = root.with_name(f"{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # from an attempt that was cut off; nothing is ever mounted in it
    _run(*isolated("debootstrap", "--variant=minbase", "sid", unfinished, _mirror()))
    (unfinished / "etc/apt/apt.conf.d/90arirecord").write_text(
        'Acquire::Check-Valid-Until "false";\nAcquire::Languages "none";\nAPT::Install-Recommends "false";\n'
    )
    policy = unfinished / "usr/sbin/policy-rc.d"  # keeps packages from starting anything
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    _run(*inside(unfinished, "apt-get", "update", "-qq"), env=environment)
    _run(*inside(unfinished, "apt-get", "install", "-qq", "-y", *PACKAGES), env=environment)
    _run(*inside(unfinished, "apt-get", "clean"), env=environment)
    version = subprocess.run(
        inside(unfinished, "/usr/sbin/asterisk", "-V"), capture_output=True, text=True, check=True
    ).stdout.strip()
    (unfinished / STAMP).write_text(f"{version}\n")
    if root.exists():
        root.rmdir()
    unfinished.rename(root)


def _mirror() -> str:
    """The mirror that the host's own packages come from."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        label, _, mirror = line.partition(" ")
        if label == "Debian":
            return mirror
    raise InstallError(
        "no Debian mirror among the package sources of this machine: Asterisk is installed from Debian sid"
    )


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    """Run it; all that it started ends with us, even should we be killed."""
    print("+", *command, file=sys.stderr, flush=True)
    bound = ["setpriv", "--pdeathsig", "KILL"]
    if has_mounts():
        bound += ["unshare", "--pid", "--fork", "--kill-child"]
    done = subprocess.run([*bound, *command], env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode:
        raise InstallError(f"{command[0]} ended with {done.returncode}: {' '.join(command)}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One installation at a time; the lock goes with the process."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
