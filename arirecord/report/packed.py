"""Text packed into a page: compressed, and in letters that end no `<script>`; the page's own script unpacks it."""

import base64
import zlib

__all__ = ["packed"]


def packed(text: str) -> str:
    """The text as zlib data in base64, as `DecompressionStream("deflate")` of browsers reads it."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode()
