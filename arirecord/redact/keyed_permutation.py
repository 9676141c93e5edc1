"""Keyed pseudonyms: the same key gives the same pseudonyms; without it they cannot be reversed."""

import hashlib
import hmac
import secrets
from pathlib import Path

from arirecord.errors import ArirecordError

__all__ = ["KeyedPermutation", "is_private", "random_key", "read_key"]

_ROUNDS = 10
_LETTERS = "bcdfghjklmnpqrstvwxz"
_MIN_KEY_BYTES = 16


def read_key(path: Path) -> bytes:
    """Return the key of a file, without surrounding space, stretched: a pass-phrase takes 0.1 s for each guess.

    Raises `ArirecordError` if it is too short.
    """
    key = path.read_bytes().strip()
    if len(key) < _MIN_KEY_BYTES:
        raise ArirecordError(
            f"{path} is not a key: it needs {_MIN_KEY_BYTES} bytes or more, for instance of"
            f" `head -c 32 /dev/urandom | base64 > {path}`"
        )
    return hashlib.scrypt(key, salt=b"arirecord redact", n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=32)


def random_key() -> bytes:
    """Return a key that is used once."""
    return secrets.token_bytes(32)


def is_private(path: Path) -> bool:
    """Return whether only its owner can read a key file."""
    return not path.stat().st_mode & 0o077


class KeyedPermutation:
    """Permutes digits and letters by a key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"arirecord redact 1", hashlib.sha256)

    @property
    def key_id(self) -> str:
        """Return an id that distinguishes keys and does not reveal the key."""
        return self._digest("key id").hex()[:8]

    def permute(self, digits: str, tweak: str) -> str:
        """Return other decimal digits of the same length (two or more); for one `tweak` all results differ.

        A Feistel network over decimal halves with HMAC-SHA256, in the form of FF1 of NIST SP 800-38G.
        """
        left, right = digits[: len(digits) // 2], digits[len(digits) // 2 :]
        for turn in range(_ROUNDS):
            width = len(left)
            drawn = int.from_bytes(self._digest(f"digits|{tweak}|{len(digits)}|{turn}|{right}"), "big")
            left, right = right, str((int(left) + drawn) % 10**width).zfill(width)
        return left + right

    def letters(self, text: str, tweak: str) -> str:
        """Replace letters and digits by consonants, in the case of the letter; other characters stay."""
        drawn = int.from_bytes(b"".join(self._digest(f"word|{tweak}|{i}|{text}") for i in range(len(text) // 50 + 1)))
        result = []
        for character in text:
            if character.isalnum():
                drawn, index = divmod(drawn, len(_LETTERS))
                character = _LETTERS[index].upper() if character.isupper() else _LETTERS[index]
            result.append(character)
        return "".join(result)

    def address_bytes(self, address: str) -> bytes:
        """Return 32 bytes that depend on an address."""
        return self._digest(f"address|{address}")

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
