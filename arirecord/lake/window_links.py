"""The links of one window: which of its channels belong together, and what of them another window must know."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import orjson
import pyarrow as pa

from arirecord.analytics.connection import Tables
from arirecord.analytics.server_models import ModelOptions

from .windows import LakeWindow

__all__ = ["BOUNDS", "FACTS", "LINKS_TABLE", "RESTARTS", "Components", "scan_links"]

LINKS_TABLE = "window_channels"
"""The name of the kept table with the result of `scan_links`."""
FACTS = b"recording_facts"
"""Metadata of the table: a row of `int_recording_facts` as JSON."""
RESTARTS, BOUNDS = b"restarts", b"made_bounds"
"""Metadata: the `Restart`s within the window, and its `MadeBounds`, as lists; `seq` as in the rows."""
_SEPARATOR = "\x1f"
Node = TypeVar("Node", bound=Hashable)
_CHANNELS = """
SELECT
    channel_id, channel_name, created_at, last_at, first_seq, last_seq, is_over,
    is_created AND created_seq = first_seq
FROM models.int_channel_facts
JOIN (SELECT channel_id, created_seq FROM models.int_channel_lives) USING (channel_id)
ORDER BY first_seq, channel_id
"""
_FACTS = "SELECT to_json(facts) FROM models.int_recording_facts AS facts"
_SCHEMA = pa.schema(
    {
        "channel_id": pa.string(),
        "life": pa.int64(),
        "component": pa.int64(),
        "channel_name": pa.string(),
        "created_at": pa.timestamp("us"),
        "last_at": pa.timestamp("us"),
        "first_seq": pa.int64(),
        "last_seq": pa.int64(),
        "is_over": pa.bool_(),
        "is_new": pa.bool_(),
    }
)


class Components(Generic[Node]):
    """Connected components (union-find): `join` nodes, then `top` is the same for all nodes of a component."""

    def __init__(self) -> None:
        self._above: dict[Node, Node] = {}

    def top(self, node: Node) -> Node:
        """Return the node that stands for a node's component."""
        above = self._above
        while (parent := above.setdefault(node, node)) != node:
            above[node] = above[parent]
            node = above[node]
        return node

    def nodes(self) -> list[Node]:
        """Return all nodes that were named."""
        return list(self._above)

    def join(self, one: Node, two: Node) -> None:
        """Join the components of two nodes."""
        self._above[self.top(one)] = self.top(two)


def scan_links(window: LakeWindow, threads: int = 1, memory: str = "400MB") -> pa.Table:
    """Return a row for each life of a channel that a window names, with the `component` it belongs to.

    A component holds all channels that any link ties: links of a conference, too, which make no call. Numbers of rows
    are counted from the window's first row, so that they stay right if the recording grows before it. `is_new`: the
    life begins with the creation of the channel. Channels that only a link names have no facts.
    """
    session, server = window.open()
    tables = Tables(session)
    tables.limit(threads, memory)
    models = tables.models_of(server, "shard", ModelOptions(schema="models"))
    models.need(("int_links", "int_channel_facts", "int_channel_lives", "int_recording_facts"), lambda name: None)
    rows = tables.connection.execute(_CHANNELS).fetchall()
    links = tables.connection.execute("SELECT DISTINCT channel_id, other_id FROM models.int_links").fetchall()
    ((facts,),) = tables.connection.execute(_FACTS).fetchall()
    restarts, bounds = models.restarts()
    tables.connection.close()
    known = {row[0] for row in rows}
    rows += [(key, *[None] * 7) for key in sorted({key for link in links for key in link} - known)]
    table = pa.Table.from_pylist(list(_described(rows, links, window.first_seq)), schema=_SCHEMA)
    first = window.first_seq
    known_restarts = [restart._replace(seq=restart.seq - first) for restart in restarts]
    bounds = bounds._replace(first_seq=None if bounds.first_seq is None else bounds.first_seq - first)
    return table.replace_schema_metadata(
        {FACTS: facts, RESTARTS: orjson.dumps([*map(list, known_restarts)]), BOUNDS: orjson.dumps(list(bounds))}
    )


def _described(
    rows: Sequence[tuple[Any, ...]], links: Iterable[tuple[str, str]], first: int
) -> Iterable[dict[str, Any]]:
    components = Components[str]()
    for one, two in links:
        components.join(one, two)
    numbers: dict[str, int] = {}
    for key, name, created_at, last_at, first_seq, last_seq, is_over, is_new in rows:
        channel_id, _, life = key.partition(_SEPARATOR)
        yield {
            "channel_id": channel_id,
            "life": int(life or 1),
            "component": numbers.setdefault(components.top(key), len(numbers)),
            "channel_name": name,
            "created_at": created_at,
            "last_at": last_at,
            "first_seq": None if first_seq is None else first_seq - first,
            "last_seq": None if last_seq is None else last_seq - first,
            "is_over": is_over,
            "is_new": is_new,
        }
