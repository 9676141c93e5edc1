"""Ladders of a report: packed, and unpacked when a reader opens one."""

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import duckdb
import orjson

from arirecord.analytics.connection import tables_of_server

from .build_story import tell
from .call_data import read_facts_of
from .ladder_html import story_section
from .search import CALL_NAME, OF_CALL, problems

__all__ = ["Ladders", "ladders_of", "packed"]

_TOGETHER = 200
"""Ladders in one pack: they share most of their text, and a page unpacks few that are not opened."""


@dataclass(frozen=True)
class Ladders:
    """Ladders as HTML by the name of the call (`CALL_NAME`), as JSON, packed; `pack_of` is the index in `packs`."""

    packs: Sequence[str]
    pack_of: Mapping[str, int]
    summaries: Mapping[str, str]


def ladders_of(connection: duckdb.DuckDBPyConnection, most: int, progress: Callable[[int], None]) -> Ladders:
    """Build the ladders of at most `most` calls: those with problems, the worst first, then the latest."""
    chosen = connection.execute(
        f"""
        SELECT calls.server, calls.call_id, {CALL_NAME}
        FROM calls
        LEFT JOIN ({problems()}) AS problems ON {OF_CALL}
        ORDER BY problems.place NULLS LAST, calls.first_seq DESC
        LIMIT $most
        """,
        {"most": most},
    ).fetchall()
    names_of: dict[str | None, dict[str, str]] = {}
    for server, call_id, name in chosen:
        names_of.setdefault(server, {})[call_id] = name
    packs: list[str] = []
    pack_of: dict[str, int] = {}
    summaries: dict[str, str] = {}
    for server, names in names_of.items():
        with tables_of_server(connection, server):
            stories_of = map(tell, read_facts_of(connection, list(names)))
            while stories := list(islice(stories_of, _TOGETHER)):
                sections = {names[story.call_id]: story_section(story, "ladder-story") for story in stories}
                pack_of |= dict.fromkeys(sections, len(packs))
                summaries |= {names[story.call_id]: story.summary for story in stories}
                packs.append(packed(orjson.dumps(sections).decode()))
                progress(len(summaries))
    return Ladders(packs, pack_of, summaries)


def packed(text: str) -> str:
    """Compress the text to zlib data in base64, for `DecompressionStream("deflate")` of browsers."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode()
