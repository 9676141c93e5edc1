"""What all verbs have: settings from a file and the environment, quiet and verbose, completion, no colour unasked."""

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from arirecord.analytics.models import describe, load_models
from arirecord.analytics.table_query import DISPOSITIONS
from arirecord.cli import VERBS
from tests.waiting import HANG_S

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "sample_data" / "ivr_dtmf.parquet"


def arirecord(*args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command, in a folder of its own; as the installed script, it imports nothing from there."""
    command = [sys.executable, "-P", "-m", "arirecord", *args]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=HANG_S, check=False
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("arirecord.toml", 'url = "http://of-file.invalid/ari"\n'),
        ("arirecord.toml", '[capture]\nurl = "http://of-file.invalid/ari"\n'),
        ("pyproject.toml", '[tool.arirecord.capture]\nurl = "http://of-file.invalid/ari"\n'),
    ],
    ids=["general", "of the verb", "pyproject"],
)
def test_settings(tmp_path: Path, file: str, text: str) -> None:
    """The file of the folder or one above it counts, the environment more, the command line most."""
    (tmp_path / file).write_text(text)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    environment = {"ARIRECORD_CAPTURE_URL": "http://of-environment.invalid/ari"}

    assert "of-file.invalid" in arirecord("capture", cwd=below).stderr
    assert "of-environment.invalid" in arirecord("capture", cwd=below, **environment).stderr
    assert "typed.invalid" in arirecord("capture", "--url", "http://typed.invalid", cwd=below, **environment).stderr
    assert "of-file" not in arirecord("--no-config", "capture", "--duration", "1ms", cwd=below).stderr


def test_settings_of_all_kinds(tmp_path: Path) -> None:
    """Lists, numbers, switches and lengths of time, written with hyphens or underscores."""
    (tmp_path / "arirecord.toml").write_text('[cat]\ntype = ["ChannelDtmfReceived"]\nformat = "jsonl"\n')
    said = arirecord("cat", str(SAMPLE), cwd=tmp_path).stdout.splitlines()
    assert len(said) == 20
    assert all("ChannelDtmfReceived" in line for line in said)
    (tmp_path / "other.toml").write_text("[capture]\nmax_events = 3\nreconnect = false\nkeepalive = '5s'\n")
    done = arirecord("--config", "other.toml", "capture", "--url", "http://x.invalid", cwd=tmp_path)
    assert "can't connect" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense = 1", "'nonsense' belongs in the table of a command"),
        ("[nonsense]\na = 1", "[nonsense] is not a command"),
        ("[captur]\na = 1", "[captur] is not a command. Did you mean 'capture'?"),
        ("[capture]\nnonsense = 1", "capture has no option --nonsense"),
        ("[capture]\nurls = 1", "capture has no option --urls. Did you mean 'url'?"),
        ("[capture]\nmax-events = 'many'", "'many' is not a valid integer"),
        ("[capture", "is not TOML"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, words: str) -> None:
    """One sentence that says what is wrong, and no traceback."""
    (tmp_path / "arirecord.toml").write_text(text)
    done = arirecord("capture", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_quiet_and_verbose(tmp_path: Path) -> None:
    """Quiet leaves what was lost and errors; verbose adds the trace of an error. Before or behind the verb."""
    (tmp_path / "events.jsonl").write_text('{"type":"Dial"}\n{"type":"Dial","broken')
    loud = arirecord("import", "events.jsonl", "-o", "1.parquet", cwd=tmp_path)
    assert "1.parquet: " in loud.stderr
    for args in (["-q", "import", "events.jsonl"], ["import", "events.jsonl", "--quiet"]):
        done = arirecord(*args, "-o", "1.parquet", "--force", cwd=tmp_path)
        assert done.returncode == loud.returncode == 3
        assert "1.parquet: " not in done.stderr
        assert "broken" in done.stderr
    for args in (["info", "nothing.parquet", "-v"], ["-v", "info", "nothing.parquet"]):
        done = arirecord(*args, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("Traceback")) == (1, 1)
    assert "Traceback" not in arirecord("info", "nothing.parquet", cwd=tmp_path).stderr


def test_a_quiet_demo(tmp_path: Path) -> None:
    """Prints results only; nothing but errors would be on stderr. Programs in the folder are not imported."""
    (tmp_path / "click.py").write_text("raise SystemExit('a stranger')")
    done = arirecord("demo", "--quiet", "--speed", "max", "-o", "demo.parquet", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_no_colour(tmp_path: Path) -> None:
    """On a terminal with NO_COLOR nothing is coloured."""
    reader, terminal = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "arirecord", "query", str(SAMPLE), "SELECT 1 AS one"]
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment, cwd=tmp_path) as process:
        os.close(terminal)
        said = b""
        try:
            while data := os.read(reader, 4096):
                said += data
        except OSError:  # the other end is closed
            pass
        assert process.wait() == 0
    os.close(reader)
    assert b"one" in said
    assert b"\x1b[3" not in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tmp_path: Path, shell: str) -> None:
    """The shell's script asks the command, which answers with verbs and options."""
    script = arirecord("completion", shell, cwd=tmp_path)
    assert "_ARIRECORD_COMPLETE" in script.stdout
    assert arirecord("completion", cwd=tmp_path, SHELL=f"/bin/{shell}").stdout == script.stdout
    asked = {"_ARIRECORD_COMPLETE": f"{shell}_complete", "COMP_CWORD": "1" if shell != "fish" else "re"}
    said = arirecord(cwd=tmp_path, COMP_WORDS="arirecord re", **asked).stdout
    assert {"replay", "recover"} <= {verb for verb in VERBS if verb in said}


def completed(*words: str, cwd: Path) -> list[str]:
    """What bash offers for the last of these words."""
    asked = {"_ARIRECORD_COMPLETE": "bash_complete", "COMP_CWORD": str(len(words))}
    said = arirecord(cwd=cwd, COMP_WORDS=shlex.join(["arirecord", *words]), **asked).stdout
    return [line.partition(",")[2] for line in said.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["calls", "x.parquet", "--disposition", "b"], ["BUSY"]),
        (["calls", "x.parquet", "--columns", "call_id,talk"], ["call_id,talk_s"]),
        (["calls", "x.parquet", "--sort", "call_id,-talk"], ["call_id,-talk_s"]),
        (["calls", "x.parquet", "--columns", "talk_s,talk"], []),
        (["kpis", "x.parquet", "--by", "tr"], ["trunk"]),
        (["dtmf", "x.parquet", "--set", "dtmf_g"], ["dtmf_gap_ms="]),
        (["cat", "x.parquet", "--type", "channeldtmf"], ["ChannelDtmfReceived"]),
        (["capture", "--exclude", "ChannelVar"], ["ChannelVarset"]),
        (["metrics", "transf"], ["transfers"]),
        (["models", "--model", "int_kpi"], ["int_kpi_legs"]),
        (["help", "expl"], ["explain"]),
    ],
)
def test_values_are_completed(tmp_path: Path, words: list[str], expected: list[str]) -> None:
    """Dispositions, columns, parameters, event types, tables, models and commands."""
    assert completed(*words, cwd=tmp_path) == expected


def test_completing_loads_duckdb_only_for_tables() -> None:
    """A completion is asked for while somebody waits."""
    code = (
        "import sys; from click.shell_completion import BashComplete; from arirecord.cli import cli;"
        "shell = BashComplete(cli, {}, 'arirecord', '_ARIRECORD_COMPLETE');"
        "found = [shell.get_completions(*asked) for asked in"
        " (([], 're'), (['metrics'], 'c'), (['cat', 'x', '--type'], 'Dial'), (['query'], 'x'))];"
        "assert all(found), found; print({'duckdb', 'pyarrow', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "set()\n"


def test_the_dispositions_are_those_of_the_model() -> None:
    """What is completed is what the SQL gives."""
    (model,) = (model for model in load_models(["int_call_dispositions"]) if model.name == "int_call_dispositions")
    described = re.findall(r"[A-Z][A-Z ]{2,}[A-Z]", describe("calls").columns["disposition"])

    assert set(re.findall(r"(?:THEN|ELSE) '([A-Z ]+)'", model.sql)) <= set(DISPOSITIONS)
    assert {*DISPOSITIONS, "NULL"} == set(described)


def test_bash_completes(tmp_path: Path) -> None:
    """In a real bash."""
    (tmp_path / "complete.bash").write_text(arirecord("completion", "bash", cwd=tmp_path).stdout)
    ask = (
        "source ./complete.bash; COMP_WORDS=(arirecord capture --take); COMP_CWORD=2; "
        '_arirecord_completion arirecord; echo "${COMPREPLY[@]}"'
    )
    (tmp_path / "arirecord").write_text(f'#!/bin/sh\nexec {sys.executable} -m arirecord "$@"\n')
    (tmp_path / "arirecord").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", ask], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "--takeover", done.stderr
