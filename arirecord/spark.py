"""Tables of a recording as Spark DataFrames: `arirecord.spark.tables(spark, "lake/", "calls")`."""

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from arirecord.analytics.connection import Tables
from arirecord.analytics.kept_tables import kept_files, kept_tables
from arirecord.analytics.table_query import from_mart
from arirecord.errors import ArirecordError
from arirecord.lake.build_tables import build_tables
from arirecord.lake.spark_engine import SparkEngine
from arirecord.session.reader import open_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["tables"]


def tables(
    spark: "SparkSession", session: str | Path, table: str, *, bucket: str | None = None, by: str | None = None
) -> "DataFrame":
    """Return a table of a session or a lake as a Spark DataFrame.

    Tables that are not kept or not current are computed on Spark first and kept. Executors read the Parquet files of
    kept tables themselves; tables that go across days, such as `kpis`, are computed from these on the driver.

    session: its path, which all executors read and write under the same name.
    table: `calls`, `legs` …, as in docs/metrics.md; `seq` counts the rows of a server.
    bucket, by: as in `Session.kpis`.
    Raises `UnknownName` for an unknown table, `ValueError` for arguments that the table does not take, and as
    `open_session` and `build_tables` do.
    """
    from pyspark.sql.functions import lit

    named = from_mart(table, bucket, by)
    opened = open_session(session)
    if kept_tables(opened) is None:
        build_tables(opened, engine=SparkEngine(spark))
    if files := kept_files(opened, table):
        frames = [spark.read.parquet(*map(str, paths)).withColumn("server", lit(server)) for server, paths in files]
        return reduce(lambda one, two: one.unionByName(two), frames)
    made = Tables(opened, is_kept=True)
    if not made.is_kept:
        raise ArirecordError(f"{opened.path} changes while its tables are computed: ask again")
    relation = made.sql(f"FROM {named}")
    assert relation is not None
    return spark.createDataFrame(relation.to_arrow_table())
