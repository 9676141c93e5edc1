"""A frame cut at its strings: most strings come again and again, so that each need be looked at once."""

import re

import orjson

__all__ = ["cut", "is_json", "key_of"]

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def cut(text: str) -> list[str] | None:
    """What stands outside and inside of the strings of a JSON text, in turn, so that `'"'.join` gives the text again;
    None where it can't be told what is a string.
    """
    if "\\" not in text:
        return text.split('"')
    return _STRING.split(text) if is_json(text) else None


def key_of(pieces: list[str], index: int) -> str:
    """The key whose value the piece is, or begins with; '' for none."""
    back = 2 if index % 2 else 1
    if index < back or (back == 2 and pieces[index - 1].strip() != ":"):
        return ""
    return pieces[index - back]


def is_json(text: str) -> bool:
    """Whether a text is an object or list in JSON, as frames are."""
    if text[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
