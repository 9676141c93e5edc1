"""Calls by id, channel or phone number: SQL conditions that every verb uses."""

from collections.abc import Collection

from arirecord.select.numbers import is_pattern, pattern_key

from .views import text

__all__ = ["LOOKUP_MODELS", "has_id", "has_number"]

LOOKUP_MODELS = ("int_call_numbers", "legs")
"""The models that the conditions read."""


def has_id(ids: Collection[str]) -> str:
    """Return the condition on `call_id` for calls with one of these ids: of the call, or id or name of its channels."""
    listed = ", ".join(map(text, ids))
    columns = " OR ".join(f"{column} IN ({listed})" for column in ("call_id", "channel_id", "channel_name"))
    return f"call_id IN (SELECT call_id FROM legs WHERE {columns})"


def has_number(numbers: Collection[str]) -> str:
    """Return the condition on `call_id` for calls with one of these numbers: as caller, connected or dialled.

    numbers: as `arirecord.select.numbers` compares them; patterns with `*`, `?` and `[…]` too.
    """
    tests = (f"number_key {'GLOB' if is_pattern(number) else '='} {text(pattern_key(number))}" for number in numbers)
    return f"call_id IN (SELECT call_id FROM int_call_numbers WHERE {' OR '.join(tests)})"
