"""The house: who may import whom, how large a module is, and what is public."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import arirecord
from arirecord import errors

PACKAGE = Path(arirecord.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ALLOWED = {
    "asterisk": set(),
    "select": set(),
    "rules": set(),
    "session": {"asterisk", "select"},
    "doctor": {"asterisk", "rules", "select", "session"},
    "capture": {"asterisk", "select", "session"},
    "tap": {"asterisk", "select", "session", "capture"},
    "replay": {"asterisk", "select", "session"},
    "analytics": {"asterisk", "rules", "select", "session"},
    "transform": {"asterisk", "select", "session", "analytics"},
    "redact": {"asterisk", "select", "session", "transform"},
    "lake": {"asterisk", "select", "session", "analytics", "transform", "redact"},
    "check": {"rules", "session", "doctor", "analytics"},
    "spark": {"analytics", "lake", "session"},
    "tables": set(),
    "api": {"check", "rules", "select", "session", "analytics", "lake", "report", "tables"},
    "report": {"asterisk", "rules", "select", "session", "analytics"},
}
ALLOWED["cli"] = {*ALLOWED}
REPLAY_FLOORS = [
    ("timing",),
    ("options",),
    ("frame_source",),
    ("rest",),
    ("pbx", "wire"),
    ("clients",),
    ("rest_handler",),
    ("events",),
    ("connected_clients", "media", "request_log"),
    ("scheduler",),
    ("playback",),
    ("command_executor",),
    ("server",),
    ("verify",),
    ("control_for_tests",),
    ("api",),
]
"""The rooms of `replay`, from the lowest; each imports only from lower floors, and so none is in a loop."""


def imports(path: Path) -> set[str]:
    """Rooms that a module imports from, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("arirecord.")}
    return found & ALLOWED.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards(path: Path) -> None:
    """A room imports only the rooms below it."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in ALLOWED:
        assert imports(path) <= ALLOWED[room] | {room}


def test_imports_go_downwards_in_replay() -> None:
    """Nothing in `replay` imports from its own floor or above, for types either; each module is in one of the rooms."""
    replay = PACKAGE / "replay"
    floors = {room: floor for floor, rooms in enumerate(REPLAY_FLOORS) for room in rooms}
    for path in replay.rglob("*.py"):
        room = path.relative_to(replay).parts[0].removesuffix(".py")
        if path == replay / "__init__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            package = ("arirecord", *path.relative_to(PACKAGE).parent.parts)
            home = package[: len(package) - node.level + 1] if node.level else ()
            full = (*home, *(node.module or "").split(".")) if node.module else home
            if full[:2] == ("arirecord", "replay"):
                named = full[2:3] or tuple(alias.name for alias in node.names)
                above = [name for name in named if name != room and floors[name] >= floors[room]]
                assert above == [], f"{path.name} imports {above}"


@pytest.mark.slow
def test_each_class_has_a_name_of_its_own() -> None:
    """No public class name means two things."""
    files: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))

    assert {name: paths for name, paths in files.items() if len(paths) > 1} == {}


def test_modules_that_share_a_name_share_a_role() -> None:
    """A verb's module is named as the library module that it calls; other twins are listed."""
    twins = {"__init__", "api", "control", "event_stream", "options", "server"}
    files: dict[str, list[str]] = {}
    for path in MODULES:
        if path.parent.name != "cli" and path.stem not in twins:
            files.setdefault(path.stem, []).append(str(path.relative_to(PACKAGE)))

    assert {name: paths for name, paths in files.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_fits_in_the_head(path: Path) -> None:
    """At most 350 lines, and a docstring."""
    text = path.read_text()

    assert text.count("\n") <= 350
    assert ast.get_docstring(ast.parse(text))


def test_the_public_names_exist() -> None:
    """Each name of `arirecord.__all__` can be had, has a docstring, and is listed by `dir`."""
    for name in arirecord.__all__:
        assert name == "__version__" or getattr(arirecord, name).__doc__
    assert dir(arirecord) == sorted(arirecord.__all__)


def test_the_tree_of_errors_is_as_its_docstring_says() -> None:
    """Each error of the package is in it, below the one it derives from, and can be caught as `arirecord.X`."""
    for path in MODULES:
        if path.name != "__main__.py":
            import_module(".".join(("arirecord", *path.relative_to(PACKAGE).with_suffix("").parts)))

    def tree(error: type[Exception], depth: int) -> list[tuple[int, str]]:
        below = sorted(error.__subclasses__(), key=lambda each: each.__name__)
        return [(depth, error.__name__), *(line for each in below for line in tree(each, depth + 1))]

    written = re.findall(r"^( *)- `(\w+)`", errors.__doc__ or "", re.MULTILINE)

    assert [(len(indent) // 4, name) for indent, name in written] == tree(errors.ArirecordError, 0)
    assert all(getattr(arirecord, name) is getattr(errors, name) for _, name in written)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_a_module_offers_is_there(path: Path) -> None:
    """Names in `__all__` exist."""
    if path.name == "__main__.py":
        return
    name = ".".join(("arirecord", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    module = import_module(name)

    assert all(hasattr(module, public) for public in getattr(module, "__all__", []))


def test_quick_tests_touch_every_room() -> None:
    """Each folder of tests has a module that `-m quick` runs; a real Asterisk is never quick."""
    modules = list(Path(__file__).parent.rglob("test_*.py"))
    quick = {path.parent for path in modules if "\npytestmark = pytest.mark.slow\n" not in path.read_text()}

    assert quick == {path.parent for path in modules}
