"""Real ARI clients, installed on first use into pytest's cache, beside nothing of ours."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = ("asyncari==0.20.6", "aioari==0.10.2")
NODE = ("ari-client@2.2.0", "@ipcom/asterisk-ari@1.0.0")


def python_clients(cache: Path) -> Path:
    """The interpreter of a virtual environment that has them. Skips where they can't be installed; fails in CI."""
    folder = cache / "python-clients"
    interpreter = folder / "bin" / "python"
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(interpreter), "-m", "pip", "install", "--quiet", *PYTHON],
    ]
    _install(cache, folder, commands, " ".join(PYTHON))
    return interpreter


def node_clients(cache: Path) -> Path:
    """The `node_modules` that has them. Skips without node or npm, or where they can't be installed; fails in CI."""
    if not shutil.which("node") or not shutil.which("npm"):
        _missing("node and npm are not installed")
    folder = cache / "node-clients"
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *NODE]
    _install(cache, folder, [install], " ".join(NODE))
    return folder / "node_modules"


def _install(cache: Path, folder: Path, commands: list[list[str]], what: str) -> None:
    done = folder / ".installed"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if done.exists() and done.read_text() == what:
            return
        folder.mkdir(exist_ok=True)
        for command in commands:
            try:
                ran = subprocess.run(command, capture_output=True, text=True, timeout=240)
            except (OSError, subprocess.TimeoutExpired) as error:
                _missing(f"{what}: {error}")
            if ran.returncode:
                _missing(f"{what}: {ran.stderr.strip()[-300:]}")
        done.write_text(what)


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"can't be installed, and CI must run it: {why}")
    pytest.skip(f"REAL CLIENTS ARE NOT TRIED: {why}")
