"""Learns what differs in each run of an app, and keeps it as rules beside the recording."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from arirecord.asterisk.rest_operations import find
from arirecord.errors import VerifyError
from arirecord.replay.rest.request_key import RequestKey

from .compare import Compared
from .rules import REPEATED, Rule

__all__ = ["learned", "read_rules", "rules_path", "rules_text"]

_HEAD = """\
# Values that differ in each run, found by `arirecord verify --learn`.
# METHOD PATH?NAME: a parameter; repeated METHOD PATH: how often equal requests come.
"""


def rules_path(session: Path) -> Path:
    """The file of the learned rules of a session: `transfer.rules` beside `transfer.parquet`."""
    return session.with_suffix(".rules")


def read_rules(session: Path) -> list[Rule]:
    """The learned rules of a session; none without a file. Raises `VerifyError` for a line that is not a rule."""
    path = rules_path(session)
    if not path.is_file():
        return []
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    try:
        return [Rule.parse(line) for line in lines if line and not line.startswith("#")]
    except ValueError as error:
        raise VerifyError(f"{path}: {error}") from error


def rules_text(session: Path, rules: Sequence[str]) -> str:
    """The text of the file of a session with these rules, after those that it has."""
    path = rules_path(session)
    before = path.read_text("utf-8") if path.is_file() else _HEAD
    return before + "".join(f"{rule}\n" for rule in rules)


def learned(first: Sequence[Compared], second: Sequence[Compared]) -> list[str]:
    """The rules for parameters with another value in the recording and in each of two runs of the same app.

    Also for requests that the runs repeat a different number of times. A difference that both runs have in the same way
    is a change of the app, and no rule hides it.
    """
    values = [dict(change for call in run for change in _changes(call)) for run in (first, second)]
    found: dict[tuple[str, str], set[str]] = {}
    for place, value in values[0].items():
        if values[1].get(place, value) != value:
            _, method, path, _, name = place
            found.setdefault((method, path), set()).add(name)
    parameters = [f"{method} {path}?{','.join(sorted(names))}" for (method, path), names in sorted(found.items())]
    return [*parameters, *sorted(set(_repeated(first, second)))]


def _repeated(first: Sequence[Compared], second: Sequence[Compared]) -> Iterator[str]:
    runs = {call.call.channel_id: Counter(text for _, text in call.course) for call in second}
    for call in first:
        recorded, counts = Counter(text for text, _ in call.course), Counter(text for _, text in call.course)
        others = runs.get(call.call.channel_id, Counter())
        for text in recorded.keys() & counts.keys() & others.keys() - {""}:
            method, _, target = text.partition(" ")
            route = find(method, target.partition("?")[0].strip("/").split("/"))
            if counts[text] != others[text] and route is not None:
                yield f"{REPEATED}{method} {_pattern(route.operation.path)}"


def _pattern(path: str) -> str:
    return re.sub(r"\{\w+\}", "*", path)


Place = tuple[str, str, str, int, str]


def _changes(call: Compared) -> Iterator[tuple[Place, str]]:
    """Each parameter with another value than recorded: its call, request and name, and the value."""
    for recorded, live in call.changed:
        path = _pattern(recorded.operation.path)
        ours, theirs = _parameters(recorded), _parameters(live)
        for name in ours.keys() | theirs.keys():
            if ours.get(name) != theirs.get(name):
                number = sum(other.operation_key == recorded.operation_key for other, _ in call.changed)
                yield (call.call.channel_id, recorded.operation.method, path, number, name), theirs.get(name, "")


def _parameters(key: RequestKey) -> dict[str, str]:
    """The parameters of a request, and the fields of its JSON body as `variables.NAME`."""
    found = dict(key.parameters)
    document = orjson.loads(key.body) if key.body else {}
    for outer, fields in document.items() if isinstance(document, dict) else ():
        if isinstance(fields, dict):
            found |= {f"{outer}.{name}": orjson.dumps(value).decode() for name, value in fields.items()}
    return found
