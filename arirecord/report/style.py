"""Colours and layout of the pictures, for dark and light."""

from functools import cache
from importlib.resources import files

__all__ = ["ladder_style", "page_style"]


@cache
def ladder_style() -> str:
    """The style sheet of a ladder as SVG."""
    return _read("ladder.css")


@cache
def page_style() -> str:
    """The style sheet of a page with stories."""
    return _read("page.css")


def _read(name: str) -> str:
    return "".join(line.strip() for line in files(__package__).joinpath(name).read_text("utf-8").splitlines())
