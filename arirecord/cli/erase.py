"""`arirecord erase`."""

from pathlib import Path

import click

from .console import LOST, echo, progress, say, warn
from .output import Input, Verb

__all__ = ["command"]


@click.command("erase", cls=Verb)
@click.argument("session", type=Input(must_exist=True))
@click.option("--number", "numbers", multiple=True, required=True, help="Number to erase: +420731111000 (repeatable).")
@click.option("--exact", is_flag=True, help="Erase these digits only, not the last nine with other prefixes.")
@click.option(
    "--region", "regions", multiple=True, metavar="CC", help="Country of numbers without one: CZ (repeatable)."
)
@click.option("--dry-run", is_flag=True, help="Count the rows with the numbers, and change nothing.")
def command(session: Path, numbers: tuple[str, ...], exact: bool, regions: tuple[str, ...], dry_run: bool) -> None:
    """Erase phone numbers from a lake, a recording in parts, or a session, in place.

    Each digit becomes a 9, in the text of the frames and in all columns. Numbers are found as `redact` finds them: in
    any spelling, within other words, and in JSON, URLs, base64 and hexadecimal. A number without --exact is also found
    without its country and with any prefix, by its last nine digits. Names stay: `redact` replaces them.

    A part is replaced in one step, after it was searched for every number in any decoding; all other rows stay as they
    are. Kept tables with a number are removed. Run the command again after a failure. The exit code is 3 if a part
    could not be read or a journal is not sealed.

    \b
    Examples:
      arirecord erase /srv/lake --number +420731111000 --dry-run
      arirecord erase /srv/lake --number +420731111000
      arirecord erase days/ --number 731111000 --number 1001 --region CZ
    """
    from arirecord.lake.retention import erase
    from arirecord.redact.erasure import Erasure

    try:
        erasure = Erasure.of(numbers, [region.upper() for region in regions], is_exact=exact)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with progress() as update:
        done = erase(session, erasure, is_dry=dry_run, progress=update, report=warn)
    for path in done.parts:
        echo(f"{'would rewrite' if dry_run else 'rewritten'} {path}")
    if dry_run:
        say(f"{session}: {done.rows:,} rows in {len(done.parts):,} of {done.searched_count:,} parts have a number.")
    else:
        tables = f" {done.table_count:,} files of kept tables were removed." if done.table_count else ""
        say(
            f"{session}: numbers erased from {done.rows:,} rows in {len(done.parts):,} of {done.searched_count:,} "
            f"parts.{tables} No number was found in any decoding tried of {done.searched_count:,} parts."
        )
    if done.problems:
        raise SystemExit(LOST)
