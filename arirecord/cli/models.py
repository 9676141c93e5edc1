"""`arirecord models`."""

from collections.abc import Iterable
from pathlib import Path

import click

from .completions import completing
from .metrics import relation_of
from .output import output_options, write

__all__ = ["command"]


def _names() -> Iterable[str]:
    from arirecord.analytics.models import model_names

    return sorted(model_names())


@click.command("models")
@click.argument("session", type=click.Path(path_type=Path), required=False)
@click.option("--sql", is_flag=True, help="Print a DuckDB script that makes the tables from SESSION.")
@click.option(
    "--model",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=completing(_names),
    help="Only this model and those that it reads (repeatable).",
)
@output_options
def command(session: Path | None, sql: bool, names: tuple[str, ...], form: str, output: Path | None) -> None:
    """List the SQL models behind the tables, or print them as one script.

    Layers: staging models rename columns, intermediate models are computed once, macros take arguments, and marts are
    the tables that users see.

    \b
    Examples:
      arirecord models
      arirecord models --model calls
      arirecord models today.parquet --sql | duckdb today.duckdb
    """
    from arirecord.analytics.connection import statements
    from arirecord.analytics.models import LAYERS, load_models
    from arirecord.session.reader import open_session

    found = load_models(names or None)
    if not sql:
        rows = [
            (model.layer, model.name, model.row, ", ".join(sorted(model.reads)))
            for model in sorted(found, key=lambda model: (LAYERS.index(model.layer), model.name))
        ]
        write(relation_of(["layer", "model", "row", "reads"], rows), form, output)
        return
    if session is None:
        raise click.UsageError("--sql needs a session: arirecord models SESSION --sql")
    script = "".join(f"{statement};\n" for statement in statements(open_session(session), models=names or None))
    if output:
        output.write_text(script, "utf-8")
    else:
        click.echo(script, nl=False)
