"""Run the instructions of docs/examples/Containerfile in a fresh Debian, without a container engine.

`python3 -m tests.container_file` runs each RUN as the engine would, then the entry point's demo as the image's user.
Needs root.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.debian import InstallError, cache_folder, inside, make_debian
from tests.stock_debian import PACKAGES, copy_checkout, copy_network_settings, environment

__all__ = ["CONTAINER_FILE", "instructions", "main"]

CONTAINER_FILE = Path(__file__).parents[1] / "docs" / "examples" / "Containerfile"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a container file with their arguments, continued lines joined."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [(name, argument.strip()) for name, _, argument in (line.partition(" ") for line in lines if line.strip())]


def main() -> int:
    steps = instructions(CONTAINER_FILE.read_text())
    suite = dict(steps)["FROM"].removeprefix("debian:").removesuffix("-slim")
    try:
        make_debian(cache_folder() / f"debian-{suite}", suite, PACKAGES)
    except InstallError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    root = cache_folder() / "container"
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "--archive", cache_folder() / f"debian-{suite}", root], check=True)
    try:
        copy_network_settings(root)
        return _build_and_run(root, steps)
    finally:
        shutil.rmtree(root)


def _build_and_run(root: Path, steps: list[tuple[str, str]]) -> int:
    for name, argument in steps:
        print(f"{name} {argument}", flush=True)
        if name == "COPY":
            copy_checkout(root / argument.split()[1].lstrip("/"))
        elif name == "RUN":
            run = ["env", "-i", *environment("/root"), PATH, "sh", "-ec", argument]
            if code := subprocess.run(inside(root, *run), stdin=subprocess.DEVNULL, check=False).returncode:
                return code
    said = dict(steps)
    user, folder = said["USER"], said["WORKDIR"]
    as_user = [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        "env",
        "-i",
        *environment(folder),
        PATH,
    ]
    demo = [*as_user, "sh", "-ec", f'cd {folder} && exec "$0" "$@"', *json.loads(said["ENTRYPOINT"]), "demo"]
    return subprocess.run(inside(root, *demo), stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
