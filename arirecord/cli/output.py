"""Outputs: path, format, and protection of existing files and inputs. All verbs share this code."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .console import machine_output

__all__ = [
    "SESSION", "Formats", "Input", "Output", "OutputOption", "Verb", "build_result_options", "csv_safe_option",
    "output_options",
]  # fmt: skip

Formats = Mapping[str, Sequence[str]]
"""The formats of a verb, each with its endings of file names; the first format is the default."""

SESSION: Formats = {"session": (".parquet",)}
_KNOWN = (
    ".csv", ".html", ".json", ".jsonl", ".md", ".mmd", ".parquet", ".pdf", ".png", ".sql", ".svg", ".txt", ".xlsx",
    ".xml",
)  # fmt: skip
_TAKEN = ("csv_safe", "force", "format", "vertical")
"""Parameters that an `Output` holds."""
_STDIN = Path("/dev/stdin")
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


class Input(click.Path):
    """A file or folder that a verb reads; as a `click.Path`, but a missing one is exit code 1 for every verb."""

    def __init__(self, *, must_exist: bool = False, allow_dash: bool = False) -> None:
        super().__init__(allow_dash=allow_dash)
        self.must_exist = must_exist

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Raises `click.ClickException` if it must exist and does not."""
        from arirecord.session.object_store import ObjectPath, location

        path = location(str(super().convert(value, param, ctx)))
        is_checked = self.must_exist and not isinstance(path, ObjectPath) and not (self.allow_dash and str(path) == "-")
        if is_checked and not path.exists():
            raise click.ClickException(f"{path} does not exist")
        return path


@dataclass(frozen=True)
class Output:
    """A checked output of a verb: `path` does not exist or may be replaced, and is not an input.

    path: None is stdout, or no output if the verb has no stdout.
    format: one of the verb's formats, from `--format` or the ending of the name.
    is_folder: the path names a folder, which may be missing.
    force: an existing file may be replaced.
    vertical: a table is printed as one block per row.
    csv_safe: in CSV, texts that a spreadsheet would take for formulas begin with an apostrophe.
    """

    path: Path | None
    format: str
    is_folder: bool = False
    force: bool = False
    vertical: bool = False
    csv_safe: bool = False

    @property
    def is_terminal(self) -> bool:
        """Whether the output is a terminal."""
        return self.path is None and sys.stdout.isatty()

    @property
    def required_path(self) -> Path:
        """The path of a verb that needs one."""
        assert self.path is not None
        return self.path

    def file(self, path: Path | None = None) -> AbstractContextManager[Path]:
        """Yield a path that becomes the output (or `path`, in its folder) on success; see `new_file`."""
        from arirecord.session.output_file import new_file

        return new_file(path or self.required_path, force=self.force)

    def write_text(self, text: str) -> None:
        """Write a whole text, to stdout or the file."""
        if self.path is None:
            out = machine_output()
            out.write(text.encode())
            out.flush()
            return
        with self.file() as path:
            path.write_text(text, encoding="utf-8")


class OutputOption(click.Option):
    """An option that names an output. `Verb` turns its value into an `Output` before the verb runs.

    formats: the formats that the verb can write; if empty, any ending is allowed.
    is_folder: whether the output is a folder, from the verb's parameters; if it is given, a name that ends in / is one.
    has_stdout: `-` means stdout, which is the default if no other default is set.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        *,
        formats: Formats,
        is_folder: Callable[[Mapping[str, Any]], bool] | None = None,
        has_stdout: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(declarations, type=click.Path(allow_dash=has_stdout), **attributes)
        self.formats, self._is_folder, self._has_stdout = formats, is_folder, has_stdout

    def resolve(self, ctx: click.Context) -> Output:
        """Return the output that the command line names.

        Raises `click.UsageError` for a format that the verb can't write, `TargetExists` and `FileNotFoundError`.
        """
        from arirecord.session.output_file import check_folder, check_output

        given: str | None = ctx.params[self.name or ""]
        if given is not None and self._has_stdout and given in _STDOUT:
            given = None
        force, vertical = bool(ctx.params.get("force")), bool(ctx.params.get("vertical"))
        csv_safe = bool(ctx.params.get("csv_safe"))
        if given is None:
            return self._checked(
                Output(None, self._format(ctx, None), force=force, vertical=vertical, csv_safe=csv_safe)
            )
        from arirecord.session.object_store import ObjectPath, location

        if isinstance(location(given), ObjectPath):
            raise click.UsageError(
                f"{given} can't be written by `{ctx.info_name}`: write a file, then "
                "`arirecord ingest FILE s3://BUCKET/LAKE` puts it into a store."
            )
        path = Path(given)
        inputs = list(_inputs(ctx))
        if self._is_folder is not None and (given.endswith("/") or path.is_dir() or self._is_folder(ctx.params)):
            check_folder(path, inputs=inputs)
            return Output(path, self._format(ctx, None), is_folder=True, force=force, csv_safe=csv_safe)
        if given == "-":
            raise click.UsageError(f"{ctx.info_name} can't write to stdout: name a file")
        if given.endswith("/"):
            raise click.UsageError(f"{given} names a folder: name a file")
        form = self._format(ctx, path)
        hint = "--force" if "force" in ctx.params else ""
        is_session = form == "session"
        check_output(path, inputs=inputs, force=force, allow_pipe=not is_session, hint=hint)
        return self._checked(Output(path, form, force=force, vertical=vertical, csv_safe=csv_safe))

    @staticmethod
    def _checked(output: Output) -> Output:
        if output.vertical and output.format != "table":
            raise click.UsageError(f"--vertical prints a table, not {output.format}: leave out one of the two")
        return output

    def _format(self, ctx: click.Context, path: Path | None) -> str:
        """Return the format from `--format`, or the ending of the name, or the default."""
        asked = str(ctx.params.get("format") or next(iter(self.formats), ""))
        is_given = ctx.get_parameter_source("format") == ParameterSource.COMMANDLINE
        ending = path.suffix.lower() if path else ""
        if not self.formats or not any(character.isalpha() for character in ending):
            return asked
        meant = next((name for name, endings in self.formats.items() if ending in endings), None)
        if meant is not None and (not is_given or meant == asked):
            return meant
        if is_given and ending in _KNOWN:
            raise click.UsageError(f"{path} ends in {ending}, which is not --format {asked}: leave out one of the two")
        if is_given:
            return asked
        endings = [ending for some in self.formats.values() for ending in some]
        text = f"{', '.join(endings[:-1])} or {endings[-1]}" if len(endings) > 1 else endings[0]
        raise click.UsageError(f"{ctx.info_name} can't write {ending} ({path}): the name must end in {text}")


def _inputs(ctx: click.Context) -> Iterator[Path]:
    """Yield the files and folders that the command line names for reading, including the settings."""
    root = ctx.find_root()
    for context in {id(ctx): ctx, id(root): root}.values():
        for parameter in context.command.params:
            if isinstance(parameter, OutputOption) or not isinstance(parameter.type, click.Path | click.File):
                continue
            value = context.params.get(parameter.name or "")
            for one in value if isinstance(value, tuple | list) else [value]:
                name = one if isinstance(one, str | Path) else getattr(one, "name", None)
                if isinstance(name, str | Path) and (path := Path(name)).exists():
                    yield path
    if _STDIN.is_file():  # redirected from a file
        yield _STDIN


csv_safe_option = click.option(
    "--csv-safe", is_flag=True, help="In CSV, begin texts that a spreadsheet takes for formulas with an apostrophe."
)


class Verb(click.Command):
    """A command whose outputs are checked before it begins."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb with an `Output` for each `OutputOption`; it also holds the options in `_TAKEN`."""
        options = [option for option in self.params if isinstance(option, OutputOption)]
        outputs = {option.name or "": option.resolve(ctx) for option in options}
        if outputs:
            ctx.params = {name: value for name, value in ctx.params.items() if name not in _TAKEN}
            ctx.params |= outputs
        return super().invoke(ctx)

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        """Return `-h` and `--help`. Click keeps the first answer, also of a context without the group's settings."""
        return ["-h", "--help"]


def _format_option(formats: Formats) -> Callable[..., Any]:
    """Add the option `--format`."""
    names, default = list(formats), next(iter(formats))
    help = "Without it, the output's ending decides."
    return click.option("--format", type=click.Choice(names), default=default, show_default=True, help=help)


def output_options(
    *declarations: str, formats: Formats, has_format: bool = False, **attributes: Any
) -> Callable[..., Any]:
    """Add the options of an output: `-o` (or `declarations`), `--format` if `has_format`, and `--force`.

    The verb gets one `Output`; `attributes` are those of `OutputOption`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        force = click.option("--force", is_flag=True, help="Replace the output if it exists; an input never is.")
        command = force(command)
        names = declarations or ("-o", "--output")
        command = click.option(*names, cls=OutputOption, formats=formats, **attributes)(command)
        return _format_option(formats)(command) if has_format else command

    return decorate


def build_result_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--format` and `--junit` of a verb whose result is read by a build server."""
    command = output_options("--junit", formats={"xml": (".xml",)}, metavar="FILE", help="Also write JUnit XML.")(
        command
    )
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", "github"]),
        default="text",
        show_default=True,
        help="Format of the result; github: annotations for GitHub Actions.",
    )(command)
