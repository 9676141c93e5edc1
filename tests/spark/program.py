"""A Spark program that computes the tables of a lake on the cluster that runs it: program.py LAKE RESULT."""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

import arirecord.spark
from arirecord.lake.build_tables import build_tables
from arirecord.lake.spark_engine import SparkEngine
from arirecord.session.reader import open_session


def where(_: int) -> str:
    """Return where an executor has arirecord from."""
    import arirecord

    return str(arirecord.__file__)


def main(lake: str, result: str) -> None:
    """Compute the tables, ask for some of them, and write what Spark says."""
    spark = SparkSession.builder.getOrCreate()
    engine = SparkEngine(spark)
    built = build_tables(open_session(lake), engine=engine)
    calls = arirecord.spark.tables(spark, lake, "calls")
    per_server = {row["server"]: row["count"] for row in calls.groupBy("server").count().collect()}
    kpis = arirecord.spark.tables(spark, lake, "kpis", by="server").collect()
    answer = {
        "homes": sorted({*engine.run(where, range(4))}),
        "windows": built.window_count,
        "computed": built.computed_count,
        "calls": per_server,
        "kpis": {row["group_value"]: row["call_count"] for row in kpis},
    }
    Path(result).write_text(json.dumps(answer))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
