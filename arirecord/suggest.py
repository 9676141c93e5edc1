"""Suggestions for mistyped names: commands, tables, columns, models and parameters."""

from collections.abc import Iterable
from difflib import get_close_matches

from .errors import UnknownName

__all__ = ["close_names", "did_you_mean", "unknown_name"]

_MOST = 3


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return at most three known names that are spelled like `name`, begin with it or contain it, closest first."""
    spelled = {each.lower(): each for each in known}
    lower = name.lower()
    longer = sorted((each for each in spelled if len(lower) > 2 and lower in each), key=len)
    close = (
        [*get_close_matches(lower, spelled, _MOST, 0.75), *(each for each in longer if each.startswith(lower))]
        or longer
        or get_close_matches(lower, spelled, _MOST, 0.6)
    )
    return [spelled[each] for each in dict.fromkeys(close)][:_MOST]


def did_you_mean(names: Iterable[str]) -> str:
    """Return the question `Did you mean 'calls' or 'cat'?`, empty without names."""
    *others, last = [*map(repr, names)] or [""]
    return f"Did you mean {', '.join(others)}{' or ' if others else ''}{last}?" if last else ""


def unknown_name(what: str, name: str, known: Iterable[str], advice: str = "") -> UnknownName:
    """Return the error for a name that does not exist, with the known names that are close to it.

    what: how the sentence begins, such as "No table is named" or "calls has no column".
    advice: the sentence to end with if no name is close. By default it lists all known names.
    """
    known = list(known)
    advice = did_you_mean(close_names(name, known)) or advice or f"Known names: {', '.join(known)}."
    return UnknownName(f"{what} {name!r}. {advice}")
