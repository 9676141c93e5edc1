"""Commands inside the folder that Asterisk is installed in, leaving no mounts behind."""

import os
import subprocess
from functools import cache
from pathlib import Path

__all__ = ["folder", "has_mounts", "inside", "isolated"]

_ENTER = """
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || echo "no mounts in $0: going on without" >&2
exec chroot "$0" "$@"
"""


def folder() -> Path:
    """Where Asterisk is, or is to be, installed: `$ARIRECORD_ASTERISK`, else a cache folder."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ARIRECORD_ASTERISK") or cache_home / "arirecord" / "asterisk").absolute()


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
