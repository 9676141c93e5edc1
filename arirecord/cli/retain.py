"""`arirecord retain`."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from .console import LOST, echo, say, size_text, warn
from .output import Input, Verb
from .param_types import AGE

__all__ = ["command"]


@click.command("retain", cls=Verb)
@click.argument("root", type=Input(must_exist=True))
@click.option("--keep", "keep_s", type=AGE, required=True, help="Keep what is younger: 90d, 52w.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")
def command(root: Path, keep_s: float, dry_run: bool) -> None:
    """Remove the parts of a lake, or of a recording in parts, that are older than a time.

    In a lake, days (UTC) that have ended before that time are removed, with the tables kept for them. Elsewhere the
    last row of a part decides. Only sessions are removed: journals, other files, links and unreadable parts stay; the
    exit code is 3 if a part could not be read.

    \b
    Examples:
      arirecord retain /srv/lake --keep 90d --dry-run
      arirecord retain /srv/lake --keep 90d
      arirecord retain /var/lib/arirecord/pbx/ --keep 30d
    """
    from arirecord.lake.retention import find_old_parts, remove_parts

    before = datetime.now(UTC) - timedelta(seconds=keep_s)
    problems: list[str] = []
    parts = find_old_parts(root, before, problems.append)
    folders = defaultdict(list)
    for part in parts:
        folders[part.path.parent].append(part)
    for folder, inside in sorted(folders.items()):
        size = size_text(sum(part.size for part in inside))
        echo(f"{'would remove' if dry_run else 'removes'} {folder}: {len(inside):,} files, {size}")
    if not dry_run:
        remove_parts(parts, root)
    for problem in problems:
        warn(problem)
    total = size_text(sum(part.size for part in parts))
    verb = "would be removed" if dry_run else "removed"
    say(f"{root}: {len(parts):,} files ({total}) from before {before:%Y-%m-%d %H:%M} UTC {verb}.")
    if problems:
        raise SystemExit(LOST)
