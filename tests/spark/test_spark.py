"""Tables on Apache Spark: a standalone master and two workers on loopback, with the wheel shipped."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
def daemon(folder: Path, name: str, sign: str, *arguments: str) -> Iterator[str]:
    """Run a master or a worker until its log has a sign; yield what the sign captures."""
    command = [str(spark_home() / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    env = {**environment(), "SPARK_WORKER_DIR": str(folder)}
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
            with (folder / f"{name}.log").open("w") as log:
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
    with ExitStack() as stack:
        address = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        url = stack.enter_context(
            daemon(tmp_path, "master.Master", r"Starting Spark master at (spark://\S+)", *address)
        )
        for _ in range(2):
            limits = (*address, "--cores", "1", "--memory", "1g")
            stack.enter_context(daemon(tmp_path, "worker.Worker", r"(Successfully registered)", *limits, url))
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
    for server in (1, 2):
        write_days(tmp_path / "lake" / f"server={server}", make_days(server, 1, FEW, seed=7))
    submit = [
        str(spark_home() / "bin" / "spark-submit"), "--master", master, "--py-files", str(wheel),
        "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1",
        "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.executor.memory=512m",
        str(PROGRAM), str(tmp_path / "lake"), str(tmp_path / "answer.json"),
    ]  # fmt: skip
    ended = subprocess.run(submit, env=environment(), capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + "\n".join(
        line for line in ended.stderr.splitlines() if " INFO " not in line
    )
    answer = json.loads((tmp_path / "answer.json").read_text())

    assert all(home.endswith(f"{wheel.name}/arirecord/__init__.py") for home in answer["homes"]), answer["homes"]
    assert (answer["windows"], answer["computed"]) == (4, 4)
    whole = connect(tmp_path / "lake", kept=False)
    assert answer["calls"] == dict(whole.execute("SELECT server, count(*) FROM calls GROUP BY server").fetchall())
    counts = whole.execute("SELECT group_value, call_count FROM kpis(\"by\" := 'server')").fetchall()
    assert answer["kpis"] == dict(counts)
    assert_kept_equal(tmp_path / "lake")
