"""Tap: a proxy in front of Asterisk's ARI that an application does not notice, and that records what goes through.

Bytes are passed on as they come and are understood only in passing, so that what arrives is what was sent: headers,
reasons, pings, fragments, how a connection ends. Nothing that goes wrong with recording can reach the application.

- `server`: the `Tap` itself, and how it reaches Asterisk
- `link`, `side`: one connection of an application, with one of its own to Asterisk
- `http`, `exchanges`: HTTP heard in passing, and the REST exchanges in it
- `frames`, `stream`: WebSocket heard in passing, and the events and REST requests in it
- `copies`: further readers of a stream (`--fan-out`)
- `secrets`: what must not be recorded
- `keeper`: the recorder, behind a guard
"""

from .options import TapOptions
from .server import Tap

__all__ = ["Tap", "TapOptions"]
