"""A proxied connection: one connection of an app, one to Asterisk, and parsers for both directions."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from arirecord.capture.address import why_unreachable

from .endpoint import Endpoint
from .event_stream import ObservedStream, StreamRegistry, asked_applications
from .exchanges import Exchanges, ObservedExchange
from .fan_out import FanOut, FanOutCopy
from .frames import close_frame
from .options import TapOptions
from .safe_recorder import SafeRecorder
from .secrets import user_of
from .upstream import dial, login_refusal

__all__ = ["ProxyConnection", "Shared"]

_EXTENSIONS = re.compile(rb"\r?\nsec-websocket-extensions:[^\r\n]*", re.IGNORECASE)
_GOING_AWAY = 1001


@dataclass
class Shared:
    """What all connections of a tap share. `spawn` runs a coroutine; `emptied` is set when no connection is left."""

    options: TapOptions
    keeper: SafeRecorder
    streams: StreamRegistry
    copies: FanOut
    say: Callable[[str], None]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    links: set["ProxyConnection"] = field(default_factory=set)
    emptied: asyncio.Event = field(default_factory=asyncio.Event)
    rest_count: int = 0


class ProxyConnection:
    """Forwards bytes unchanged between an app and Asterisk, and parses them.

    Parsing comes after forwarding, and forwarding continues if parsing fails. There are three exceptions: offers of
    compression are removed from a handshake; Asterisk receives nothing before the head of a first request is complete;
    and an event stream from Asterisk is always read, whatever the app does.
    """

    def __init__(self, shared: Shared) -> None:
        self.application = Endpoint(self)
        self.asterisk = Endpoint(self)
        self._shared = shared
        self._client = "unknown"
        self._held = b""  # bytes of the app that cannot be forwarded yet
        self._is_busy = False  # connecting, or checking whether a copy is allowed
        self._is_draining = False  # the app was refused; its further bytes are ignored
        self._is_leaving = False  # the tap ends
        self._http: Exchanges | None = Exchanges(self._keep, shared.options.max_body_bytes)
        self._is_deaf = False
        self._has_exchanged = False
        self._stream: ObservedStream | None = None
        self._copy: FanOutCopy | None = None
        self._is_done = False

    def made(self, side: Endpoint) -> None:
        """A socket is connected."""
        if side is self.application:
            self._client = side.peer
            self._shared.links.add(self)

    def received(self, side: Endpoint, data: bytes) -> None:
        """Forward the bytes, and parse them."""
        if side is self.asterisk:
            self._from_asterisk(data)
        elif self._copy is not None:
            self._copy.received(data)
        elif self._stream is not None:
            if not self._is_leaving:
                self.asterisk.write(data)
                self._hear(self._stream.from_application, data)
        elif not self._is_draining:
            self._from_application(data)

    def ended(self, side: Endpoint) -> None:
        """One end sends no more: end the same direction at the other, if possible."""
        if self._copy is not None:
            self._copy.ended()
            self.application.close()
            return
        if self._stream is not None:
            self._stream.ends(self._whose_loss(side))
        other = self._other(side)
        if other.has_ended or not (other.is_open or self._is_busy):
            self.application.close()
            self.asterisk.close()
        elif not other.finish() and not (self._http and self._http.open):
            other.close()

    def lost(self, side: Endpoint, error: Exception | None) -> None:
        """One end is gone: close the other in the same way."""
        if self._stream is not None:
            self._stream.ends(self._whose_loss(side))
        is_cut = side is self.application and self._stream is not None and not self._stream.is_served
        if not is_cut:
            other = self._other(side)
            if error is not None:
                other.reset()
            else:
                other.close()
        if self.application.is_over and (self.asterisk.is_over or not self.asterisk.exists) and not self._is_busy:
            self._finish()

    def congested(self, side: Endpoint, is_congested: bool) -> None:
        """Apply back-pressure to the other end; but an event stream is always read."""
        if side is self.asterisk or self._stream is None:
            self._other(side).pause(is_congested)

    def leave(self) -> None:
        """The tap ends: end the connections that can end in good order."""
        self._is_leaving = True
        if self._stream is not None:
            self._stream.ends("the recording was stopped", _GOING_AWAY)
            self._part()
        elif self._copy is not None:
            self._copy.close(_GOING_AWAY, "the recording was stopped")
        elif self._http is None or not self._http.open:
            self.application.close()
            self.asterisk.close()

    def abort(self) -> None:
        """End at once."""
        self.application.reset()
        self.asterisk.reset()
        self._finish()

    def _part(self) -> None:
        """Disconnect from Asterisk: its answer to the Close frame is forwarded, so that the app receives it too."""
        if self._stream is not None and self._stream.takes_frames and not self._is_deaf:
            self.asterisk.write(close_frame(_GOING_AWAY, "", mask=True))
        else:
            self.asterisk.close()

    def _from_application(self, data: bytes) -> None:
        self._held += data
        if self._http is not None:
            before = len(self._http.open)
            self._hear(self._http.from_application, data)
            if self._http is not None:
                if self._http.waits_for_head:
                    return
                if not before and self._http.open and self._http.open[0].request.is_websocket:
                    self._handshake(self._http.open[0])
        if not self._is_busy:
            self._forward()

    def _handshake(self, exchange: ObservedExchange) -> None:
        head, end, rest = self._held.partition(b"\r\n\r\n")
        self._held = _EXTENSIONS.sub(b"", head) + end + rest  # compressed data cannot be parsed
        asked = asked_applications(exchange.request)
        if self._shared.options.fan_out and asked and not self.asterisk.is_open:
            stream = self._shared.streams.serving(asked)
            if stream is not None:
                self._begin(self._join(stream, exchange))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that takes time before more is read from the app."""
        self._is_busy = True
        self.application.pause(True)
        self._shared.spawn(work)

    def _forward(self) -> None:
        if self.asterisk.is_open:
            data, self._held = self._held, b""
            self.asterisk.write(data)
        elif not self.asterisk.is_over and not self._is_busy:
            self._begin(self._dial())

    async def _dial(self) -> None:
        options = self._shared.options
        try:
            await dial(options.upstream, lambda: self.asterisk, options.dial_timeout_s)
        except OSError as error:
            self._is_busy = False
            self._refuse(why_unreachable(options.upstream.http_base, error, options.dial_timeout_s))
            return
        self._is_busy = False
        if not self.application.is_open:
            self.asterisk.close()
            return
        self._forward()
        if self.application.has_ended:
            self.ended(self.application)
        self.application.pause(False)

    async def _join(self, stream: ObservedStream, exchange: ObservedExchange) -> None:
        """Add a copy of a stream, if Asterisk accepts the credentials of the client."""
        options = self._shared.options
        try:
            refusal = await login_refusal(options.upstream, exchange.request, options.dial_timeout_s)
        except OSError as error:
            self._is_busy = False
            self._refuse(why_unreachable(options.upstream.http_base, error, options.dial_timeout_s))
            return
        self._is_busy = False
        if not self.application.is_open:
            if self.application.is_over:
                self._finish()
        elif refusal is not None:
            self._answer(refusal)
        elif stream not in self._shared.streams.open or not stream.is_served:
            self._forward()  # the stream has ended meanwhile
        else:
            asked = asked_applications(exchange.request)
            self._http = None
            self._copy = FanOutCopy(self.application, asked, stream, self._held)
            if self._copy.is_open:
                self._shared.copies.add(self._copy)
            if self.application.has_ended:
                self.application.close()
        self.application.pause(False)

    def _refuse(self, why: str) -> None:
        """Send 502 for Asterisk, which cannot be reached."""
        if self.application.is_over:
            self._finish()
            return
        self._shared.say(f"{self._client} was answered 502: {why}.")
        body = f"arirecord tap: {why}\n".encode()
        is_head = self._http is not None and bool(self._http.open) and self._http.open[0].request.method == "HEAD"
        head = (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._answer(head.encode() + (b"" if is_head else body))

    def _answer(self, data: bytes) -> None:
        """Respond in Asterisk's place, and close: only after the app has closed, or it might lose the response."""
        self._is_draining = True
        self.application.write(data)
        if self._http is not None:
            self._hear(self._http.from_asterisk, data)
        if self.application.has_ended:
            self.application.close()
        else:
            self.application.finish()
            self.application.pause(False)

    def _from_asterisk(self, data: bytes) -> None:
        self.application.write(data)
        if self._stream is not None:
            self._hear(self._stream.from_asterisk, data)
            self._look_after(self._stream)
        elif self._http is not None:
            if (switched := self._hear(self._http.from_asterisk, data)) is not None:
                self._switch(switched)
            elif self._http is not None and not self._http.open:
                self._rest()

    def _rest(self) -> None:
        """All requests are answered."""
        if self._is_leaving:
            self.application.close()
            self.asterisk.close()
        elif self.application.has_ended and not self.asterisk.finish():
            self.asterisk.close()

    def _switch(self, exchange: ObservedExchange) -> None:
        """HTTP is over."""
        assert self._http is not None
        assert exchange.answer is not None
        sent, came = self._http.rest()
        self._http = None
        shared = self._shared
        if not asked_applications(exchange.request):
            self._keep(exchange, None)  # a WebSocket other than ARI's: forwarded, not parsed
            return
        self._stream = ObservedStream(
            exchange.request, exchange.answer, self._client, shared.keeper, shared.copies.send
        )
        shared.streams.add(self._stream)
        self.asterisk.pause(False)
        self._hear(self._stream.from_application, sent)
        self._hear(self._stream.from_asterisk, came)

    def _look_after(self, stream: ObservedStream) -> None:
        """Cut an app that does not read; end the recording of a cut app once there is another."""
        if stream.is_served and self.application.behind_bytes > self._shared.options.max_behind_bytes:
            stream.is_served = False
            stream.ends("the application did not read and was cut")
            self._shared.say(
                f"Application {stream.name!r} from {self._client} does not read: it is CUT before memory is full. "
                "The recording goes on."
            )
            self.application.reset()
        elif not stream.is_served and stream.is_replaced and not self._is_leaving:
            self._is_leaving = True
            self._part()

    def _keep(self, exchange: ObservedExchange, reason: str | None) -> None:
        self._has_exchanged = True
        self._shared.rest_count += 1
        name = self._shared.streams.name_of(self._client, user_of(exchange.request))
        client = f"{self._client} ({name})" if name else self._client
        method = exchange.request.method
        self._shared.keeper.rest(method, client=client, transport="http", **exchange.fields(reason))

    def _hear(self, ear: Callable[[bytes], Any], data: bytes) -> Any:
        """Parse bytes that were forwarded. A failure does not stop the forwarding."""
        if self._is_deaf:
            return None
        try:
            return ear(data)
        except Exception as error:
            self._deafen(error)
            return None

    def _deafen(self, error: Exception) -> None:
        is_expected = isinstance(error, ValueError)
        why = f"the traffic of {self._client} cannot be parsed ({error if is_expected else repr(error)})"
        if is_expected and self._stream is None and not self._has_exchanged:
            self._shared.say(f"{why[0].upper()}{why[1:]}: it is passed on, not recorded.")
        else:
            self._shared.keeper.missed(why)
        self._http = None
        self._is_deaf = True

    def _finish(self) -> None:
        if self._is_done:
            return
        self._is_done = True
        if self._copy is not None:
            self._shared.copies.remove(self._copy)
        if self._stream is not None:
            self._shared.streams.remove(self._stream)
        if self._http is not None:
            self._http.finish("no whole answer: the connection ended")
        self._shared.links.discard(self)
        if not self._shared.links:
            self._shared.emptied.set()

    def _whose_loss(self, side: Endpoint) -> str:
        return "Asterisk was lost" if side is self.asterisk else "the application was lost"

    def _other(self, side: Endpoint) -> Endpoint:
        return self.asterisk if side is self.application else self.application
