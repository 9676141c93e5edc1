"""Rule files: shipped sets are whole, and each mistake in a file is one sentence with the file and the rule."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arirecord
from arirecord.errors import RuleError
from arirecord.rules import read_rules, shipped_rules

PACKAGE = Path(arirecord.__file__).parent
RULE = "[rules.own]\ncheck = 'calls -> some'\n"


@pytest.mark.parametrize("name", ["linter", "doctor", "default", "voice"])
def test_each_shipped_rule_says_what_it_finds_and_what_to_do(name: str) -> None:
    for rule in shipped_rules(name).values():
        assert rule.title, rule.id
        assert rule.fix.endswith("."), rule.id


def test_each_finding_of_the_doctor_has_a_rule() -> None:
    """And each rule a finding."""
    calls = [
        node
        for path in (PACKAGE / "doctor").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
    ]
    ids = {node.args[1].value for node in calls if isinstance(node.args[1], ast.Constant)}

    assert ids == shipped_rules("doctor").keys()


def test_the_default_set_has_the_rules_of_linter_and_doctor() -> None:
    assert shipped_rules("default").keys() >= {*shipped_rules("linter"), *shipped_rules("doctor")}


WRONG = {
    "": "is empty",
    "[rules": "is not TOML",
    "[rules.a]\ncheck = 'calls -> some'": "has no version: begin it with `version = 1`",
    f"version = 2\n{RULE}": "has version 2, and this arirecord reads version 1",
    f"version = true\n{RULE}": "has version True",
    f"version = '1'\n{RULE}": "has version '1'",
    "version = 1": "has no rules",
    "version = 1\nrules = 3": "'rules' is not a table: write [rules]",
    f"version = 1\nrulez = 3\n{RULE}": "has an unknown key 'rulez'. Did you mean 'rules'?",
    "version = 1\n[rules.own]\nchek = 'calls -> some'": "rule 'own' has an unknown key 'chek'. Did you mean 'check'?",
    "version = 1\n[rules]\nown = 3": "rule 'own' is not a table: write [rules.own]",
    "version = 1\n[rules.own]\ncheck = 3": "rule 'own': 'check' is not a text",
    "version = 1\n[rules.own]\nfix = 'x'": "rule 'own' needs either 'check' or 'sql'",
    "version = 1\n[rules.own]\ncheck = 'a'\nsql = 'b'": "rule 'own' needs either 'check' or 'sql', not both",
    f"version = 1\n{RULE}severity = 'fatal'": "rule 'own': severity 'fatal' is not one of error, warning, note, off",
    f"version = 1\n{RULE}severity = 'off'": "rule 'own' is off, and no included set has it",
    f"version = 1\n{RULE}unknown_fails = 'yes'": "rule 'own': 'unknown_fails' is not true or false",
    f"version = 1\ninclude = ['/etc/passwd']\n{RULE}": "includes '/etc/passwd', which is not a shipped set",
    f"version = 1\ninclude = 'default'\n{RULE}": "'include' is not a list of names",
    f"version = 1\n[parameters]\ntrunks = ['a']\n{RULE}": "parameter 'trunks' is neither a number nor a text",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_one_sentence(text: str, tmp_path: Path) -> None:
    """It names the file, and the rule where the mistake is in one."""
    file = tmp_path / "rules.toml"
    file.write_text(text)

    with pytest.raises(RuleError) as raised:
        read_rules([file])

    assert str(raised.value).startswith(str(file))
    assert WRONG[text] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_are_not_rules(tmp_path: Path) -> None:
    """A file that does not exist, a folder, bytes, and a file of gigabytes."""
    binary, huge = tmp_path / "binary", tmp_path / "huge"
    binary.write_bytes(b"\xff\xfe\x00")
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    for path, words in {
        tmp_path / "none.toml": "does not exist",
        tmp_path: "cannot be read",
        binary: "is not TOML",
        huge: "more than 1,000,000 bytes",
    }.items():
        with pytest.raises(RuleError, match=words):
            read_rules([path])


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: f"version = 1\n{text}"))
def test_any_text_is_rules_or_a_rule_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_rules([file])
    except RuleError as error:
        assert str(file) in str(error)


def test_a_file_changes_and_switches_off_rules_of_an_included_set(tmp_path: Path) -> None:
    """The rest of a changed rule stays."""
    file = tmp_path / "rules.toml"
    file.write_text(
        "version = 1\ninclude = ['linter']\n[rules.late-event]\nseverity = 'error'\n"
        "[rules.missing-begin]\nseverity = 'off'\n" + RULE
    )
    rules = read_rules([file]).rules
    shipped = shipped_rules("linter")

    assert rules.keys() == {*shipped, "own"} - {"missing-begin"}
    assert (rules["late-event"].severity, rules["late-event"].check) == ("error", shipped["late-event"].check)
    assert rules["transfer-failed"] == shipped["transfer-failed"]


def test_the_later_of_two_sources_counts(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("version = 1\n[parameters]\ndtmf_gap_ms = 1\n[rules.own]\ncheck = 'calls -> some'")
    two.write_text("version = 1\n[parameters]\ndtmf_gap_ms = 2\n[rules.own]\ncheck = 'calls -> none'")
    both = read_rules([one, two])

    assert (both.parameters, both.rules["own"].check) == ({"dtmf_gap_ms": 2}, "calls -> none")
