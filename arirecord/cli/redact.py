"""`arirecord redact`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .terminal import progress, say

if TYPE_CHECKING:
    from arirecord.handling.dtmf import Dtmf

__all__ = ["command"]


@click.command("redact")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The session to be made.")
@click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True,
    help="File with the secret that decides the pseudonyms: 16 bytes or more.",
)  # fmt: skip
@click.option(
    "--dtmf", type=click.Choice(["keep", "mask", "mask-all"]), default="mask", show_default=True,
    help="mask: keys pressed after a prompt, until the channel is in a bridge. mask-all: every key.",
)  # fmt: skip
@click.option("--names/--keep-names", default=True, help="Whether callers' names are replaced (they are).")
@click.option("--endpoints", is_flag=True, help="Replace the user names of endpoints too: PJSIP/alice.")
@click.option(
    "--min-digits", type=click.IntRange(3, 15), default=7, show_default=True,
    help="Numbers of fewer digits are internal and stay as they are.",
)  # fmt: skip
@click.option("--region", "regions", multiple=True, metavar="CC", help="Country of numbers written without one: CZ.")
@click.option("--keep", multiple=True, metavar="NUMBER", help="Leave this number as it is; may be given again.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(
    session: Path,
    output: Path,
    key_file: Path,
    dtmf: "Dtmf",
    names: bool,
    endpoints: bool,
    min_digits: int,
    regions: tuple[str, ...],
    keep: tuple[str, ...],
    force: bool,
) -> None:
    """Make a session without what tells who somebody is: numbers, names and what was keyed in.

    Each phone number becomes another one of the same country, area and length, everywhere and always the same for one
    key. Emergency and short numbers and internal extensions stay. Nothing else of a frame changes, so that the session
    replays and measures as before. In the end every original is looked for in the whole result; if one is left,
    nothing is kept and the exit code is 1.

    \b
    Examples:
      head -c 32 /dev/urandom | base64 > redact.key
      arirecord redact today.parquet -o shareable.parquet --key-file redact.key
      arirecord redact days/ -o shareable.parquet --key-file redact.key --region CZ --dtmf mask-all --endpoints
      arirecord redact today.parquet -o shareable.parquet --key-file redact.key --min-digits 4 --keep +420800123456
    """
    import phonenumbers

    from arirecord.handling.cipher import read_key
    from arirecord.handling.redact import Options, redact_session
    from arirecord.session.reader import open_session

    countries = tuple(region.upper() for region in regions)
    for region in countries:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise click.UsageError(f"{region} is no country such as CZ, DE or US")
    options = Options(min_digits, countries, keep, names, endpoints, dtmf)
    with progress() as update:
        done = redact_session(open_session(session), read_key(key_file), output, options, force=force, progress=update)
    say(
        f"{output}: {done.header.events:,} events; {done.number_count:,} numbers, {done.name_count:,} names and"
        f" {done.user_count:,} endpoints replaced, {done.digit_count:,} keys masked. No original is left."
    )
    if done.ambiguous:
        say(
            "These names are words of the dialplan, of ARI or of endpoints as well, and were replaced only as names of"
            f" callers: {', '.join(done.ambiguous[:10])}{' …' if len(done.ambiguous) > 10 else ''}."
        )
