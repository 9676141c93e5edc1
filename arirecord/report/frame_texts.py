"""The text of frames by their position: of a compact session it is made of the columns, which SQL alone can't do."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from arirecord.session.templates import TEMPLATE, columns_of_templates, restore

__all__ = ["frame_texts"]


def frame_texts(connection: duckdb.DuckDBPyConnection, seqs: Sequence[int]) -> Mapping[int, str]:
    """The text of those rows whose `raw` is null because the session is compact. Empty for other sessions."""
    present = {column[0] for column in connection.execute("SELECT * FROM rows LIMIT 0").description or ()}
    if TEMPLATE not in present:
        return {}
    where = f"FROM rows WHERE seq IN (SELECT unnest($seqs)) AND {TEMPLATE} IS NOT NULL"
    found = connection.execute(f"SELECT DISTINCT {TEMPLATE} {where}", {"seqs": seqs}).fetchall()
    columns = sorted(columns_of_templates(template for (template,) in found) & present)
    selected = ", ".join(f'"{column}"' for column in ("seq", "raw", TEMPLATE, *columns))
    table: pa.Table = connection.sql(f"SELECT {selected} {where}", params={"seqs": seqs}).to_arrow_table()
    schema = pa.schema(
        field.with_type(pa.timestamp("ms")) if pa.types.is_timestamp(field.type) else field for field in table.schema
    )
    table = table.cast(schema)  # as Asterisk writes times: in milliseconds
    table = table.set_column(
        table.column_names.index(TEMPLATE), TEMPLATE, table[TEMPLATE].combine_chunks().dictionary_encode()
    )
    return dict(zip(table["seq"].to_pylist(), restore(table).to_pylist(), strict=True))
