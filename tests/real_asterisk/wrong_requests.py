"""Three wrong requests for each operation of ARI, and the differences that a recording cannot know."""

import base64
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from arirecord.asterisk.rest_operations import Operation, operations

CHANNEL, BRIDGE = "wrong-channel", "wrong-bridge"
_KNOWN: Final = {"channelId": CHANNEL, "bridgeId": BRIDGE, "applicationName": "wrong"}
_FILLED: Final = {
    "endpoint": "Local/nosuch@nowhere",
    "app": "wrong",
    "application": "nosuch",
    "eventSource": "channel:nosuch",
}
VARIANTS: Final = ("unknown", "bare", "broken")


def every_operation() -> Iterator[Operation]:
    for listed in operations().values():
        yield from (one for one in listed if one.name not in ("eventWebsocket",))


def wrong_request(operation: Operation, variant: str) -> tuple[str, str, bytes]:
    """Method, path with query, and body: of resources that do not exist, without parameters, or with broken JSON."""
    known = {} if variant == "unknown" else _KNOWN
    path = re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], "nosuch"), operation.path)
    query = ""
    if variant == "unknown":
        required = [one.name for one in operation.parameters if one.required and one.where == "query"]
        query = "&".join(f"{name}={_FILLED.get(name, 'nosuch')}" for name in required)
    return operation.method, path + (f"?{query}" if query else ""), b'{"variables": ' if variant == "broken" else b""


def status(url: str, method: str, target: str, body: bytes = b"", login: str = "u:p") -> int:
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    if body:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url + target, body or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def prepare(url: str, login: str) -> None:
    """A channel and a bridge that exist."""
    for target in (f"/channels/create?endpoint=Local/500@default&app=wrong&channelId={CHANNEL}", f"/bridges/{BRIDGE}"):
        status(url, "POST", target, login=login)


# A pattern of `resource.operation variant`, and the reason.
DIFFERENCES: Final = {
    "bridges.startMoh bare": "a recording does not know the classes of music on hold: this Asterisk has none",
    "bridges.stopMoh bare": "a replay has played music on hold before, of which this Asterisk has none",
    "mailboxes.* *": "a recording does not know the mailboxes: this Asterisk has no module for them",
}

# Asterisk 22.10.1 ends by a segmentation fault at these; a replay refuses them.
CRASHES: Final = ("bridges.setBridgeVar bare", "bridges.record bare", "channels.move bare")


def reason(operation: Operation, variant: str) -> str:
    """Why the statuses may differ; empty if they may not."""
    text = f"{operation.resource}.{operation.name} {variant}"
    return next((why for pattern, why in DIFFERENCES.items() if fnmatchcase(text, pattern)), "")
