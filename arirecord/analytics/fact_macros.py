"""Facts of Asterisk as scalar macros in SQL, made from the data that Python uses."""

from collections.abc import Iterator

from arirecord.asterisk.channel_names import CALLS, HELPERS, MEDIA, SNOOP
from arirecord.asterisk.channel_states import INCOMING_STATES, OUTGOING_STATES, RESERVED_STATES, RINGING_STATES
from arirecord.asterisk.dial_statuses import DISPOSITIONS, PROGRESS_STATUSES, RINGING_STATUSES
from arirecord.asterisk.dialplan_apps import PROMPTS, SILENT_PROMPTS
from arirecord.asterisk.hangup_causes import HARMLESS_CAUSES, HARMLESS_SIP
from arirecord.asterisk.queue_statuses import REFUSED_JOINS
from arirecord.asterisk.sample_rates import SAMPLE_RATES
from arirecord.asterisk.talk_detection_advice import REMEDIES
from arirecord.rules import shipped_rules
from arirecord.select.numbers import INTERNATIONAL, SEPARATORS

from .server_clock import EARLIEST
from .views import text

__all__ = ["fact_macros"]

_REMEDIES = " ".join(f"WHEN {text(reason)} THEN {text(remedy)}" for reason, remedy in REMEDIES.items())
_MACROS = {
    "is_harmless(cause, tech_cause)": f"""COALESCE(cause IN {HARMLESS_CAUSES}, true)
        OR COALESCE(tech_cause IN {HARMLESS_SIP}, false)""",
    "is_prompt(app)": f"lower(app) IN {PROMPTS}",
    "is_silent_prompt(app)": f"lower(app) IN {SILENT_PROMPTS}",
    "is_refused_join(outcome)": f"outcome IN {REFUSED_JOINS}",
    "is_incoming_state(state)": f"state IN {INCOMING_STATES}",
    "is_outgoing_state(state)": f"state IN {OUTGOING_STATES}",
    "is_reserved_state(state)": f"state IN {RESERVED_STATES}",
    "is_ringing_state(state)": f"state IN {RINGING_STATES}",
    "is_ringing_status(dial_status)": f"dial_status IN {RINGING_STATUSES}",
    "is_progress_status(dial_status)": f"dial_status IN {PROGRESS_STATUSES}",
    "disposition_of(dial_status)": f"MAP {dict(DISPOSITIONS)}[split_part(dial_status, ':', 1)]",
    "sample_rate(format)": f"MAP {dict(SAMPLE_RATES)}[lower(format)]",
    # `(ulaw|alaw)` is what CHANNEL(audionativeformat) gives.
    "native_rate(formats)": """CASE WHEN len(list_distinct(list_transform(
        string_split(trim(formats, '()'), '|'), lambda format: COALESCE(sample_rate(format), 0)
    ))) = 1 THEN sample_rate(split_part(trim(formats, '()'), '|', 1)) END""",
    "talk_remedy(reason)": f"CASE reason {_REMEDIES} END",
    "is_helper(channel_name)": f"regexp_matches(channel_name, '^({'|'.join(HELPERS)})([/-]|$)')",
    "is_media(channel_name)": f"regexp_matches(channel_name, '^({'|'.join(MEDIA)})([/-]|$)')",
    # No far end is up so soon.
    "is_quick_media(channel_name, state, answer_ms)": f"""is_outgoing_state(state) AND answer_ms < 100
        AND NOT regexp_matches(channel_name, '^({"|".join((*CALLS, *HELPERS))})([/-]|$)')""",
    "snooped_id(channel_name)": f"regexp_extract(channel_name, {text(SNOOP)}, 1)",
    # `PJSIP/1001` of `PJSIP/1001-0000002a`
    "endpoint_of(channel_name)": "regexp_replace(channel_name, '(.)-[^-]*$', '\\1')",
    "number_key(number)": f"""regexp_replace(
        regexp_replace(number, {text(SEPARATORS)}, '', 'g'), {text(INTERNATIONAL)}, '\\1'
    )""",
    # Asterisk takes the argument of CHANNEL() in any case.
    "channel_item(vars, item)": """CASE WHEN contains(lower(vars), item) THEN NULLIF(TRY_CAST(vars AS JSON) ->> (
        '$."' || list_filter(
            json_keys(TRY_CAST(vars AS JSON)),
            lambda k: regexp_full_match(k, '\\s*channel\\(\\s*' || item || '\\s*\\)\\s*', 'i')
        )[1] || '"'
    ), '') END""",
    "linkedid_of(vars)": "channel_item(vars, 'linkedid')",
    # Asterisk's own ids begin with the second in which the channel was made. A masquerade (a pickup, a transfer) leaves
    # a channel its id, but gives it the creation time of the other. A greater difference is a clock's.
    "is_time_of_another(created_at, channel_id)": """COALESCE(abs(
        epoch(created_at) - TRY_CAST(regexp_extract(channel_id, '(\\d{10})\\.\\d+$', 1) AS BIGINT)
    ) BETWEEN 2 AND 86400, false)""",
    # Asterisk's times are in whole milliseconds, and so are their differences. Events of two channels can overtake
    # each other by some of them; a time that is further behind is wrong.
    "ms_between(since, until)": """CASE WHEN epoch_ms(until) - epoch_ms(since) > -100
        THEN greatest(epoch_ms(until) - epoch_ms(since), 0) END""",
    "seconds_between(since, until)": "ms_between(since, until) / 1000",
    "is_unset(at_time)": f"COALESCE(at_time < {EARLIEST}, false)",
    # Seconds, milliseconds, microseconds or nanoseconds since 1970, or a time as ISO 8601 writes it.
    "time_of(value)": """CASE
        WHEN regexp_matches(value, '(Z|[+-]\\d\\d:?\\d\\d)$')
            THEN make_timestamp(epoch_us(TRY_CAST(value AS TIMESTAMPTZ)))
        WHEN TRY_CAST(value AS DOUBLE) IS NULL THEN TRY_CAST(value AS TIMESTAMP)
        WHEN TRY_CAST(value AS DOUBLE) BETWEEN 1e8 AND 4e18 THEN make_timestamp((TRY_CAST(value AS DOUBLE) * CASE
            WHEN TRY_CAST(value AS DOUBLE) < 1e11 THEN 1e6
            WHEN TRY_CAST(value AS DOUBLE) < 1e14 THEN 1e3
            WHEN TRY_CAST(value AS DOUBLE) < 1e17 THEN 1
            ELSE 1e-3
        END)::BIGINT)
    END""",
    "fix_of(rule)": "CASE rule "
    + " ".join(f"WHEN {text(rule.id)} THEN {text(rule.fix)}" for rule in shipped_rules("linter").values())
    + " END",
}


def fact_macros() -> Iterator[str]:
    """Return the statements that create the macros."""
    for head, body in _MACROS.items():
        yield f"CREATE MACRO {head} AS {body}"
