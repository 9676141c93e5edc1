"""Settings files: the user's own is trusted; one found in a folder may have been written by anybody."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from arirecord.cli import cli

SAMPLE = str(Path(__file__).parents[2] / "sample_data" / "ivr_dtmf.parquet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, below a home without settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("ARIRECORD_PASSWORD", "topsecret")
    below = tmp_path / "handed-over" / "below"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    return below


def arirecord(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("[calls]\noutput = 'pwned'\nformat = 'csv'", ["calls", SAMPLE]),
        ("[calls]\nforce = true", ["calls", SAMPLE]),
        ("[query]\noutput = 'pwned'", ["query", SAMPLE, "SELECT 1"]),
        ("[query]\nunsafe = true", ["query", SAMPLE, "SELECT 1"]),
        ("[query]\nfile = '/etc/passwd'", ["query", SAMPLE]),
        ("[verify]\njunit = 'pwned'", ["verify", SAMPLE, "--", "true"]),
        ("[replay]\nrecord-client = 'pwned'", ["replay", SAMPLE]),
        ("[replay]\nchaos_log = 'pwned'", ["replay", SAMPLE]),
        ("[replay]\nhost = '0.0.0.0'", ["replay", SAMPLE]),
        ("[replay]\ninsecure-open = true", ["replay", SAMPLE]),
        ("[replay]\nallow_origin = ['https://evil.example']", ["replay", SAMPLE]),
        ("[replay]\nconnect = ['ws://evil.example/']", ["replay", SAMPLE]),
        ("[tap]\nupstream = 'http://evil.example/ari'", ["tap"]),
        ("[tap]\nlisten = '0.0.0.0:1'", ["tap"]),
        ("[capture]\ninsecure = true", ["capture"]),
        ("[capture]\nca = 'evil.pem'", ["capture"]),
        ("[redact]\nnames = false", ["redact", SAMPLE, "-o", "r.parquet"]),
        ("[retain]\nkeep = '1d'", ["retain", "."]),
        ("[erase]\nnumber = ['1001']", ["erase", SAMPLE]),
        ("[tables]\nmaster = 'spark://evil.example:7077'", ["tables", "build", SAMPLE]),
        ("[redact]\nkeep = ['1001']", ["redact", SAMPLE, "-o", "r.parquet"]),
    ],
)
@pytest.mark.parametrize("name", ["arirecord.toml", "pyproject.toml"])
def test_a_folder_cannot_set_what_harms(folder: Path, name: str, text: str, command: list[str]) -> None:
    text = text.replace("[", "[tool.arirecord.", 1) if name == "pyproject.toml" else text
    path = written(folder.parent / name, text)

    done = arirecord(*command)

    assert done.exit_code == 1
    assert f"{path} sets --" in done.stderr
    assert f"`arirecord --config {path} {command[0]} …`" in done.stderr
    assert not list(folder.iterdir())


def test_a_named_file_and_the_users_own_can(folder: Path, tmp_path: Path) -> None:
    text = "[calls]\noutput = 'calls.csv'"
    named = written(tmp_path / "named.toml", text)

    assert arirecord("--config", str(named), "calls", SAMPLE).exit_code == 0
    (folder / "calls.csv").unlink()

    own = written(tmp_path / "home" / ".config" / "arirecord" / "arirecord.toml", text)
    done = arirecord("calls", SAMPLE)
    assert (done.exit_code, done.stderr.count(f"Settings from {own}.")) == (0, 1)
    assert (folder / "calls.csv").exists()


def test_the_folder_overrides_the_users_own(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    own = written(tmp_path / "xdg" / "arirecord" / "arirecord.toml", "[calls]\nlimit = 1\nformat = 'jsonl'")
    found = written(folder / "arirecord.toml", "[calls]\nlimit = 2")

    done = arirecord("calls", SAMPLE)

    assert done.stdout.count("\n") == 2
    assert done.stdout.startswith("{")
    assert f"Settings from {own} and {found}." in done.stderr


@pytest.mark.slow
def test_a_wrong_value_is_said_to_be_of_the_file_or_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the command line, everybody sees it."""
    settings = written(folder / "arirecord.toml", "timezone = 'Mars'")
    assert "'Mars' is not a time zone" in (said := arirecord("calls", SAMPLE).output) and str(settings) in said
    monkeypatch.setenv("ARIRECORD_CALLS_TIMEZONE", "Moon")
    assert "ARIRECORD_CALLS_TIMEZONE" in arirecord("calls", SAMPLE).output
    said = arirecord("calls", SAMPLE, "--timezone", "Venus").output
    assert "Venus" in said and "It is set" not in said


def test_the_file_used_is_named_unless_quiet(folder: Path) -> None:
    path = written(folder / "arirecord.toml", "[calls]\nlimit = 1")

    assert f"Settings from {path}." in arirecord("calls", SAMPLE).stderr
    assert "Settings" not in arirecord("calls", SAMPLE, "--quiet").stderr
    assert "Settings" not in arirecord("legs", SAMPLE).stderr
    assert "Settings" not in arirecord("--no-config", "calls", SAMPLE).stderr


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("[capture]\nurl = 'http://127.0.0.1:9/ari'", ["--user", "ari"]),
        ("[capture]\nurl = 'http://127.0.0.1:9/ari'", ["--user", "ari:topsecret"]),
        ("[capture]\nurl = 'http://127.0.0.1:9/ari'\nuser = 'ari'", []),
        ("[capture]\nurl = 'http://ari@127.0.0.1:9/ari'", []),
        ("url = 'http://127.0.0.1:9/ari'", ["--user", "ari"]),
    ],
)
def test_no_password_goes_to_a_host_of_a_folder(folder: Path, text: str, args: list[str]) -> None:
    written(folder / "arirecord.toml", text)

    done = arirecord("capture", "--no-reconnect", *args)

    assert done.exit_code == 2
    assert (
        "The password would go to http://127.0.0.1:9/ari, which a settings file found in a folder names" in done.stderr
    )


@pytest.mark.parametrize("text", ["user = 'ari'", "user = 'guest:guest'\nurl = 'http://127.0.0.1:9/ari'"])
def test_a_host_without_ones_password_may_be_of_a_folder(folder: Path, text: str) -> None:
    """The password is the file's own, or the host is not."""
    written(folder / "arirecord.toml", f"[capture]\n{text}")
    more = () if "url" in text else ("--url", "http://127.0.0.1:9/ari")

    assert "connection refused" in arirecord("capture", "--no-reconnect", *more).stderr
