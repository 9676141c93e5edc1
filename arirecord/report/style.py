"""Colours and layout of the pictures, for dark and light."""

from functools import cache
from importlib.resources import files

import plotly.graph_objects as go

__all__ = ["COLORWAY", "DISPOSITIONS", "EMPTY", "OTHER", "ladder_style", "page_style", "style"]


@cache
def ladder_style() -> str:
    """Return the style sheet of a ladder as SVG."""
    return _read("ladder.css")


@cache
def page_style() -> str:
    """Return the style sheet of a page with stories."""
    return _read("page.css")


def _read(name: str) -> str:
    return "".join(line.strip() for line in files(__package__).joinpath(name).read_text("utf-8").splitlines())


COLORWAY = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800")
"""Okabe and Ito's palette for colour universal design, its yellow darkened to be seen on white."""

OTHER = "#888888"

DISPOSITIONS = {
    "ANSWERED": "#009e73",
    "BUSY": "#e69f00",
    "NO ANSWER": "#56b4e9",
    "CANCEL": "#cc79a7",
    "CONGESTION": "#d55e00",
    "FAILED": "#a03000",
    "open": OTHER,
}

EMPTY = "no data"
"""`layout.meta` of a figure without data."""

_INK = "#767676"
"""Readable on white and on black (WCAG contrast 4.5 on both)."""


def style(figure: go.Figure, title: str, *, x: str = "", y: str = "", is_empty: bool = False) -> go.Figure:
    """Apply the title and the common style to a figure; if it is empty, show a text instead."""
    figure.update_layout(
        title={"text": title, "x": 0.02, "xref": "container"},
        template="none",
        colorway=COLORWAY,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": _INK, "family": "system-ui, sans-serif"},
        margin={"l": 60, "r": 20, "t": 60, "b": 45},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
        hovermode="closest",
        height=360,
    )
    # Time labels stay horizontal: turned ones cover the legend.
    figure.update_xaxes(tickangle=0, nticks=8)
    axis = {"gridcolor": "rgba(128,128,128,.25)", "zerolinecolor": "rgba(128,128,128,.5)", "automargin": True}
    figure.update_xaxes(title=x or None, **axis)
    figure.update_yaxes(**axis)
    figure.update_layout(yaxis_title=y or None)  # of several plots side by side, the first alone
    figure.update_traces(textfont_size=11, constraintext="none", cliponaxis=False, selector={"type": "bar"})
    if is_empty:
        figure.update_layout(
            meta=EMPTY,
            annotations=[{"text": "no data in this recording", "showarrow": False, "font": {"size": 15}}],
            xaxis_visible=False,
            yaxis_visible=False,
        )
    return figure
