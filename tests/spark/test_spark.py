"""Tables on Apache Spark, by a master and two workers on loopback with the wheel shipped, and on Sail."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from arirecord.analytics import connect
from tests.lake.day_parts import make_days, write_days
from tests.lake.test_kept_tables import FEW, assert_kept_equal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.skipif("ARIRECORD_TEST_SPARK" not in os.environ, reason="runs Apache Spark: make test-spark"),
]
PROGRAM = Path(__file__).with_name("program.py")
ROOT = Path(__file__).parents[2]


def spark_home() -> Path:
    """The folder of Spark within PySpark."""
    spec = find_spec("pyspark")
    assert spec and spec.origin, "PySpark is not installed: make test-spark"
    return Path(spec.origin).parent


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "SPARK_HOME": str(spark_home()),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


@contextmanager
def daemon(log_path: Path, sign: str, *command: str) -> Iterator[str]:
    """Run a server; yield what the sign captures once its log has it."""
    env = {**environment(), "SPARK_WORKER_DIR": str(log_path.parent)}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if shown := re.search(sign, line):
                    break
            else:
                pytest.fail("".join(lines))
            with log_path.open("w") as log:
                # Its pipe must not fill.
                drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=log)
            yield shown[1]
        finally:
            process.terminate()
            process.wait()
            drain.wait()


@pytest.fixture
def master(tmp_path: Path) -> Iterator[str]:
    """The URL of a master with two workers of one core each."""
    address = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    deploy = f"{spark_home()}/bin/spark-class", "org.apache.spark.deploy"

    def started(name: str, sign: str, *arguments: str) -> AbstractContextManager[str]:
        return daemon(tmp_path / f"{name}.log", sign, deploy[0], f"{deploy[1]}.{name}", *arguments)

    with ExitStack() as stack:
        url = stack.enter_context(started("master.Master", r"Starting Spark master at (spark://\S+)", *address))
        for _ in range(2):
            limits = (*address, "--cores", "1", "--memory", "1g")
            stack.enter_context(started("worker.Worker", r"(Successfully registered)", *limits, url))
        yield url


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    built = next((tmp_path / "dist").glob("*.whl"))
    return built.rename(tmp_path / "arirecord.zip")  # Spark adds no file named .whl to Python's path


def test_a_cluster_with_the_wheel_shipped(master: str, wheel: Path, tmp_path: Path) -> None:
    """Two workers compute all tables as one connection does, from the wheel that spark-submit sends them."""
    submit = [
        f"{spark_home()}/bin/spark-submit", "--master", master, "--py-files", str(wheel),
        "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1",
        "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.executor.memory=512m",
    ]  # fmt: skip
    homes = check_tables(tmp_path, submit)

    assert all(home.endswith(f"{wheel.name}/arirecord/__init__.py") for home in homes), homes


def test_the_same_program_on_sail(tmp_path: Path) -> None:
    """Sail, which needs no Java, computes all tables as one connection does."""
    sail = str(Path(sys.executable).with_name("sail"))
    command = (sail, "spark", "server", "--ip", "127.0.0.1", "--port", "0")
    with daemon(tmp_path / "sail.log", r"Starting the Spark Connect server on (\S+?)\.\.\.", *command) as address:
        check_tables(tmp_path, [sys.executable], SPARK_REMOTE=f"sc://{address}")


def check_tables(folder: Path, run: Sequence[str], **variables: str) -> Sequence[str]:
    """Run the program on a lake of two servers, and compare all tables with those of one connection.

    Returns where the executors have arirecord from.
    """
    lake, answer_file = folder / "lake", folder / "answer.json"
    for server in (1, 2):
        write_days(lake / f"server={server}", make_days(server, 1, FEW, seed=7))
    command = [*run, str(PROGRAM), str(lake), str(answer_file)]
    ended = subprocess.run(command, env=environment() | variables, capture_output=True, text=True, cwd=folder)
    assert ended.returncode == 0, ended.stdout + "\n".join(
        line for line in ended.stderr.splitlines() if " INFO " not in line
    )
    answer = json.loads(answer_file.read_text())

    assert (answer["windows"], answer["computed"]) == (4, 4)
    whole = connect(lake, kept=False)
    assert answer["calls"] == dict(whole.execute("SELECT server, count(*) FROM calls GROUP BY server").fetchall())
    counts = whole.execute("SELECT group_value, call_count FROM kpis(\"by\" := 'server')").fetchall()
    assert answer["kpis"] == dict(counts)
    assert_kept_equal(lake)
    homes: Sequence[str] = answer["homes"]
    return homes
