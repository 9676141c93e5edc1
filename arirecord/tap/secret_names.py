"""Names of secrets, and a fast search for texts that may hold one."""

import re
from functools import lru_cache

__all__ = ["SECRET_NAME", "is_secret_name", "may_hold_secret"]

_TOKEN_COUNTS = "|".join(
    rf"(?<={word}[-_]tokens)|(?<={word}tokens)" for word in ("max", "total", "prompt", "input", "output", "completion")
)
SECRET_NAME = (
    r"(?:(?i:pass(?:w|[-_ ]?(?:phrase|code|word)|(?<!bypass)(?<!compass)(?<!surpass)(?<!overpass)(?![a-z]))"
    r"|p(?:wd(?![a-z])|in[-_]?(?:code|number|no)(?![a-z]))|secret(?!ar)|credential|creds(?![a-z])|cookie"
    rf"|token(?!s(?:{_TOKEN_COUNTS}))"
    r"|signature|authorization|md5[-_]?cred|(?:jsession|aspsession|phpsess)id|(?=[aehlmprstw])(?:api|access|account"
    r"|auth|encryption|hmac|license|master|priv|private|rsa|shared|signing|srtp|ssh|subscription|tls|webhook)[-_ ]?key"
    r"|(?<![a-z])(?:(?:pins?|pw|psk|sig|jwt|[ht]?otp|cvv2?|cvc2?|x[-_]auth)(?![a-z])|bearer(?![-_a-z])"
    r"|(?:2fa|auth|mfa|security|unlock|verification)[-_ ]?code(?![a-z]))"
    r"|(?=[acmuv])(?:user|caller|conf|admin|agent|vm|mailbox|account|my)[-_]?pin(?![a-z]))"
    r"|[a-z](?:Pin|Otp|Jwt|Cvv)(?![a-z])|(?<![A-Za-z])(?:otp|jwt|pwd|cvv)(?=[A-Z]))"
    r"(?![\w-]{0,80}(?:[-_]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:attempts|count|expir\w{0,20}|file|length|limit|prompt|retries|timeout|tries|ttl|type|usage)(?![\w-]))"
)
"""A word in a name of a secret; names of its length, its prompt and the like are not names of secrets."""
_SECRET_NAME = re.compile(SECRET_NAME)
_LONGEST_NAME = 80
_HINTS = (
    "pass", "pw", "secret", "token", "key", "cred", "auth", "cookie", "pin", "jwt", "otp", "psk", "cvv",
    "cvc", "\\u", "%", "sig", "bearer", "basic", "eyj", "eyai", "ewo", "w3si", "sk-", " -u", "--user",
    "ghp_", "github", "xox", "aiza", "disa", "meetme", "crypto", "sess", "2fa", "mfa", "security",
    "unlock", "verification",
)  # fmt: skip
"""One of these is in each text that holds a secret name, a token or a login, in lower case."""
_USER_INFO_HINT = re.compile(":[^\\s/:@\"'<>]+@")


def is_secret_name(name: str) -> bool:
    """Whether the value of a parameter, field or variable of this name is a secret."""
    return _is_secret_name(name) if len(name) <= _LONGEST_NAME else _SECRET_NAME.search(name) is not None


@lru_cache(1024)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def may_hold_secret(text: str) -> bool:
    """Whether a text must be searched: fast, and false for most."""
    lowered = text.lower()
    is_hinted = any(hint in lowered for hint in _HINTS)
    return is_hinted or ("@" in text and _USER_INFO_HINT.search(text) is not None)
