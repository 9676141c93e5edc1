"""The scalar macros that models and queries use."""

import re

from .buckets import bucket_macros
from .fact_macros import fact_macros
from .parameters import parameter_macros
from .statement_runner import StatementRunner
from .views import words_of

__all__ = ["Macros"]


class Macros:
    """Creates macros in the schema `main`, when a statement first names them: all of them take DuckDB 15 ms."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner
        statements = (*parameter_macros(), *bucket_macros(), *fact_macros())
        self._missing = {re.split(r"\W+", statement, maxsplit=3)[2]: statement for statement in statements}

    def need_for(self, sql: str | None) -> None:
        """Create the macros that a statement names (None: all), and those that these use."""
        for macro in list(self._missing) if sql is None else words_of(sql) & self._missing.keys():
            if statement := self._missing.pop(macro, None):
                self.need_for(statement)
                self._runner.run(statement)
