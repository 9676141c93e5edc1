"""Verification: whether an app sends the requests that the recorded app sent."""

from arirecord.errors import VerifyError

from .compare import Compared, Limits
from .grouping import Request
from .junit import write_junit
from .learn import learned, rules_path, rules_text
from .replay_comparison import Comparison, Differs, request_of
from .rules import Rule
from .run import Verified, VerifyOptions, sessions_in, verify

__all__ = [
    "Compared",
    "Comparison",
    "Differs",
    "Limits",
    "Request",
    "Rule",
    "Verified",
    "VerifyError",
    "VerifyOptions",
    "learned",
    "request_of",
    "rules_path",
    "rules_text",
    "sessions_in",
    "verify",
    "write_junit",
]
