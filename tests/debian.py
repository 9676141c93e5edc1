"""A small Debian in a folder: made by debootstrap, entered by chroot, leaving no mounts behind. Needs no package."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = ["InstallError", "cache_folder", "has_mounts", "inside", "is_made", "make_debian"]

_STAMP = "arirecord-installed"
_ENTER = """
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || echo "no mounts in $0: going on without" >&2
exec chroot "$0" "$@"
"""


class InstallError(Exception):
    """The Debian can't be made here; the text says why."""


def cache_folder() -> Path:
    """Where such folders lie if no other is named."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "arirecord"


@cache
def has_mounts() -> bool:
    """Whether this machine lets us mount; some sandboxes don't."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


def isolated(*command: str | Path) -> list[str]:
    """The command in a mount namespace of its own: whatever it mounts is gone when it ends, however it ends."""
    return [*(["unshare", "--mount"] if has_mounts() else []), *map(str, command)]


def inside(root: Path, *command: str | Path) -> list[str]:
    """The command inside `root`, with /proc and /dev where that is possible. It all happens in one process."""
    if has_mounts():
        return isolated("sh", "-c", _ENTER, root, *command)
    return ["chroot", str(root), *map(str, command)]


def is_made(root: Path) -> bool:
    """Whether `make_debian` has finished there."""
    return (root / _STAMP).is_file()


def make_debian(root: Path, suite: str, packages: Sequence[str]) -> None:
    """Make a minimal Debian `suite` with `packages` in `root`, unless it is there. Services of packages do not start.

    Raises `InstallError` if this machine can't: it needs root, Debian or a relative of it, and its package mirror.
    """
    if is_made(root):
        return
    if os.geteuid() != 0:
        raise InstallError("this needs root: it makes a small Debian in a folder and enters it by chroot")
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_name(f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one installation at a time; the lock goes with the process
        if not is_made(root):
            _make(root, suite, packages)


def _make(root: Path, suite: str, packages: Sequence[str]) -> None:
    if shutil.which("apt-get") is None:
        raise InstallError("there is no apt-get: this needs Debian or a relative of it")
    if root.exists() and any(root.iterdir()):
        raise InstallError(f"{root} holds something else: name another folder")
    if not has_mounts():
        print("this machine forbids mounts: going on without /proc in the folder", file=sys.stderr)
    run("apt-get", "update", "-qq")
    if shutil.which("debootstrap") is None:
        run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "debootstrap")
    unfinished = root.with_name(f"{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # from an attempt that was cut off; nothing is ever mounted in it
    run(*isolated("debootstrap", "--variant=minbase", suite, unfinished, _mirror()))
    (unfinished / "etc/apt/apt.conf.d/90arirecord").write_text(
        'Acquire::Check-Valid-Until "false";\nAcquire::Languages "none";\nAPT::Install-Recommends "false";\n'
    )
    policy = unfinished / "usr/sbin/policy-rc.d"  # keeps packages from starting anything
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    run(*inside(unfinished, "apt-get", "update", "-qq"), env=environment)
    run(*inside(unfinished, "apt-get", "install", "-qq", "-y", *packages), env=environment)
    run(*inside(unfinished, "apt-get", "clean"), env=environment)
    (unfinished / _STAMP).touch()
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
    raise InstallError("no Debian mirror is among the package sources of this machine")


def run(*command: str, env: dict[str, str] | None = None) -> None:
    """Run a command. All that it starts ends with this process, even if this process is killed.

    Raises `InstallError` if it fails.
    """
    print("+", *command, file=sys.stderr, flush=True)
    bound = ["setpriv", "--pdeathsig", "KILL"]
    if has_mounts():
        bound += ["unshare", "--pid", "--fork", "--kill-child"]
    done = subprocess.run([*bound, *command], env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode:
        raise InstallError(f"{command[0]} ended with {done.returncode}: {' '.join(command)}")


@contextmanager
def temporary_folder(root: Path, name: str) -> Iterator[Path]:
    """An empty folder inside `root` for as long as the block runs."""
    folder = root / "tmp" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
