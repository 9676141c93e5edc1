"""`arirecord query`."""

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
    from concurrent.futures import ThreadPoolExecutor

    from arirecord.session.reader import open_session

    # The index of a long session takes as long to read as DuckDB to import.
    with ThreadPoolExecutor(1) as thread:
        opening = thread.submit(open_session, session)
        from arirecord.analytics.connection import Tables

        tables = Tables(opening.result())
    tables.need_for(sql)
    result = tables.connection.sql(sql)
    if result is None:
        raise click.UsageError('there is nothing to ask in that SQL; try "SELECT * FROM calls"')
    write(result, form, output)
