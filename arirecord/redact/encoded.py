"""Find base64 and hexadecimal in a text, and decode it so that it can be encoded again."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

__all__ = ["EncodedText", "encoded_texts"]

_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}(?![A-Za-z0-9+/_-])={0,2}")
_PART = re.compile(r"[A-Za-z0-9+]{8,}(?![A-Za-z0-9+])={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){7,}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_TEXT_SHARE = 0.75
"""Minimum share of printable ASCII in binary data that is read as text."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """`text` is encoded at `(start, end)`; `encode` encodes a text in the same way."""

    start: int
    end: int
    text: str
    encode: Callable[[str], str]


def encoded_texts(text: str) -> Iterator[EncodedText]:
    """Yield each word of base64, base64url or hexadecimal that decodes to text."""
    for token in _TOKEN.finditer(text):
        if found := _decoded(token):
            yield found
        elif not token[0].isalnum():
            yield from filter(None, map(_decoded, _PART.finditer(text, *token.span())))


def _decoded(token: re.Match[str]) -> EncodedText | None:
    word = token[0]
    if _HEX.fullmatch(word) and (found := _readable(bytes.fromhex(word))):
        is_upper = word.upper() == word
        return EncodedText(*token.span(), found[0], partial(_to_hex, charset=found[1], is_upper=is_upper))
    bare = word.rstrip("=")
    is_url = "-" in bare or "_" in bare
    if len(bare) % 4 == 1 or (is_url and ("+" in bare or "/" in bare)):
        return None
    padded = bare + "=" * (-len(bare) % 4)
    data = base64.urlsafe_b64decode(padded) if is_url else base64.b64decode(padded)
    if found := _readable(data):
        is_padded = len(word) % 4 == 0
        return EncodedText(*token.span(), found[0], partial(_to_base64, charset=found[1], url=is_url, pad=is_padded))
    return None


def _readable(data: bytes) -> tuple[str, str] | None:
    """Return the text and its character set; None for bytes that are not text."""
    for charset in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        is_text = not _CONTROL.search(text) or sum(32 <= byte < 127 for byte in data) >= _TEXT_SHARE * len(data)
        is_wide = charset.startswith("utf-16")
        if text and (text.lstrip("\ufeff").isascii() and "\0" not in text if is_wide else is_text):
            return text, charset
    return None


def _to_hex(text: str, *, charset: str, is_upper: bool) -> str:
    encoded = text.encode(charset, "replace").hex()
    return encoded.upper() if is_upper else encoded


def _to_base64(text: str, *, charset: str, url: bool, pad: bool) -> str:
    data = text.encode(charset, "replace")
    encoded = (base64.urlsafe_b64encode(data) if url else base64.b64encode(data)).decode()
    return encoded if pad else encoded.rstrip("=")
