"""`arirecord redact`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import progress, say
from .output import SESSION, Input, Output, Verb, output_options
from .session_input import SessionInput, open_session, session_argument

if TYPE_CHECKING:
    from arirecord.redact.mask_dtmf import Dtmf

__all__ = ["command"]


@click.command("redact", cls=Verb)
@session_argument
@click.option(
    "--key-file", type=Input(must_exist=True),
    help="File with the secret for the pseudonyms: 16 bytes or more. Default: a random key, used once.",
)  # fmt: skip
@click.option(
    "--dtmf", type=click.Choice(["keep", "mask", "mask-all"]), default="mask", show_default=True,
    help="mask: mask digits of channels outside bridges, and after a prompt in one. mask-all: mask every digit.",
)  # fmt: skip
@click.option("--names/--keep-names", default=True, show_default=True, help="Replace callers' names.")
@click.option(
    "--name-words/--whole-names", default=True, show_default=True,
    help="Replace the words of a caller's name alone too, as they are written in it.",
)  # fmt: skip
@click.option("--endpoints", is_flag=True, help="Replace user names of endpoints too: PJSIP/alice.")
@click.option("--emails/--keep-emails", default=True, show_default=True, help="Replace e-mail addresses.")
@click.option("--addresses", is_flag=True, help="Replace IPv4, IPv6 and MAC addresses too, also asterisk_id.")
@click.option("--headers/--keep-headers", default=True, show_default=True, help="Mask values of X-headers of SIP.")
@click.option("--texts", is_flag=True, help="Mask the texts of marks and of messages whole.")
@click.option(
    "--min-digits", type=click.IntRange(3, 15), default=7, show_default=True,
    help="Keep numbers with fewer digits: they are internal.",
)  # fmt: skip
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="CC",
    help="Country of numbers without a country code: CZ (repeatable).",
)
@click.option("--keep", multiple=True, metavar="NUMBER", help="Keep this number (repeatable).")
@output_options(formats=SESSION, required=True, help="Session to write.")
def command(
    session: SessionInput,
    key_file: Path | None,
    dtmf: "Dtmf",
    names: bool,
    name_words: bool,
    endpoints: bool,
    emails: bool,
    addresses: bool,
    headers: bool,
    texts: bool,
    min_digits: int,
    regions: tuple[str, ...],
    keep: tuple[str, ...],
    output: Output,
) -> None:
    """Replace phone numbers and names with pseudonyms, and mask DTMF digits, in a copy of a session.

    Each phone number becomes another one of the same country, area and length: the same one everywhere, and for the
    same key. Emergency numbers, short numbers and internal extensions stay. All other bytes stay identical, so the
    session replays and measures as before. A row that is not readable is masked whole. Finally the result is searched
    for every original; a text that still has one is masked. If one is left even so, no output is written and the exit
    code is 1.

    \b
    Examples:
      (umask 077; head -c 32 /dev/urandom | base64 > redact.key)
      arirecord redact today.parquet -o shareable.parquet
      arirecord redact today.parquet -o shareable.parquet --key-file redact.key
      arirecord redact days/ -o shareable.parquet --region CZ --dtmf mask-all
      arirecord redact today.parquet -o shareable.parquet --keep +420800123456
    """
    import phonenumbers

    from arirecord.redact.keyed_permutation import is_private, random_key, read_key
    from arirecord.redact.redact import Options, redact_session

    countries = tuple(region.upper() for region in regions)
    for region in countries:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise click.UsageError(f"{region} is not a country such as CZ, DE or US.")
    options = Options(
        min_digits, countries, keep, names, name_words, endpoints, emails, addresses, headers, texts, dtmf
    )
    if key_file is not None and not is_private(key_file):
        say(f"Other users can read {key_file}. Run `chmod 600 {key_file}`")
    with progress() as update:
        done = redact_session(
            open_session(session),
            read_key(key_file) if key_file else random_key(),
            output.required_path,
            options,
            force=output.force,
            progress=update,
        )
    say(
        f"{output.path}: {done.header.events:,} events; {done.number_count:,} numbers, {done.name_count:,} names and"
        f" {done.user_count:,} endpoints replaced, {done.digit_count:,} digits masked."
        f" No original of {done.number_count:,} numbers and {done.name_count:,} names was found in any decoding tried."
    )
    if key_file is None:
        say("A random key was used and forgotten: pseudonyms differ from run to run. --key-file keeps them the same.")
    if done.pattern_count:
        say(f"{done.pattern_count:,} e-mail or network addresses were replaced.")
    if done.unread_count:
        say(f"{done.unread_count:,} rows were masked whole because they are not readable as JSON or text.")
    if done.doubtful_count:
        say(f"An original was left in {done.doubtful_count:,} rows. The texts that held it were masked.")
    if done.ambiguous:
        say(
            "These names also occur in the dialplan, in ARI or in endpoints. They were replaced only as callers' names:"
            f" {', '.join(done.ambiguous[:10])}{' …' if len(done.ambiguous) > 10 else ''}."
        )
