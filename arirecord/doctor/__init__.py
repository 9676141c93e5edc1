"""The doctor: find faults and losses in a session or a journal, with advice.

`examine` takes a path; `examine_session` and `examine_journal` take an opened object. All yield
`Finding`s and print nothing. Memory is bounded.
"""

from .files import examine
from .findings import Finding, Severity, worst
from .journal_file import examine_journal
from .session import examine_session

__all__ = ["Finding", "Severity", "examine", "examine_journal", "examine_session", "worst"]
