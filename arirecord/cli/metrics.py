"""`arirecord metrics`."""

from typing import TYPE_CHECKING

import click

from arirecord.suggest import unknown_name

from .completion import completing
from .output import Output, Verb
from .query_results import result_options, write
from .tables import table_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

__all__ = ["command", "relation_of"]


@click.command("metrics", cls=Verb)
@click.argument("table", required=False, shell_complete=completing(table_names))
@click.option("--parameters", is_flag=True, help="List the parameters instead.")
@result_options
def command(table: str | None, parameters: bool, output: Output) -> None:
    """Describe the tables: list them, or define the columns of one table.

    \b
    Examples:
      arirecord metrics
      arirecord metrics kpis
      arirecord metrics --parameters
      arirecord metrics calls --format json
    """
    from arirecord.analytics.connection import columns_of_models
    from arirecord.analytics.models import describe, load_models, mart_names, words
    from arirecord.analytics.parameters import parameters as all_parameters

    marts = {model.name: model for model in load_models(mart_names()) if model.layer == "marts"}
    if parameters:
        limits = [(name, p.default, p.unit, p.meaning) for name, p in sorted(all_parameters().items())]
        write(relation_of(["parameter", "default", "unit", "meaning"], limits), output)
    elif table is None:
        write(relation_of(["table", "row"], [(name, marts[name].row) for name in sorted(marts)]), output)
    elif table not in marts:
        raise unknown_name("No table is named", table, sorted(marts))
    else:
        meanings = describe(table).columns
        rows = [(name, column_type, meanings[name]) for name, column_type in columns_of_models([table])[table].items()]
        relation = relation_of(["column", "type", "meaning"], rows)
        if output.format == "table" and output.path is None:
            click.echo("\n".join(words(marts[table])))
        write(relation, output)


def relation_of(names: list[str], rows: "Sequence[tuple[object, ...]]") -> "duckdb.DuckDBPyRelation":
    """Return rows as a relation; every cell is a text."""
    import duckdb
    import pyarrow as pa

    table = pa.table({name: [str(row[place]) for row in rows] for place, name in enumerate(names)})
    return duckdb.connect().from_arrow(table)
