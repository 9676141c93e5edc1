"""Apache Spark as the engine of kept tables: Spark distributes tasks, and sees none of the events."""

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from arirecord.errors import ArirecordError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

__all__ = ["SparkEngine", "spark_session"]

Task = TypeVar("Task")
Result = TypeVar("Result")


class SparkEngine:
    """Runs tasks on Spark: a table with one pickled task a row, and a function over it (`mapInArrow`).

    spark: the session to use; None: a new one.
    master: the master of a new session; None: Spark's own setting, otherwise all cores of this machine.

    Executors need arirecord and read and write the same paths as this process.
    """

    def __init__(self, spark: "SparkSession | None" = None, master: str | None = None) -> None:
        self._spark, self._master = spark, master

    def run(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Run `function` for each task, in a partition of its own."""
        if not tasks:
            return
        spark = self._spark or spark_session(self._master)
        self._spark = spark

        def run_all(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
            import pyarrow as pa

            for batch in batches:
                for task in batch["task"].to_pylist():
                    yield pa.record_batch(
                        {"result": pa.array([pickle.dumps(function(pickle.loads(task)))], pa.binary())}
                    )

        rows = [(bytearray(pickle.dumps(task)),) for task in tasks]
        # One task a partition: a batch limited to one row would make each result a batch of its own, everywhere.
        table = spark.createDataFrame(rows, "task binary").coalesce(1).repartition(len(rows))
        for row in table.mapInArrow(run_all, "result binary").toLocalIterator(prefetchPartitions=True):
            yield pickle.loads(bytes(row["result"]))


def spark_session(master: str | None = None) -> "SparkSession":
    """Return the running Spark session, or start one. Raises `ArirecordError` without PySpark or Java."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ArirecordError("Spark needs PySpark: pip install 'arirecord[spark]', and Java 17") from error
    # Otherwise workers take the `python3` of their PATH.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("arirecord")
    if master:
        builder = builder.master(master)
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise ArirecordError(f"Spark does not start: {error}. Is Java 17 installed?") from error
