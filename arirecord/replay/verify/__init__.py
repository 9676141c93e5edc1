"""Verification: whether an app sends the requests that the recorded app sent."""

from arirecord.errors import VerifyError

from .compare import Limits
from .junit import write_junit
from .learn import learned, rules_path, rules_text
from .rules import Rule
from .run import Verified, VerifyOptions, sessions_in, verify

__all__ = [
    "Limits",
    "Rule",
    "Verified",
    "VerifyError",
    "VerifyOptions",
    "learned",
    "rules_path",
    "rules_text",
    "sessions_in",
    "verify",
    "write_junit",
]
