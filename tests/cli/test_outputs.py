"""No verb destroys a file: outputs replace neither inputs nor, without `--force`, anything else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from arirecord.cli import VERBS, cli
from arirecord.cli.output import Input, OutputOption, Verb
from arirecord.session.journal import JournalWriter
from tests.reference import command_of

from .conftest import SAMPLES, Run

IVR = SAMPLES / "ivr_dtmf.parquet"
NAMES_A_RECORDING = {"mark"}
"""`mark -o` says which running recording the note is for."""
NEEDED = {
    "query": ["SELECT 1 AS one"],
    "explain": ["--all"],
    "filter": ["--type", "Dial"],
    "redact": ["--key-file", "key"],
    "verify": ["--", "true"],
    "models": ["--sql"],
}
"""What a verb needs besides its inputs and the output."""


def outputs() -> Iterator[tuple[str, OutputOption]]:
    """Each verb with each of its options that name an output."""
    for verb in VERBS:
        yield from ((verb, option) for option in command_of(verb).params if isinstance(option, OutputOption))


def inputs(verb: str) -> list[click.Argument]:
    return [p for p in command_of(verb).params if isinstance(p, click.Argument) and isinstance(p.type, Input)]


CASES = [
    pytest.param(verb, option, ending, id=f"{verb} {option.opts[0]} {ending}")
    for verb, option in outputs()
    for ending in dict.fromkeys([*[name for names in option.formats.values() for name in names][-1:], ".parquet"])
]


def arguments_of(verb: str, given: str) -> list[str]:
    """An input in the place of each argument for one, twice if it takes several; before them the action of a verb."""
    actions = [p.type.choices[0] for p in command_of(verb).params if isinstance(p.type, click.Choice) and p.required]
    return actions + [given for argument in inputs(verb) for _ in range(2 if argument.nargs == -1 else 1)]


def content(verb: str, path: Path) -> None:
    """Put what a verb reads at a path."""
    if verb == "import":
        path.write_text('{"type":"Dial","timestamp":"2026-11-23T22:57:47.400+0000"}\n')
    elif verb == "recover":
        writer = JournalWriter(path, 1, {"verb": "test"})
        writer.write([(1, 1, "event", '{"type":"Dial"}')])
        writer.close()
    else:
        shutil.copy(IVR, path)


def invoke(verb: str, option: OutputOption, given: str, output: str, *more: str) -> Result:
    """Run a verb on an input, which takes the place of each of its arguments."""
    needed = NEEDED.get(verb, [])
    place = needed.index("--") if "--" in needed else len(needed)
    return CliRunner().invoke(
        cli,
        [
            "--no-config",
            verb,
            *arguments_of(verb, given),
            *needed[:place],
            option.opts[0],
            output,
            *more,
            *needed[place:],
        ],
    )


def forced(verb: str) -> list[list[str]]:
    return [[], ["--force"]] if any("--force" in option.opts for option in command_of(verb).params) else [[]]


def test_every_path_of_a_verb_is_an_input_or_an_output() -> None:
    """Else nothing would check it."""
    for verb in VERBS:
        command = command_of(verb)
        for parameter in command.params:
            names_output = "-o" in parameter.opts and verb not in NAMES_A_RECORDING
            assert not names_output or isinstance(parameter, OutputOption), verb
            if isinstance(parameter.type, click.Path) and verb not in NAMES_A_RECORDING:
                assert isinstance(parameter, OutputOption) or isinstance(parameter.type, Input), (verb, parameter.name)
            assert not isinstance(parameter, OutputOption) or isinstance(command, Verb), verb


WAYS: dict[str, Callable[[Path], str]] = {
    "as it is": lambda path: path.name,
    "by ./": lambda path: f"./{path.name}",
    "absolute": str,
    "by ..": lambda path: f"../{path.parent.name}/{path.name}",
    "by a symbolic link": lambda path: linked(path, os.symlink),
    "by a hard link": lambda path: linked(path, os.link),
}


def linked(path: Path, link: Callable[[Path, Path], None]) -> str:
    name = f"{link.__name__}{path.suffix}"
    if not (path.parent / name).exists():
        link(path, path.parent / name)
    return name


@pytest.mark.parametrize(("verb", "option", "ending"), CASES)
def test_an_input_is_never_replaced(
    verb: str, option: OutputOption, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even with `--force`, however it is named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("a key of more than sixteen bytes\n")
    given = tmp_path / f"mine{ending}"
    content(verb, given)
    before = given.read_bytes()
    for (way, name), force in product(WAYS.items(), forced(verb) if inputs(verb) else []):
        done = invoke(verb, option, given.name, name(given), *force)

        assert given.read_bytes() == before, way
        assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit), done.output
        if ending in [name for names in option.formats.values() for name in names]:
            assert (done.exit_code, "is an input of this command" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(("verb", "option", "ending"), CASES)
def test_a_part_of_an_input_is_never_replaced(
    verb: str, option: OutputOption, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one added to a folder that is read, and the folder is not an output."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("a key of more than sixteen bytes\n")
    part = tmp_path / "days" / "monday" / f"part{ending}"
    part.parent.mkdir(parents=True)
    content(verb, part)
    shutil.copy(IVR, tmp_path / "days" / "one.parquet")
    before = part.read_bytes()
    for force in forced(verb) if inputs(verb) else []:
        for output in (f"days/monday/part{ending}", "days", "days/", "./days/monday/../", "days/new.parquet"):
            done = invoke(verb, option, "days", output, *force)

            assert part.read_bytes() == before
            assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit), (output, done.output)
    assert len(list((tmp_path / "days").rglob("*"))) == 3


@pytest.mark.parametrize(("verb", "option", "ending"), CASES)
def test_an_existing_file_is_replaced_by_force_only(
    verb: str, option: OutputOption, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the message names the option, where there is one. A folder is not a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("a key of more than sixteen bytes\n")
    (tmp_path / "folder.parquet").mkdir()
    content(verb, tmp_path / "mine")
    precious = tmp_path / f"precious{ending}"
    precious.write_text("precious")
    (tmp_path / f"link{ending}").symlink_to(precious)
    for output in (precious.name, f"./{precious.name}", f"link{ending}"):
        done = invoke(verb, option, "mine", output)

        assert precious.read_text() == "precious"
        assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit), done.output
        if not option.formats or ending in [name for names in option.formats.values() for name in names]:
            assert (done.exit_code, "exists; choose another output" in done.stderr) == (1, True), done.stderr
            assert ("--force" in done.stderr) == (len(forced(verb)) == 2)
    assert (tmp_path / f"link{ending}").is_symlink()


@pytest.mark.slow
def test_the_ending_decides_the_format(run: Run, tmp_path: Path) -> None:
    """Unless `--format` does; a default of the environment is not in its way."""
    for name, begin in (
        ("a.csv", b"call_id,"),
        ("a.json", b"[\n{"),
        ("a.jsonl", b'{"call_id"'),
        ("a.PARQUET", b"PAR1"),
        ("a.md", b"| call_id |"),
    ):
        run("calls", IVR, "-o", name, env={**os.environ, "ARIRECORD_CALLS_FORMAT": "json"})
        assert (tmp_path / name).read_bytes().startswith(begin), name
    call = "1795474657.0"
    for name, begin in (
        ("a.svg", b"<svg"),
        ("a.html", b"<!DOCTYPE html>"),
        ("a.mmd", b"sequenceDiagram"),
        ("b.md", b"## 1795474657.0\n"),
    ):
        run("explain", IVR, call, "-o", name)
        assert (tmp_path / name).read_bytes().lower().startswith(begin.lower()), name
    run("export", IVR, "-o", "e.csv")
    run("models", IVR, "-o", "m.sql")
    run("calls", IVR, "--format", "csv", "-o", "calls.tsv")

    assert (tmp_path / "e.csv").read_text().startswith("seq,")
    assert "CREATE" in (tmp_path / "m.sql").read_text()
    assert (tmp_path / "calls.tsv").read_text().startswith("call_id,")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["calls", IVR, "-o", "x.xlsx"], "calls can't write .xlsx (x.xlsx): the name must end in .txt, .csv,"),
        (["calls", IVR, "-o", "x.svg"], "must end in"),
        (["calls", IVR, "--format", "json", "-o", "x.csv"], "x.csv ends in .csv, which is not --format json"),
        (["calls", IVR, "--format", "csv", "-o", "x.svg"], "x.svg ends in .svg, which is not --format csv"),
        (["calls", IVR, "--format", "csv", "-o", "x.xlsx"], "x.xlsx ends in .xlsx, which is not --format csv"),
        (["explain", IVR, "--all", "-o", "x.csv"], "the name must end in .txt, .mmd, .md, .svg or .html"),
        (["report", IVR, "-o", "x.pdf"], "the name must end in .html"),
        (["export", IVR, "-o", "x.json"], "the name must end in .parquet, .csv or .jsonl"),
        (["filter", IVR, "--type", "Dial", "-o", "x.csv"], "the name must end in .parquet"),
        (["capture", "-o", "x.csv"], "the name must end in .parquet"),
        (["models", IVR, "--sql", "-o", "x.csv"], "--sql prints SQL, not csv"),
    ],
)
def test_an_ending_that_cannot_be_written(arguments: list[object], words: str, tmp_path: Path) -> None:
    """Is wrong usage, and nothing is made."""
    place = [str(a) if a != arguments[-1] else str(tmp_path / str(a)) for a in arguments]
    done = CliRunner().invoke(cli, ["--no-config", *place])

    assert done.exit_code == 2
    assert words in done.stderr.replace(f"{tmp_path}/", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", [verb for verb in VERBS if inputs(verb)])
def test_a_missing_input(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is exit code 1, of every verb, and named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("a key of more than sixteen bytes\n")
    options = [option for name, option in outputs() if name == verb and option.required]
    given = [word for option in options for word in (option.opts[0], "new")]
    done = CliRunner().invoke(cli, ["--no-config", verb, *arguments_of(verb, "missing"), *given, *NEEDED.get(verb, [])])

    assert (done.exit_code, "missing does not exist" in done.stderr) == (1, True), done.output
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_stdout_by_name(run: Run, name: str) -> None:
    """Is the default, named."""
    assert run("calls", IVR, "--format", "csv", "-o", name).stdout.startswith(b"call_id,")
    assert run("report", IVR, "-o", name, "--worst", "0").stdout.startswith(b"<!")


@pytest.mark.parametrize("name", ["-", "new/"])
def test_a_name_that_is_no_file(run: Run, name: str) -> None:
    """Nothing is made."""
    assert b": name a file" in run("filter", IVR, "--type", "Dial", "-o", name, code=2).stderr
    assert not Path(name).exists()


def test_an_input_by_redirection_is_never_replaced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("SELECT 1")
    command = f"{sys.executable} -m arirecord query '{IVR}' - -o q.csv --force < q.csv"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)

    assert (done.returncode, b"q.csv is an input" in done.stderr) == (1, True)
    assert (tmp_path / "q.csv").read_text() == "SELECT 1"


def test_a_device_is_not_replaced(run: Run) -> None:
    """By a session, which can't be written to one."""
    assert b"is a pipe or a device" in run("compact", IVR, "-o", "/dev/null", "--force", code=1).stderr
    assert Path("/dev/null").is_char_device()
