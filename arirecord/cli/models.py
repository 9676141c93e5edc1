"""`arirecord models`."""

from pathlib import Path

import click

from .metrics import relation_of
from .output import output_options, write

__all__ = ["command"]


@click.command("models")
@click.argument("session", type=click.Path(path_type=Path), required=False)
@click.option("--sql", is_flag=True, help="Print the models as SQL that DuckDB runs, over the files of SESSION.")
@click.option("--model", "names", multiple=True, metavar="NAME", help="This model and those it reads; else all.")
@output_options
def command(session: Path | None, sql: bool, names: tuple[str, ...], form: str, output: Path | None) -> None:
    """List the SQL models from which the tables are made, or print them as one script.

    Layers: staging renames, intermediate has one idea in each model and is computed once, macros take arguments, marts
    are the tables that users see.

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
        raise click.UsageError("--sql prints models over a session: arirecord models SESSION --sql")
    script = "".join(f"{statement};\n" for statement in statements(open_session(session), models=names or None))
    if output:
        output.write_text(script, "utf-8")
    else:
        click.echo(script, nl=False)
