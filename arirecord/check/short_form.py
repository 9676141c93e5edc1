"""The short form of checks, as docs/check.md describes it, translated to SQL.

TABLE [WHERE CONDITION] -> none           no such row
TABLE [WHERE CONDITION] -> some           at least one such row
TABLE [WHERE CONDITION]: CONDITION        each of these rows fulfils the condition
TABLE.COLUMN < VALUE [WHERE CONDITION]    each of these rows does; also <=, >, >=, = and !=
TABLE.latency_p95_s < VALUE [WHERE …]     one value of all these rows: here the 95th percentile of latency_s
TABLE.count < VALUE [WHERE CONDITION]     their number
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from arirecord.suggest import unknown_name

__all__ = ["UNKNOWN", "ShortForm", "parse_short_form"]

UNKNOWN = "is_unknown"
"""Column of the rows of a rule: true where a value that the rule needs is NULL."""
_TABLE = r"(?P<table>\w+)"
_WHERE = r"(?:\s+WHERE\s+(?P<where>.+?))?"
_COUNT = re.compile(rf"{_TABLE}{_WHERE}\s*(?:->|→)\s*(?P<amount>none|some)", re.IGNORECASE | re.DOTALL)
_EACH = re.compile(rf"{_TABLE}{_WHERE}\s*(?<!:):\s+(?P<each>.+)", re.IGNORECASE | re.DOTALL)
_VALUE = re.compile(
    rf"{_TABLE}\.(?P<column>\w+)\s*(?P<operator><=|>=|<>|!=|<|>|=)\s*"
    rf"(?P<value>-?\d+(?:\.\d+)?|true|false|'_*'){_WHERE}",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_PERCENTILE = re.compile(r"p(\d{1,2})")
_AGGREGATES = {"max": "max", "mean": "avg", "median": "median", "min": "min", "sum": "sum"}
_EXAMPLE = (
    "write it as in `transfers WHERE outcome = 'failed' -> none`, `calls: ended_at IS NOT NULL` or "
    "`calls.pdd_p95_s < 3`"
)


@dataclass(frozen=True)
class ShortForm:
    """A check in the short form. `amount` is `none` or `some`; `each` a condition; otherwise `column` is compared."""

    table: str
    where: str | None = None
    amount: str | None = None
    each: str | None = None
    column: str = ""
    operator: str = ""
    value: str = ""

    def sql(self, columns: Collection[str]) -> str:
        """Return a SELECT of the rows that violate the check, and of those for which it is unknown (`is_unknown`).

        columns: the columns of the table.
        Raises `UnknownName` for a column that the table does not have.
        """
        if self.amount == "none":
            return self._rows("true", f"({self.where or 'true'}\n)")
        if self.amount == "some":
            return self._some()
        if self.each is not None:
            return self._rows(self.where or "true", f"NOT ({self.each}\n)")
        if self.column in columns:
            return self._rows(self.where or "true", f'NOT ("{self.column}" {self.operator} {self.value})')
        if self.column.lower() == "count":
            return (
                f"SELECT '{self.table}.count is ' || count(*) AS finding, count(*) AS value FROM {self.table}\n"
                f"WHERE {self.where or 'true'}\nHAVING NOT (count(*) {self.operator} {self.value})"
            )
        return self._aggregate(columns)

    def _rows(self, where: str, violated: str) -> str:
        # A row counts as unknown if its condition or the check is NULL, unless the other settles it.
        return (
            f"SELECT *, violation IS NULL AS {UNKNOWN} FROM ("
            f"SELECT *, ({where}\n) AND {violated} AS violation FROM {self.table}"
            ") WHERE violation IS DISTINCT FROM false"
        )

    def _some(self) -> str:
        return (
            f"SELECT '{self.table} has no such row' AS finding, unknown_count > 0 AS {UNKNOWN} FROM ("
            f"SELECT count(*) FILTER (found) AS row_count, count(*) FILTER (found IS NULL) AS unknown_count FROM ("
            f"SELECT ({self.where or 'true'}\n) AS found FROM {self.table})) WHERE row_count = 0"
        )

    def _aggregate(self, columns: Collection[str]) -> str:
        function, column = self._function(columns)
        kept = ", ".join(f'checked."{name}"' for name in columns if name.lower() not in ("finding", "value"))
        here = f"COALESCE('; {column} is ' || round(measured, 3), '')"
        # The rows that exceed the limit themselves are the ones to look at. A sum can be too large without them.
        return f"""WITH checked AS (SELECT *, "{column}" AS measured FROM {self.table} WHERE {self.where or "true"}
            ),
            total AS (SELECT {function} AS value, count(*) AS row_count FROM checked),
            broken AS (SELECT value FROM total WHERE NOT (value {self.operator} {self.value}))
            SELECT
                '{self.column} is ' || round(value, 3) || {here} AS finding,
                broken.value, {kept}, false AS {UNKNOWN}
            FROM broken LEFT JOIN checked ON NOT (measured {self.operator} {self.value})
            UNION ALL BY NAME
            SELECT {kept}, true AS {UNKNOWN} FROM checked WHERE measured IS NULL
            UNION ALL BY NAME
            SELECT true AS {UNKNOWN} FROM total WHERE row_count = 0"""

    def _function(self, columns: Collection[str]) -> tuple[str, str]:
        words = self.column.split("_")
        for place, word in enumerate(words):
            column = "_".join(words[:place] + words[place + 1 :])
            if column not in columns:
                continue
            if percentile := _PERCENTILE.fullmatch(word):
                return f"quantile_cont(measured, {int(percentile[1]) / 100})", column
            if word in _AGGREGATES:
                return f"{_AGGREGATES[word]}(measured)", column
        raise unknown_name(f"{self.table} has no column", self.column, columns)


def parse_short_form(text: str) -> ShortForm:
    """Parse a check. Raises `ValueError` with the expected forms."""
    text = text.strip()
    # Texts and names in quotes can hold anything: they are masked, and read from the original.
    masked = _QUOTED.sub(lambda quoted: f"'{'_' * (len(quoted[0]) - 2)}'", text)
    for pattern in (_COUNT, _VALUE, _EACH):
        if match := pattern.fullmatch(masked):
            parts = {name: text[slice(*match.span(name))] for name, part in match.groupdict().items() if part}
            if "amount" in parts:
                parts["amount"] = parts["amount"].lower()
            return ShortForm(**parts)
    raise ValueError(f"{text!r} is not a check: {_EXAMPLE}")
