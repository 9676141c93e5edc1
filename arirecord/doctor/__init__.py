"""The doctor: what is wrong with a session or a journal, what was lost in it, and what to do.

`examine` takes a path; `examine_session` and `examine_journal` take what is open already. All give
`Finding`s, print nothing, and hold a bounded amount in memory.
"""

from .files import examine
from .findings import Finding, Severity, worst
from .journal_file import examine_journal
from .session import examine_session

__all__ = ["Finding", "Severity", "examine", "examine_journal", "examine_session", "worst"]
