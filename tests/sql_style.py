"""Style of the SQL models: `python -m tests.sql_style [FILE …]` prints what does not keep to it.

Formatters do not keep this form: sqlfmt 0.32 writes all keywords in lower case, and sqlfluff 4.5 cannot parse eight of
the models in DuckDB's dialect.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["faults"]

MODELS = Path(__file__).parents[1] / "arirecord" / "analytics" / "models"
_KEYWORDS = (
    "select", "from", "where", "join", "asof", "using", "group by", "order by", "partition by", "having", "qualify",
    "case", "when", "then", "else", "end", "as", "and", "or", "not", "in", "is", "null", "union all", "with", "over",
    "window", "distinct", "exists", "between", "interval", "recursive", "filter", "coalesce", "nullif", "exclude",
    "limit", "values",
)  # fmt: skip
_KEYWORD = re.compile(rf"(?<![\w.\"'])({'|'.join(_KEYWORDS)})\b(?!\s*:)", re.IGNORECASE)
_TEXT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_WIDTH = 122


def faults(sql: str) -> Iterator[tuple[int, str]]:
    """Yield the numbers of lines that do not keep to the style, each with the rule."""
    if not sql.endswith("\n") or sql.endswith("\n\n"):
        yield sql.count("\n"), "end the file with one line end"
    lines = sql.splitlines()
    for number, line in enumerate(lines, 1):
        code = _TEXT.sub("''", line).partition("--")[0].rstrip()
        indent = len(line) - len(line.lstrip(" "))
        if len(line) > _WIDTH:
            yield number, f"at most {_WIDTH} characters"
        if line != line.rstrip() or "\t" in line:
            yield number, "no tabs, and no spaces at the end"
        if indent % 4 and not _is_within_text(lines, number):
            yield number, "indent by four spaces"
        if words := [word for word in _KEYWORD.findall(code) if word != word.upper()]:
            yield number, f"write {words[0].upper()} in capitals"
        if re.search(r",\S", code) or re.match(r"\s*,", code):
            yield number, "a space after a comma, none before"
        if re.search(r"\S {2,}\S", code):
            yield number, "one space between words"
        if re.search(r"\S(<>|<=|>=|(?<![!:=<>])=(?![=>]))|(<>|<=|>=|(?<![!:=<>])=(?![=>]))\S", code):
            yield number, "spaces around a comparison"
        if re.search(r"\bINNER JOIN\b|!=|\bCAST\(.* AS (INT|TEXT)\)", code):
            yield number, "JOIN, <> and ::"
        if re.search(r"\b(FROM|JOIN) \w+ (?!AS\b|ON\b|USING\b|WHERE\b|GROUP\b)[a-z]\w*", code):
            yield number, "name a table with AS"
        if re.match(r"(?:WITH (?:RECURSIVE )?)?\w+ AS (?:MATERIALIZED )?\($", line) and number > 1:
            before = lines[number - 2]
            if before and not before.startswith("--") and not line.startswith("WITH"):
                yield number, "an empty line before a CTE"


def _is_within_text(lines: list[str], number: int) -> bool:
    """Return whether a line begins within a text of several lines."""
    return "".join(line.partition("--")[0] for line in lines[: number - 1]).count("'") % 2 == 1


def main(paths: list[Path]) -> int:
    """Print the faults of the files, all models by default. Returns 1 if there are any."""
    found = 0
    for path in paths or sorted(MODELS.rglob("*.sql")):
        for number, rule in faults(path.read_text("utf-8")):
            print(f"{path}:{number}: {rule}")
            found += 1
    return int(found > 0)


if __name__ == "__main__":
    raise SystemExit(main([Path(argument) for argument in sys.argv[1:]]))
