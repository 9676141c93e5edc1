"""Sankey diagrams of transfers and of menus."""

import re
from collections import Counter
from collections.abc import Sequence

import duckdb
import plotly.graph_objects as go

from .style import COLORWAY, style

__all__ = ["ivr_paths", "transfers"]

_STEPS = 5
_PROMPTS = 8
"""Prompts with a node of their own at each step."""
_LONGEST = 24
_SHORTENED = re.compile(r"(?:BackGround|Playback)\(([^),]+)\)|sound:(\S+)")


def transfers(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Transfers by kind, target type and outcome."""
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
    """Paths of callers through menus: the first five prompts, and the exit.

    A node is a prompt with its step: `2 sound:menu`. Each path into a step leads on to the next step or to the exit.
    Prompts that are rare at their step are one node.
    """
    rows = connection.execute(
        f"""
        WITH steps AS (
            SELECT
                channel_id, step, COALESCE(prompt, 'no prompt') AS prompt, exit_reason,
                row_number() OVER (PARTITION BY channel_id ORDER BY step) AS place
            FROM ivr_paths
        ),

        ranked_prompts AS (
            SELECT place, prompt, row_number() OVER (PARTITION BY place ORDER BY count(*) DESC, prompt) AS rank
            FROM steps
            WHERE place <= {_STEPS}
            GROUP BY place, prompt
        ),

        nodes AS (
            SELECT
                steps.channel_id, steps.place, steps.exit_reason,
                concat(
                    steps.place, ' ',
                    CASE WHEN ranked_prompts.rank <= {_PROMPTS} THEN steps.prompt ELSE 'other prompts' END
                ) AS node
            FROM steps
            LEFT JOIN ranked_prompts USING (place, prompt)
        ),

        flows AS (
            SELECT
                place, node, exit_reason,
                lead(node) OVER (PARTITION BY channel_id ORDER BY place) AS next_node
            FROM nodes
        )

        SELECT
            node,
            CASE
                WHEN next_node IS NULL THEN COALESCE(replace(exit_reason, '_', ' '), 'not recorded')
                WHEN place = {_STEPS} THEN 'more prompts'
                ELSE next_node
            END AS target,
            count(*)
        FROM flows
        WHERE place <= {_STEPS}
        GROUP BY ALL
        ORDER BY ALL
        """
    ).fetchall()
    return _sankey("Through the menus", rows)


def _sankey(title: str, flows: Sequence[tuple[str, str, int]]) -> go.Figure:
    names = sorted({name for flow in flows for name in flow[:2]})
    place = {name: number for number, name in enumerate(names)}
    figure = go.Figure(
        go.Sankey(
            node={
                "label": [_label(name) for name in names],
                "customdata": names,
                "hovertemplate": "%{customdata}: %{value}<extra></extra>",
                "color": [COLORWAY[number % len(COLORWAY)] for number in range(len(names))],
                "pad": 18,
            },
            link={
                "source": [place[flow[0]] for flow in flows],
                "target": [place[flow[1]] for flow in flows],
                "value": [flow[2] for flow in flows],
                "color": "rgba(128,128,128,.2)",
            },
            valueformat=",d",
        )
        if flows
        else None
    )
    return style(figure, title, is_empty=not flows)


def _label(name: str) -> str:
    """Label a node: a sound without the application that plays it, cut if it is long."""
    label = _SHORTENED.sub(lambda sound: sound[1] or sound[2], name)
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
