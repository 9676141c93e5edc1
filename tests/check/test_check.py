"""Rules are checked as docs/check.md describes: short forms and SQL, severities, values that are unknown, mistakes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

import arirecord
from arirecord.check import CheckResult, RuleResult, run_rules
from arirecord.check.short_form import parse_short_form
from arirecord.cli import cli
from arirecord.errors import RuleError
from arirecord.rules import read_rules
from arirecord.session.reader import SessionFile, open_session
from tests.conftest import make_session

SAMPLES = Path(__file__).parents[2] / "sample_data"
AGENTS = Path(__file__).parents[1] / "analytics" / "agents"
Check = Callable[..., RuleResult]


@pytest.fixture(scope="module")
def session() -> SessionFile:
    """27 calls: 3 answered; every way a call can fail."""
    return open_session(SAMPLES / "failed_calls.parquet")


@pytest.fixture
def check(session: SessionFile, tmp_path: Path) -> Check:
    """`check("calls -> some", severity="note")`: the result of one rule."""

    def check(text: str = "", parameters: str = "", **keys: Any) -> RuleResult:
        keys = {**({"check": text} if text else {}), **keys}
        lines = [f"{key} = {orjson.dumps(value).decode()}" for key, value in keys.items()]
        file = tmp_path / "rules.toml"
        file.write_text("\n".join(["version = 1", parameters, "[rules.own]", *lines]))
        (result,) = run_rules(session, read_rules([file])).results
        return result

    return check


def number(session: SessionFile, sql: str) -> int:
    return int(arirecord.connect(session).execute(sql).fetchall()[0][0])


@pytest.mark.parametrize(
    ("text", "violating"),
    [
        ("calls WHERE disposition = 'BUSY' -> none", "disposition = 'BUSY'"),
        ("calls where disposition = 'BUSY' → none", "disposition = 'BUSY'"),
        ("calls: disposition <> 'BUSY'", "disposition = 'BUSY'"),
        ("calls WHERE duration_s < 1: disposition <> 'BUSY'", "disposition = 'BUSY' AND duration_s < 1"),
        ("calls.duration_s < 1", "duration_s >= 1"),
        ("calls.duration_s < 1 WHERE disposition = 'BUSY'", "duration_s >= 1 AND disposition = 'BUSY'"),
        ("calls.disposition = 'BUSY'", "disposition <> 'BUSY'"),
        ("calls.duration_max_s < 1", "duration_s >= 1"),
        ("calls.duration_p99_s <= 0.5", "duration_s > 0.5"),
        ("calls: ended_at IS NOT NULL", "false"),
        ("calls -> some", "false"),
        ("calls.count >= 1", "false"),
        ("calls.duration_sum_s > 0", "false"),
        ("calls WHERE first_channel_id = 'a: b -> none' -> none", "false"),
        ("calls: disposition <> ': x' AND duration_s::INTEGER >= 0", "false"),
    ],
)
def test_the_rows_that_violate_a_check(text: str, violating: str, check: Check, session: SessionFile) -> None:
    """They are those that SQL finds."""
    result = check(text)

    assert result.count == number(session, f"SELECT count(*) FROM calls WHERE {violating}")
    assert result.status == ("failed" if result.count else "passed")
    assert all(f"arirecord explain {session.path}" in each.command for each in result.violations)


def test_an_aggregate_names_its_value(check: Check) -> None:
    assert check("calls.count > 100").violations[0].message == "calls.count is 27"
    assert check("calls.duration_p50_s < 0").violations[0].message.startswith("duration_p50_s is ")


def test_an_amount_that_is_not_there(check: Check) -> None:
    result = check("transfers -> some")

    assert [each.message for each in result.violations] == ["transfers has no such row"]
    assert result.violations[0].command.endswith("failed_calls.parquet 'FROM transfers'")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["calls: answered_at > started_at", "calls WHERE answered_at <= started_at -> none", "calls.setup_s >= 0",
     "calls.setup_p95_s < 99"],
)  # fmt: skip
def test_values_that_are_unknown_do_not_pass(text: str, check: Check, session: SessionFile) -> None:
    """24 calls were not answered."""
    result = check(text)
    column = "setup_s" if "setup" in text else "answered_at"

    assert (result.status, result.severity) == ("unknown", None)
    assert result.unknown_count == number(session, f"SELECT count(*) FROM calls WHERE {column} IS NULL") > 0


def test_an_aggregate_of_no_rows_is_unknown(check: Check) -> None:
    assert check("transfers.answer_p95_s < 1").status == "unknown"


def test_a_condition_that_settles_it_is_not_unknown(check: Check) -> None:
    """NULL is only unknown where it matters."""
    assert check("calls WHERE disposition = 'ANSWERED': answered_at > started_at").status == "passed"


def test_unknown_can_fail(check: Check) -> None:
    result = check("calls.setup_s >= 0", unknown_fails=True, severity="warning")

    assert (result.status, result.severity) == ("failed", "warning")


def test_sql(check: Check) -> None:
    """Each row is a violation, with the message, the severity and what is unknown from its columns."""
    result = check(
        sql="""SELECT call_id, 'warning' AS severity, disposition, answered_at IS NULL AND duration_s > 1 AS is_unknown
            FROM calls -- the end""",
        message="{call_id} was {disposition}",
    )

    assert result.severity == "warning"
    assert result.unknown_count > 0
    assert result.violations[0].message == "{call_id} was {disposition}".format(**result.violations[0].row)


def test_a_severity_of_the_rule_counts_more_than_that_of_rows(check: Check) -> None:
    assert check("findings -> none").severity == "warning"
    assert check("findings -> none", severity="error").severity == "error"


def test_parameters(check: Check) -> None:
    result = check(sql="SELECT 1 AS one WHERE param('dtmf_gap_ms') = 5000", parameters="parameters.dtmf_gap_ms = 5000")

    assert result.count == 1


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"check": "cals -> none"}, "No table is named 'cals'. Did you mean 'calls'"),
        ({"check": "calls.duratoin_s < 1"}, "calls has no column 'duratoin_s'. Did you mean 'duration_s'"),
        ({"check": "calls: duratoin_s < 1"}, "calls has no column 'duratoin_s'. Did you mean 'duration_s'"),
        ({"check": "calls WHERE endde_at IS NULL -> none"}, "calls has no column 'endde_at'. Did you mean 'ended_at'"),
        ({"sql": "SELECT duratoin_s FROM calls"}, "duratoin_s"),
        ({"sql": "FROM cals"}, "Did you mean 'calls'"),
        ({"check": "calls"}, "is not a check: write it as in"),
        ({"check": "calls -> few"}, "is not a check: write it as in"),
        ({"check": "calls: ("}, "syntax error"),
        ({"check": "calls: disposition"}, "onver"),
        ({"sql": "DROP TABLE calls"}, "syntax error"),
        ({"sql": "SELECT 1; SELECT 2"}, "syntax error"),
        ({"sql": ""}, "syntax error"),
        ({"check": "calls -> none", "message": "{caller}"}, "its message names no column 'caller'"),
        ({"check": "calls -> none", "parameters": "parameters.dtmf_gap = 1"}, "Did you mean 'dtmf_gap_ms'"),
        ({"check": "calls -> none", "parameters": "parameters.dtmf_gap_ms = 'long'"}, "is a number of ms"),
    ],
    ids=str,
)
def test_a_mistake_names_the_file_and_the_rule(keys: dict[str, str], words: str, check: Check) -> None:
    """In one sentence."""
    with pytest.raises(RuleError) as raised:
        check(**keys)

    assert words in str(raised.value)
    assert "rules.toml: " in str(raised.value)
    assert "'own'" in str(raised.value) or "[parameters]" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "sql",
    ["FROM read_text('{secret}')", "FROM read_csv('{secret}')", "FROM '{secret}'", "FROM glob('{secret}*')",
     "COPY (SELECT 1) TO '{secret}'", "SELECT 1) TO '{secret}'; COPY (SELECT 1",
     "FROM query('COPY (SELECT 1) TO ''{secret}''')", "SELECT getvariable('x'), * FROM read_blob('{secret}')",
     "SELECT 1); SET lock_configuration = false; (SELECT 1", "SELECT 1); ATTACH '{secret}' AS x; (SELECT 1",
     "SELECT 1); LOAD httpfs; (SELECT 1"],
)  # fmt: skip
def test_a_rule_of_a_stranger_reads_and_writes_no_file(sql: str, check: Check, tmp_path: Path) -> None:
    """In SQL and in the conditions of a short form."""
    secret = tmp_path / "secret.csv"
    secret.write_text("key,word\n1,hidden\n")
    text = sql.replace("{secret}", str(secret))

    with pytest.raises(RuleError) as raised:
        check(sql=text)
    with pytest.raises(RuleError):
        check(f"calls WHERE call_id IN ({text}) -> none")

    assert "hidden" not in str(raised.value)
    assert secret.read_text() == "key,word\n1,hidden\n"
    assert {*tmp_path.iterdir()} == {tmp_path / "rules.toml", secret}


@pytest.mark.parametrize("text", ["turns.latency_p95_s < 0.8", "transfers WHERE outcome = 'failed' → none"])
def test_forms_of_the_docs_are_read(text: str) -> None:
    assert parse_short_form(text).table in ("turns", "transfers")


def invoke(*args: object) -> Any:
    return CliRunner().invoke(cli, ["check", *map(str, args)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.toml"
    file.write_text(
        "version = 1\n[rules.busy]\ntitle = 'no call is busy'\ncheck = \"calls WHERE disposition = 'BUSY' -> none\"\n"
        "message = '{call_id} is busy: 100%'\nfix = 'Get another line.'\nseverity = 'warning'\n"
        "[rules.talk]\ncheck = 'calls.setup_s >= 0'\n[rules.fine]\ncheck = 'calls -> some'\n"
    )
    return file


def test_the_command_prints_what_failed(rules: Path) -> None:
    """With the calls, the command that explains each, and what to do."""
    session = SAMPLES / "failed_calls.parquet"
    done = invoke(session, "--rules", rules)

    assert done.exit_code == 0
    assert "warning  busy: no call is busy" in done.stdout
    assert f"arirecord explain {session} " in done.stdout
    assert "Fix: Get another line." in done.stdout
    assert "unknown  talk: unknown for " in done.stdout
    assert done.stdout.endswith("3 rules, 1 failed (1 warning), 1 unknown\n")


def test_the_exit_code(rules: Path) -> None:
    assert invoke(SAMPLES / "failed_calls.parquet", "--rules", rules, "--fail-on", "warning").exit_code == 1
    assert invoke(SAMPLES / "failed_calls.parquet", "--rules", rules, "--fail-on", "error").exit_code == 0


@pytest.mark.slow
def test_junit_json_and_github(rules: Path, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    junit, session = tmp_path / "check.xml", SAMPLES / "failed_calls.parquet"
    options = (session, session, "--rules", rules, "--fail-on", "warning")
    done = invoke(*options, "--format", "json", "--junit", junit)
    cases = ElementTree.parse(junit).findall("testsuite/testcase")
    facts = orjson.loads(done.stdout)

    assert [[child.tag for child in case] for case in cases] == [["failure"], ["skipped"], []] * 2
    assert [each["status"] for each in facts[0]["rules"]] == ["failed", "unknown", "passed"]
    assert facts[0]["rules"][0]["violations"][0]["row"]["disposition"] == "BUSY"
    first, second, *_ = invoke(*options, "--format", "github").stdout.splitlines()
    assert first.startswith(f"::warning file={session},title=busy::")
    assert "is busy: 100%25%0A" in first
    assert second.startswith(f"::notice file={session},title=talk::unknown for ")


def test_a_wrong_rules_file_is_one_sentence(tmp_path: Path) -> None:
    done = invoke(SAMPLES / "failed_calls.parquet", "--rules", tmp_path / "none.toml")

    assert done.exit_code == 1
    assert "none.toml: the rules file does not exist. Give a file, or a shipped set: default, voice" in done.stderr


def test_the_result_in_python(session: SessionFile, rules: Path) -> None:
    result = arirecord.open_session(session.path).check(rules)

    assert isinstance(result, CheckResult)
    assert result.is_ok
    assert [each.rule.id for each in result.failed("warning")] == ["busy"]
    assert str(result).startswith("warning  busy: no call is busy")


@pytest.mark.slow
def test_the_voice_rules_on_calls_of_bots(tmp_path: Path) -> None:
    """The playing bot answers after 1.5 to 5 s; all its turns are measured. The recordings of legs have turns that
    are not.
    """

    def failed(name: str) -> set[str]:
        path = make_session(AGENTS / name / "events.jsonl.zst", tmp_path / f"{name}.parquet")
        return {each.rule.id for each in arirecord.open_session(path).check("voice").failed("warning")}

    slow = {"slow-answers", "slowest-answer", "slow-yield", "dead-air", "turn-unanswered"}

    assert failed("playback") == slow
    assert failed("audiosocket") == {*slow, "turns-measured"}
