"""Whether an app does with a recording what the recorded app did."""

from arirecord.errors import VerifyError

from .junit import write_junit
from .rules import Rule
from .run import Verified, VerifyOptions, sessions_in, verify

__all__ = ["Rule", "Verified", "VerifyError", "VerifyOptions", "sessions_in", "verify", "write_junit"]
