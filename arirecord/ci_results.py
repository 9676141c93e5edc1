"""Results for build servers: JUnit XML, and annotations of GitHub Actions."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from xml.etree import ElementTree

__all__ = ["JUnitCase", "JUnitSuite", "github_annotation", "write_suites"]

_FORBIDDEN: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class JUnitCase:
    """One test case; `outcome`: None if it passed. `message` has one line, `details` the text below it."""

    name: str
    outcome: Literal["failure", "error", "skipped"] | None = None
    message: str = ""
    details: str = ""


@dataclass(frozen=True)
class JUnitSuite:
    """The test cases of one session."""

    name: str
    classname: str
    cases: Sequence[JUnitCase]
    time_s: float | None = None


def write_suites(name: str, suites: Iterable[JUnitSuite], target: Path) -> None:
    """Write JUnit XML. Raises `OSError`."""
    root = ElementTree.Element("testsuites", name=name)
    for suite in suites:
        outcomes = [case.outcome for case in suite.cases]
        element = ElementTree.SubElement(
            root,
            "testsuite",
            name=_plain(suite.name),
            tests=str(len(outcomes)),
            failures=str(outcomes.count("failure")),
            errors=str(outcomes.count("error")),
            skipped=str(outcomes.count("skipped")),
        )
        if suite.time_s is not None:
            element.set("time", f"{suite.time_s:.3f}")
        for case in suite.cases:
            test = ElementTree.SubElement(
                element, "testcase", classname=_plain(suite.classname), name=_plain(case.name)
            )
            if case.outcome is not None:
                ElementTree.SubElement(test, case.outcome, message=_plain(case.message)).text = _plain(case.details)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(target, encoding="utf-8", xml_declaration=True)


def github_annotation(level: Literal["error", "warning", "notice"], file: Path, title: str, text: str) -> str:
    """Return a workflow command of GitHub Actions that shows a text at a file."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    place, title = (
        each.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
        for each in (str(file), title)
    )
    return f"::{level} file={place},title={title}::{text}"


def _plain(text: str) -> str:
    """The text without characters that XML cannot contain."""
    return _FORBIDDEN.sub("\ufffd", text)
