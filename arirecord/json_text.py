"""JSON in texts that may hold anything else."""

from typing import Any

import orjson

__all__ = ["json_object", "json_value"]


def json_value(text: str | bytes) -> Any:
    """Return the value of a JSON text; None for any other text."""
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the object that a JSON text holds; an empty one for any other text."""
    value = json_value(text)
    return value if isinstance(value, dict) else {}
