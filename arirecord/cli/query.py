"""`arirecord query`."""

import re
from pathlib import Path

import click

from .output import output_options, write

__all__ = ["command"]


@click.command("query")
@click.argument("session", type=click.Path(path_type=Path))
@click.argument("sql")
@output_options
def command(session: Path, sql: str, form: str, output: Path | None) -> None:
    """Ask a session in SQL (DuckDB).

    There is a view for each event type, named as ARI names it (ChannelDtmfReceived), `events` with all of them, and the
    models: calls, legs, channels, talk, dtmf, transfers, hangups. SHOW TABLES lists them; DESCRIBE calls lists columns.

    \b
    Examples:
      arirecord query session.parquet "SELECT * FROM calls"
      arirecord query session.parquet "SELECT channel_id, digit FROM ChannelDtmfReceived" --format csv
      arirecord query days/ "SELECT disposition, count(*) FROM calls GROUP BY ALL" --format json
    """
    import duckdb

    from arirecord.analytics import connect

    try:
        result = connect(session, models=_named_in(sql)).sql(sql)
        if result is None:
            raise click.UsageError('there is nothing to ask in that SQL; try "SELECT * FROM calls"')
        write(result, form, output)
    except duckdb.Error as error:
        raise click.ClickException(str(error)) from error


def _named_in(sql: str) -> set[str] | None:
    """Models that the statement may read: only these are computed. None, all of them, where it lists what there is."""
    from arirecord.analytics.models import load_models

    if re.match(
        r"\s*(SHOW|FROM\s+duckdb_|PRAGMA|DESCRIBE\s*;?\s*$)|.*information_schema", sql, re.IGNORECASE | re.DOTALL
    ):
        return None
    return {m.name for m in load_models() if re.search(rf"\b{m.name}\b", sql, re.IGNORECASE)}
