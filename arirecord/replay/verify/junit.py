"""The result of a verification as JUnit XML, for build servers."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from .run import Verified

__all__ = ["write_junit"]

_FORBIDDEN: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Sequence[Verified], target: Path) -> None:
    """Write a test suite for each session, and a test case for each call. Raises `OSError`."""
    root = ElementTree.Element("testsuites", name="arirecord verify")
    for result in results:
        failures = sum(not call.is_same for call in result.calls)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=str(result.path),
            tests=str(len(result.calls) + (result.trouble is not None)),
            failures=str(failures),
            errors=str(int(result.trouble is not None)),
            time=f"{result.wall_s:.3f}",
        )
        for call in result.calls:
            case = ElementTree.SubElement(suite, "testcase", classname=result.path.stem, name=str(call.call))
            if not call.is_same:
                failure = ElementTree.SubElement(case, "failure", message=_plain(call.lines()[-1]))
                failure.text = _plain("\n".join(call.lines()))
        if result.trouble is not None:
            case = ElementTree.SubElement(suite, "testcase", classname=result.path.stem, name="the app")
            ElementTree.SubElement(case, "error", message=_plain(result.trouble))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(target, encoding="utf-8", xml_declaration=True)


def _plain(text: str) -> str:
    """The text without characters that XML cannot contain."""
    return _FORBIDDEN.sub("\ufffd", text)
