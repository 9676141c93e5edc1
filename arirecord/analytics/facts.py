"""Facts of Asterisk as scalar macros in SQL, made from the data that Python uses."""

from collections.abc import Iterator

from arirecord.asterisk.causes import HARMLESS_CAUSES, HARMLESS_SIP
from arirecord.asterisk.dialplan_apps import PROMPTS
from arirecord.select.numbers import INTERNATIONAL, SEPARATORS

from .views import text

__all__ = ["fact_macros"]

_MACROS = {
    "is_harmless(cause, tech_cause)": f"""COALESCE(cause IN {HARMLESS_CAUSES}, true)
        OR COALESCE(tech_cause IN {HARMLESS_SIP}, false)""",
    "is_prompt(app)": f"lower(app) IN {PROMPTS}",
    # `PJSIP/1001` of `PJSIP/1001-0000002a`
    "endpoint_of(channel_name)": "regexp_replace(channel_name, '(.)-[^-]*$', '\\1')",
    "number_key(number)": f"""regexp_replace(
        regexp_replace(number, {text(SEPARATORS)}, '', 'g'), {text(INTERNATIONAL)}, '\\1'
    )""",
    # Asterisk's times are in whole milliseconds, and so are their differences.
    "seconds_between(since, until)": "(epoch_ms(until) - epoch_ms(since)) / 1000",
}


def fact_macros() -> Iterator[str]:
    """Return the statements that create the macros."""
    for head, body in _MACROS.items():
        yield f"CREATE MACRO {head} AS {body}"
