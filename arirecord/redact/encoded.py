"""Find encoded words in a text, and decode them so that they can be encoded again: base64, base32, hexadecimal, words
of a mail header.
"""

import base64
import quopri
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

__all__ = ["EncodedText", "encoded_texts"]

_TOKEN = re.compile(
    r"(?:[A-Za-z0-9+/]{60,76}\r?\n)+[A-Za-z0-9+/]{4,76}(?![A-Za-z0-9+/])={0,2}"
    r"|[A-Za-z0-9+/_-]{8,}(?![A-Za-z0-9+/_-])={0,6}"
)
"""Base64 in the lines of a mail, or in one piece; base32 has up to six signs at its end."""
_PART = re.compile(r"[A-Za-z0-9+]{8,}(?![A-Za-z0-9+])={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){7,}")
_SPLIT_HEX = re.compile(r"(?<!\w)[0-9a-fA-F]{2}(?:([ :-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){5,}(?!\w)")
_BASE32 = re.compile(r"[A-Z2-7]{16,}(?![A-Z2-7])={0,6}")
_MAIL_WORD = re.compile(r"=\?([\w-]+)\?([BbQq])\?([^?\s]*)\?=")
_MAIL_WORDS = re.compile(rf"{_MAIL_WORD.pattern}(?:\s*=\?[\w-]+\?[BbQq]\?[^?\s]*\?=)*")
"""Words of RFC 2047 (`=?utf-8?B?...?=`). White space between two words is not a part of the text."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_TEXT_SHARE = 0.75
"""Minimum share of printable ASCII in binary data that is read as text."""
_LATIN_END = "\u0250"
_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_MAX_BYTES = 1 << 20
"""Text in compressed data: a hostile token must not take all memory."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """`text` is encoded at `(start, end)`; `encode` encodes a text in the same way."""

    start: int
    end: int
    text: str
    encode: Callable[[str], str]


_Pack = Callable[[str], bytes]
"""Encodes a text in the character set and compression in which it was found."""


def encoded_texts(text: str) -> Iterator[EncodedText]:
    """Yield each encoded word that decodes to text."""
    for token in _TOKEN.finditer(text):
        if encoded := _decoded(token):
            yield encoded
        elif not token[0].isalnum():
            yield from filter(None, map(_decoded, _PART.finditer(text, *token.span())))
    for token in _SPLIT_HEX.finditer(text):
        if encoded := _as_hex(token, token[1]):
            yield encoded
    if "=?" in text:
        yield from filter(None, map(_mail_words, _MAIL_WORDS.finditer(text)))


def _decoded(token: re.Match[str]) -> EncodedText | None:
    word = token[0]
    if _HEX.fullmatch(word) and (decoded := _as_hex(token, "")):
        return decoded
    if _BASE32.fullmatch(word) and (decoded := _as_base32(token)):
        return decoded
    bare = re.sub(r"[\r\n]", "", word).rstrip("=")
    is_url = "-" in bare or "_" in bare
    if len(bare) % 4 == 1 or (is_url and ("+" in bare or "/" in bare)):
        return None
    padded = bare + "=" * (-len(bare) % 4)
    read = _readable(base64.urlsafe_b64decode(padded) if is_url else base64.b64decode(padded))
    return read and EncodedText(
        *token.span(), read[0], partial(_to_base64, pack=read[1], url=is_url, pad=len(bare) % 4 == 0 or "=" in word)
    )


def _as_hex(token: re.Match[str], separator: str) -> EncodedText | None:
    word = token[0]
    read = _readable(bytes.fromhex(word.replace(separator, "") if separator else word))

    def encode(text: str) -> str:
        data = read[1](text) if read else b""
        encoded = data.hex(separator) if separator else data.hex()
        return encoded.upper() if word.upper() == word else encoded

    return read and EncodedText(*token.span(), read[0], encode)


def _as_base32(token: re.Match[str]) -> EncodedText | None:
    bare = token[0].rstrip("=")
    try:
        read = _readable(base64.b32decode(bare + "=" * (-len(bare) % 8)))
    except ValueError:
        return None
    if read is None or not read[0].isprintable():
        return None
    is_padded = len(bare) % 8 == 0 or "=" in token[0]
    pack = read[1]
    return EncodedText(
        *token.span(), read[0], lambda new: base64.b32encode(pack(new)).decode().rstrip("" if is_padded else "=")
    )


def _mail_words(token: re.Match[str]) -> EncodedText | None:
    try:
        text = "".join(_mail_word(*word) for word in _MAIL_WORD.findall(token[0]))
    except (LookupError, ValueError):
        return None
    charset = token[1]
    return EncodedText(
        *token.span(), text, lambda new: f"=?{charset}?B?{base64.b64encode(new.encode(charset, 'replace')).decode()}?="
    )


def _mail_word(charset: str, how: str, word: str) -> str:
    if how in "Bb":
        return base64.b64decode(word).decode(charset)
    return quopri.decodestring(word.replace("_", " ").encode()).decode(charset)


def _readable(data: bytes) -> tuple[str, _Pack] | None:
    """Return the text, and how to encode it; None for bytes that are not text."""
    if data[:2] in _COMPRESSED:
        bits = 31 if data[0] == 0x1F else 15
        try:
            read = _readable(zlib.decompressobj(bits).decompress(data, _MAX_BYTES))
        except zlib.error:
            read = None
        if read is not None:
            pack = read[1]
            return read[0], lambda new: _compressed(pack(new), bits)
    for charset in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        is_text = not _CONTROL.search(text) or sum(32 <= byte < 127 for byte in data) >= _TEXT_SHARE * len(data)
        if text and (_is_wide_text(text) if charset.startswith("utf-16") else is_text):
            return text, partial(str.encode, encoding=charset, errors="replace")
    return None


def _is_wide_text(text: str) -> bool:
    """Return whether text in UTF-16 is of Latin letters: almost any bytes are UTF-16 of other scripts."""
    text = text.lstrip("\ufeff")
    return max(text, default="") < _LATIN_END and not _CONTROL.search(text)


def _compressed(data: bytes, bits: int) -> bytes:
    compressor = zlib.compressobj(wbits=bits)
    return compressor.compress(data) + compressor.flush()


def _to_base64(text: str, *, pack: _Pack, url: bool, pad: bool) -> str:
    data = pack(text)
    encoded = (base64.urlsafe_b64encode(data) if url else base64.b64encode(data)).decode()
    return encoded if pad else encoded.rstrip("=")
