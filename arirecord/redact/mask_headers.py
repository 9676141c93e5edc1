"""Mask the values of X-headers of SIP: they carry what the operator of a PBX puts there, often a customer's id."""

import re

from .mask_dtmf import MASK
from .unescape import views

__all__ = ["masked_headers"]

_NAME = r"(?<![\w/-])[Xx]-[A-Za-z][\w-]*(?:,\d+)?\)?"
_VALUE = re.compile(
    rf'{_NAME}(?:"\s*(?:,\s*"value"\s*)?:\s*"((?:[^"\\]|\\.)+)|&value=([^&"\\]+)|[ \t]*[:=][ \t]*([^"\\\r\n]+))'
    rf'|"value"\s*:\s*"((?:[^"\\]|\\.)+)"\s*,\s*"variable"\s*:\s*"[^"]*{_NAME}'
)
"""`"X-Id":"7"`, `"variable":"PJSIP_HEADER(read,X-Id)","value":"7"`, `PJSIP_HEADER(add,X-Id)=7`, `X-Id: 7`."""
_READ = re.compile(rf'"rest_uri"\s*:\s*"[^"]*[?&]variable=[^&"]*?(?<=[^\w/-]){_NAME}')
_ANSWER = re.compile(r'"value"\s*:\s*"((?:[^"\\]|\\.)+)"')


def masked_headers(raw: str) -> str:
    """Return the text of a row, with each value of an X-header masked, also in JSON within JSON and in URLs."""
    if "X-" not in raw and "x-" not in raw:
        return raw
    spans = set()
    readings = list(views(raw))
    patterns = [_VALUE, _ANSWER] if any(_READ.search(view.text) for view in readings) else [_VALUE]
    for view in readings:
        for pattern in patterns:
            for match in pattern.finditer(view.text):
                spans.add(view.span(*match.span(match.lastindex or 0)))
    done = len(raw)
    for start, end in sorted(spans, reverse=True):
        if end <= done:
            raw = raw[:start] + MASK + raw[end:]
            done = start
    return raw
