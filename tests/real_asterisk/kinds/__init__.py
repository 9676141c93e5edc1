"""Kinds of calls that a company has, each made with real telephones. `KINDS` has them by name.

Ann (1001) calls; Bob, Cem and Dee are called. The dialplan is in `exchange/extensions.conf`.
"""

from . import chains, console, dialling, joining, queues, transfers, trunks
from .desk import KINDS
from .making import Spans, make

__all__ = ["KINDS", "Spans", "chains", "console", "dialling", "joining", "make", "queues", "transfers", "trunks"]
