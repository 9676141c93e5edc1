"""Measuring commands beside rivals: each in a process of its own, in turns, so that all meet the same weather."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Run", "describe_machine", "interleaved", "ratio", "run"]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a command took: seconds on the wall, of processors, and its largest resident memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: Sequence[str], cores: int | None = None) -> Run:
    """Run a command to its end on so many cores (None: all). Raises `RuntimeError` if it fails."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        cwd=Path(__file__).parents[1],
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return Run(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def interleaved(rounds: int, rivals: dict[str, Callable[[], Run]]) -> dict[str, list[Run]]:
    """Every rival once, then every rival again, `rounds` times."""
    found: dict[str, list[Run]] = {name: [] for name in rivals}
    for number in range(rounds):
        for name, go in rivals.items():
            print(f"round {number + 1}: {name}", file=sys.stderr)
            found[name].append(go())
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How many times less we took, round by round: `3.1 (2.9–3.4)`."""
    each = [their / our for our, their in zip(ours, theirs, strict=True)]
    return f"{statistics.median(each):.2f} ({min(each):.2f}–{max(each):.2f})"


def describe_machine() -> str:
    """Processor, cores, memory, system and Python; no name of the machine."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = os.uname()
    python = ".".join(map(str, sys.version_info[:3]))
    cores = len(os.sched_getaffinity(0))
    return f"{cpu}, {cores} cores, {memory:.0f} GiB, {system.sysname} {system.release.split('-')[0]}, Python {python}"
