"""Pictures of what a session says: a call's story, and its ladder as text, Mermaid, SVG and HTML."""

from .story import Story
from .tell import story

__all__ = ["Story", "story"]
