"""Show the calls of a session: a call's story, and its ladder as text, Mermaid, SVG and HTML."""

from .build_story import story
from .story import Story

__all__ = ["Story", "story"]
