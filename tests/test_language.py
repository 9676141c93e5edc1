"""Plain English: words that readers had to read twice are not in docstrings, messages, comments of SQL and pages."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "arirecord"
BANNED = re.compile(
    r"\b(told|tells?|hears?|heard|whom|whoever|somebody|nobody|anew|seldom|(?:is|are) none|(?:is|are) no(?! longer))\b",
    re.IGNORECASE,
)
"""A program reports, logs, prints, receives, reads, sends and waits; a thing is not a file, instead of is no file."""


def python_texts(path: Path) -> Iterator[str]:
    """Docstrings and messages: texts with a space, f-strings without their expressions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def sql_comments(path: Path) -> Iterator[str]:
    yield " ".join(re.findall(r"--(.*)", path.read_text()))


def descriptions(path: Path) -> Iterator[str]:
    """What a model's JSON says of the table and its columns."""
    yield json.dumps(json.loads(path.read_text()), ensure_ascii=False)


def prose(path: Path) -> Iterator[str]:
    """A page without code."""
    text = re.sub(r"```.*?```|^(?: {4}|\t).*$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    yield re.sub(r"`[^`\n]*`", "", text)


SOURCES = [
    *((path, python_texts) for path in sorted(PACKAGE.rglob("*.py"))),
    *((path, sql_comments) for path in sorted(PACKAGE.rglob("*.sql"))),
    *((path, descriptions) for path in sorted(PACKAGE.rglob("*.json")) if "models" in path.parts),
    *((path, prose) for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]),
]


@pytest.mark.parametrize(("path", "texts"), SOURCES, ids=lambda value: getattr(value, "name", ""))
def test_plain_words(path: Path, texts: Callable[[Path], Iterator[str]]) -> None:
    found = [match[0] for text in texts(path) for match in BANNED.finditer(text)]

    assert found == [], path
