"""Where calls go: Sankey diagrams of transfers and of menus."""

from collections import Counter
from collections.abc import Sequence

import duckdb
import plotly.graph_objects as go

from .palette import COLORWAY, style

__all__ = ["ivr_paths", "transfers"]

_STEPS = 5
_FLOWS = 40
_LONGEST = 40


def transfers(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """What became of transfers: their kind, what they led to, and the outcome."""
    rows = connection.execute(
        """
        SELECT kind, COALESCE(destination_type, 'not known'), COALESCE(outcome, nullif(result, 'Success'), 'not known'),
            count(*)
        FROM transfers GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    flows: Counter[tuple[str, str]] = Counter()
    for kind, to, outcome, count in rows:
        flows[kind, f"to {to}"] += count
        flows[f"to {to}", outcome] += count
    return _sankey("Transfers", [(a, b, count) for (a, b), count in flows.items()])


def ivr_paths(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """How callers went through menus: the first five prompts, and how they left."""
    rows = connection.execute(
        f"""
        WITH steps AS (
            SELECT
                channel_id, step, left_how,
                concat(step, ' ', COALESCE(prompt, 'no prompt')) AS here,
                lead(concat(step + 1, ' ', COALESCE(prompt, 'no prompt'))) OVER (PARTITION BY channel_id ORDER BY step)
                    AS next_step
            FROM ivr_paths
        )
        SELECT here, COALESCE(left_how, next_step, 'not recorded'), count(*) AS n
        FROM steps WHERE step <= {_STEPS} GROUP BY ALL ORDER BY n DESC, 1, 2 LIMIT {_FLOWS}
        """
    ).fetchall()
    return _sankey("Through the menus", rows)


def _sankey(title: str, flows: Sequence[tuple[str, str, int]]) -> go.Figure:
    names = sorted({name for flow in flows for name in flow[:2]})
    place = {name: number for number, name in enumerate(names)}
    labels = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    figure = go.Figure(
        go.Sankey(
            node={
                "label": labels,
                "customdata": names,
                "hovertemplate": "%{customdata}: %{value}<extra></extra>",
                "color": [COLORWAY[number % len(COLORWAY)] for number in range(len(names))],
                "pad": 18,
            },
            link={
                "source": [place[flow[0]] for flow in flows],
                "target": [place[flow[1]] for flow in flows],
                "value": [flow[2] for flow in flows],
                "color": "rgba(128,128,128,.3)",
            },
            valueformat=",d",
        )
        if flows
        else None
    )
    return style(figure, title, is_empty=not flows)
