"""Tap: a transparent proxy between an app and Asterisk's ARI that records their traffic.

Bytes are forwarded unchanged and parsed afterwards, so that headers, reasons, pings, fragments and the end of a
connection arrive as they were sent. A failure of the recording does not affect the app.

- `server`, `upstream`: the `Tap` itself, and its connections to Asterisk
- `proxy_connection`, `endpoint`: one connection of an app with its connection to Asterisk, and one socket of these
- `shared`, `admission`: the state of all connections, and which connections and requests are served
- `http`, `exchanges`: a parser for observed HTTP, and the REST exchanges in it
- `frames`, `event_stream`: a parser for observed WebSockets, and the events and REST requests in it
- `fan_out`: further readers of a stream (`--fan-out`)
- `secrets`: what must not be recorded
- `safe_recorder`, `safe_parsing`: a recorder and parsers whose failures do not affect the app
"""

from .options import TapOptions
from .server import Tap

__all__ = ["Tap", "TapOptions"]
