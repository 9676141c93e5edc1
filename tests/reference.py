"""Generate the reference pages: `python -m tests.reference` (`make docs`) writes them, a test compares them.

`docs/cli.md` is made from the help texts, `docs/python.md` from signatures and docstrings, `docs/metrics.md` from the
models. On each page only the part between two marks is generated.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path

import click
import griffe

from arirecord import errors
from arirecord.analytics.connection import columns_of_models
from arirecord.analytics.models import Model, describe, load_models, words
from arirecord.analytics.parameters import parameters
from arirecord.cli import GROUPS, cli

__all__ = ["OBJECTS", "PAGES", "command_of", "renewed", "with_contents", "with_generated"]

ROOT = Path(__file__).parents[1]
WIDTH = 100
"""Columns of the help texts."""
MARKS = re.compile(r"(<!-- from here: made by `make docs`[^>]*-->\n).*?(<!-- to here -->)", re.DOTALL)
CONTENTS = re.compile(r"(<!-- contents: made by `make docs` -->\n).*?(<!-- end of contents -->)", re.DOTALL)
OBJECTS = {
    "Functions": ("api.open_session", "analytics.connect", "replay.api.replay"),
    "Session": ("api.Session",),
    "Results": ("session.reader.Frame", "session.header.Header", "report.notebook.Call", "report.notebook.Plots"),
    "Replay": ("replay.api.Replay", "replay.api.ClientRequest", "replay.options.ReplayOptions"),
    "pytest": ("testing.ari", "testing.Ari", "testing_check.check_recording"),
    "Errors": (*(f"errors.{name}" for name in errors.__all__), "replay.api.NotAsked"),
}
"""What `docs/python.md` describes, by heading: paths within the package."""


def commands() -> str:
    """The help of each verb, by group."""
    parts = []
    with click.Context(cli, info_name="arirecord", terminal_width=WIDTH, **cli.context_settings) as whole:
        parts.append(_command("arirecord", cli.get_help(whole)))
        for group, verbs in GROUPS.items():
            parts.append(f"## {group}")
            for verb in verbs:
                command = command_of(verb)
                with click.Context(command, parent=whole, info_name=verb, terminal_width=WIDTH) as context:
                    parts.append(_command(f"arirecord {verb}", command.get_help(context)))
    return "\n\n".join(parts)


@cache
def command_of(verb: str) -> click.Command:
    """The command of a verb, without settings of a file; made once, since one that prints a table asks DuckDB."""
    with click.Context(cli, info_name="arirecord", **cli.context_settings) as whole:
        whole.params["no_config"] = True
        command = cli.get_command(whole, verb)
    assert command is not None
    return command


def _command(name: str, text: str) -> str:
    return f"### {name}\n\n```text\n{text}\n```"


def python() -> str:
    """Signatures and docstrings of the public names."""
    parts = []
    for heading, paths in OBJECTS.items():
        parts += [f"## {heading}", *(part for path in paths for part in _object(_package()[path]))]
    return "\n\n".join(parts)


@cache
def _package() -> griffe.Module:
    loaded = griffe.load("arirecord", search_paths=[ROOT], allow_inspection=False)
    assert isinstance(loaded, griffe.Module)
    return loaded


def _object(described: griffe.Object | griffe.Alias) -> Iterator[str]:
    found = _target(described)
    if isinstance(found, griffe.Function):
        yield from (f"### {_public(found)}", _code(_signature(found)), _docstring(found))
        return
    assert isinstance(found, griffe.Class)
    error = next((f"({base})" for base in found.bases if str(base).endswith(("Error", "Exception"))), "")
    yield f"### {_public(found)}"
    yield _code(_fields(found) or f"class {found.name}{error}")
    yield _docstring(found)
    members = [_target(member) for name, member in found.all_members.items() if not name.startswith("_")]
    attributes = [member for member in members if isinstance(member, griffe.Attribute) and member.has_docstring]
    if attributes:
        yield "\n".join(f"* `{attribute.name}: {attribute.annotation}`: {_line(attribute)}" for attribute in attributes)
    for member in members:
        if isinstance(member, griffe.Function):
            name = f"#### {found.name}.{member.name}"
            yield from (name, _code(_signature(member)), _docstring(member))


def _target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    target = found.final_target if isinstance(found, griffe.Alias) else found
    assert isinstance(target, griffe.Object)
    return target


def _public(found: griffe.Object) -> str:
    """The name under which people import it."""
    short = {"arirecord.replay.api.replay": "arirecord.replay", "arirecord.testing.ari": "ari (fixture)"}
    short |= {"arirecord.testing_check.check_recording": "check_recording (fixture)"}
    if (short_name := short.get(found.path)) is not None:
        return short_name
    is_top = found.name in (_package().exports or ())
    return f"arirecord.{found.name}" if is_top else found.path


def _signature(function: griffe.Function) -> str:
    decorators = "".join(f"@{decorator.value}\n" for decorator in function.decorators)
    line = f"{'async def' if 'async' in function.labels else 'def'} {function.signature()}"
    return decorators + textwrap.fill(
        line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _fields(found: griffe.Class) -> str:
    """A dataclass or named tuple as it is written, without its methods; its comments describe its fields."""
    if "dataclass" not in found.labels and "NamedTuple" not in map(str, found.bases):
        return ""
    head, _, body = found.source.partition(":\n")
    head = head.splitlines()[-1]  # without decorators
    body = re.sub(r'\A\s*""".*?"""\n', "", body, flags=re.DOTALL)
    lines = takewhile(lambda line: not re.match(r"\s+(@|def |async def |_\w+ =|__)", line), body.splitlines())
    return f"{head}:\n" + _OPTION.sub(_field, "\n".join(lines).strip("\n"))


_OPTION = re.compile(
    r'^ +(\w+: [^\n]*?) = field\(\s*default=(\S+),\s*metadata=option\(\s*"(.*?)".*?\),?\s*\)$', re.DOTALL | re.MULTILINE
)
"""A field that is also an option of a command, with its help."""


def _field(match: re.Match[str]) -> str:
    return f"    # {match[3]}\n    {match[1]} = {match[2]}"


def _docstring(found: griffe.Object) -> str:
    return found.docstring.value if found.docstring else ""


def _line(found: griffe.Object) -> str:
    return " ".join(_docstring(found).split())


def _code(text: str) -> str:
    return f"```py\n{text}\n```"


def metrics() -> str:
    """The tables, as the models describe them."""
    marts = sorted((model for model in load_models() if model.layer == "marts"), key=lambda mart: mart.name)
    types = columns_of_models([mart.name for mart in marts])
    return "\n\n".join([_parameters(), _overview(marts), *(_section(mart, types[mart.name]) for mart in marts)])


def _section(mart: Model, types: dict[str, str]) -> str:
    """One table; `types` are its columns with DuckDB's names of their types."""
    meanings = describe(mart.name).columns
    rows = [f"| `{name}` | {kind} | {_cell(meanings[name])} |" for name, kind in types.items()]
    shown = ["", f"    arirecord {mart.name} session.parquet", ""]
    return "\n".join([f"## {mart.name}", *shown, *words(mart), "| column | type | meaning |", "|---|---|---|", *rows])


def _parameters() -> str:
    rows = [
        f"| `{name}` | {known.default} {known.unit} | {_cell(known.meaning)} |"
        for name, known in sorted(parameters().items())
    ]
    return "\n".join(["## Parameters", "", "| parameter | default | meaning |", "|---|---|---|", *rows])


def _overview(marts: Sequence[Model]) -> str:
    rows = [f"| [{mart.name}](#{mart.name}) | {_cell(mart.row)} |" for mart in marts]
    return "\n".join(["## Tables", "", "| table | a row |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {"cli.md": commands, "python.md": python, "metrics.md": metrics}


def renewed(name: str) -> tuple[str, str]:
    """A page of `docs` as it is, and as it should be."""
    text = (ROOT / "docs" / name).read_text("utf-8")
    return text, with_contents(with_generated(text, PAGES[name]()))


def with_generated(page: str, generated: str) -> str:
    """The page with `generated` between its marks. Raises `ValueError` if it has none."""
    new, count = MARKS.subn(lambda match: f"{match[1]}\n{generated}\n\n{match[2]}", page)
    if count != 1:
        raise ValueError("the page has no lines `<!-- from here: made by `make docs` … -->` and `<!-- to here -->`")
    return new


def with_contents(page: str) -> str:
    """The page with links to its sections in its contents block, if it has one."""
    sections = re.findall(r"^## (.*)$", re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    links = " ·\n".join(f"[{section}](#{_anchor(section)})" for section in sections)
    return CONTENTS.sub(lambda match: f"{match[1]}\n{links}\n\n{match[2]}", page)


def _anchor(heading: str) -> str:
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


if __name__ == "__main__":
    for page_name in PAGES:
        before, after = renewed(page_name)
        if before != after:
            (ROOT / "docs" / page_name).write_text(after, "utf-8")
            print(f"docs/{page_name}")
