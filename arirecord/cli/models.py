"""`arirecord models`."""

from pathlib import Path

import click

from .completion import completing, later
from .metrics import relation_of
from .output import Input, Output, Verb, output_options
from .query_results import FORMATS, write

__all__ = ["command"]


@click.command("models", cls=Verb)
@click.argument("session", type=Input(), required=False)
@click.option("--sql", is_flag=True, help="Print a DuckDB script that makes the tables from SESSION.")
@click.option(
    "--model",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=completing(later("arirecord.analytics.models:model_names")),
    help="Only this model and those that it reads (repeatable).",
)
@click.option("--vertical", is_flag=True, help="Print one block per row, with every column.")
@output_options(
    formats={**FORMATS, "sql": (".sql",)}, has_format=True, has_stdout=True, help="Write there instead of to stdout."
)
def command(session: Path | None, sql: bool, names: tuple[str, ...], output: Output) -> None:
    """List the SQL models behind the tables, or print them as one script.

    Layers: staging models rename columns, intermediate models are computed once, views follow parameters, macros take
    arguments, and marts are the tables that users see.

    \b
    Examples:
      arirecord models
      arirecord models --model calls
      arirecord models today.parquet --sql | duckdb today.duckdb
      arirecord models today.parquet -o models.sql
    """
    from arirecord.analytics.connection import statements
    from arirecord.analytics.models import LAYERS, load_models

    from .session_input import open_session

    models = load_models(names or None)
    if sql and output.format not in ("table", "sql"):
        raise click.UsageError(f"--sql prints SQL, not {output.format}")
    if not (sql or output.format == "sql"):
        if session is not None:
            raise click.UsageError(f"Only --sql needs a session. For one model: arirecord models --model {session}")
        rows = [
            (model.layer, model.name, model.row, ", ".join(sorted(model.reads)))
            for model in sorted(models, key=lambda model: (LAYERS.index(model.layer), model.name))
        ]
        write(relation_of(["layer", "model", "row", "reads"], rows), output)
        return
    if session is None:
        raise click.UsageError("SQL needs a session: arirecord models SESSION --sql")
    script = "".join(f"{statement};\n" for statement in statements(open_session(session), models=names or None))
    output.write_text(script)
