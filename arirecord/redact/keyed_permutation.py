"""Keyed pseudonyms: the same key gives the same again, and without it nobody can go back."""

import hashlib
import hmac
from pathlib import Path

from arirecord.errors import ArirecordError

__all__ = ["KeyedPermutation", "read_key"]

_ROUNDS = 10
_LETTERS = "bcdfghjklmnpqrstvwxz"
_MIN_KEY_BYTES = 16


def read_key(path: Path) -> bytes:
    """The key in a file, spaces and line ends around it left out. Raises `ArirecordError` for one that is too short."""
    key = path.read_bytes().strip()
    if len(key) < _MIN_KEY_BYTES:
        raise ArirecordError(
            f"{path} is no key: it needs {_MIN_KEY_BYTES} bytes or more, for instance of"
            f" `head -c 32 /dev/urandom | base64 > {path}`"
        )
    return key


class KeyedPermutation:
    """Other digits and other letters, which hang on a key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"arirecord redact 1", hashlib.sha256)

    @property
    def key_id(self) -> str:
        """Tells keys apart, and tells nothing of the key."""
        return self._digest("key id").hex()[:8]

    def permute(self, digits: str, tweak: str) -> str:
        """Other decimal digits, as many (two or more); for one `tweak` no two give the same.

        A Feistel network over decimal halves with HMAC-SHA256, shaped as FF1 of NIST SP 800-38G.
        """
        left, right = digits[: len(digits) // 2], digits[len(digits) // 2 :]
        for turn in range(_ROUNDS):
            width = len(left)
            drawn = int.from_bytes(self._digest(f"digits|{tweak}|{len(digits)}|{turn}|{right}"), "big")
            left, right = right, str((int(left) + drawn) % 10**width).zfill(width)
        return left + right

    def letters(self, text: str, tweak: str) -> str:
        """Consonants in the place of letters and digits, capital where the letter is; all else stays where it is."""
        drawn = int.from_bytes(b"".join(self._digest(f"word|{tweak}|{i}|{text}") for i in range(len(text) // 50 + 1)))
        result = []
        for character in text:
            if character.isalnum():
                drawn, index = divmod(drawn, len(_LETTERS))
                character = _LETTERS[index].upper() if character.isupper() else _LETTERS[index]
            result.append(character)
        return "".join(result)

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
