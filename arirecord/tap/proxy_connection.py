"""A link: one connection of an application, with one of its own to Asterisk, and ears on both directions."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from .endpoint import Endpoint
from .event_stream import ObservedStream, StreamRegistry, asked_applications
from .exchanges import Exchanges, ObservedExchange
from .fan_out import FanOut, FanOutCopy
from .frames import close_frame
from .options import TapOptions
from .safe_recorder import SafeRecorder
from .secrets import user_of
from .upstream import dial, login_refusal, why_not

__all__ = ["ProxyConnection", "Shared"]

_EXTENSIONS = re.compile(rb"\r?\nsec-websocket-extensions:[^\r\n]*", re.IGNORECASE)
_GOING_AWAY = 1001


@dataclass
class Shared:
    """What all links of a tap have in common. `spawn` runs a coroutine, `emptied` is set when no link is left."""

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
    """Passes bytes on between an application and Asterisk, each way as they come, and hears what they mean.

    Hearing comes after passing on, and where it fails the link goes on without. Only three things are the link's own:
    a handshake goes on without its offers of compression; nothing is sent to Asterisk before the head of a first
    request is there; and Asterisk is always read while events come, whatever the application does.
    """

    def __init__(self, shared: Shared) -> None:
        self.application = Endpoint(self)
        self.asterisk = Endpoint(self)
        self._shared = shared
        self._client = "unknown"
        self._held = b""  # of the application, while there is nobody to pass it on to
        self._is_busy = False  # dialling, or asking whether a copy is allowed
        self._is_draining = False  # it was refused; what else it sends does not matter
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
        """Bytes came: pass them on, and hear them."""
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
        """One end sends no more: tell the other, in the same way if it can be."""
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
        """One end is gone: so is the other, in the same way."""
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
        """What is written to one end piles up: read less from the other; but an event stream is always read."""
        if side is self.asterisk or self._stream is None:
            self._other(side).pause(is_congested)

    def leave(self) -> None:
        """The tap ends: end what can be ended in good order."""
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
        """Part from Asterisk: its answer to the Close frame is passed on, so that the application hears it too."""
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
        self._held = _EXTENSIONS.sub(b"", head) + end + rest  # what is compressed can't be heard
        asked = asked_applications(exchange.request)
        if self._shared.options.fan_out and asked and not self.asterisk.is_open:
            stream = self._shared.streams.serving(asked)
            if stream is not None:
                self._begin(self._join(stream, exchange))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that takes time before more is read from the application."""
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
            self._refuse(why_not(options.upstream, error))
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
        """Let in a further reader, if Asterisk would let in who it says it is."""
        options = self._shared.options
        try:
            refusal = await login_refusal(options.upstream, exchange.request, options.dial_timeout_s)
        except OSError as error:
            self._is_busy = False
            self._refuse(why_not(options.upstream, error))
            return
        self._is_busy = False
        if not self.application.is_open:
            if self.application.is_over:
                self._finish()
        elif refusal is not None:
            self._answer(refusal)
        elif stream not in self._shared.streams.open or not stream.is_served:
            self._forward()  # it has gone meanwhile
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
        """Answer for Asterisk, which can't be reached."""
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
        """Answer in Asterisk's place, and close: only once the application has, or it might not see the answer."""
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
            self._keep(exchange, None)  # some other WebSocket: it is passed on, and none of ours
            return
        self._stream = ObservedStream(
            exchange.request, exchange.answer, self._client, shared.keeper, shared.copies.send
        )
        shared.streams.add(self._stream)
        self.asterisk.pause(False)
        self._hear(self._stream.from_application, sent)
        self._hear(self._stream.from_asterisk, came)

    def _look_after(self, stream: ObservedStream) -> None:
        """Cut an application that does not read; end the recording of one that was cut, once there is another."""
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
        """Hear bytes that were passed on. Whatever goes wrong, passing on goes on."""
        if self._is_deaf:
            return None
        try:
            return ear(data)
        except Exception as error:
            self._deafen(error)
            return None

    def _deafen(self, error: Exception) -> None:
        is_expected = isinstance(error, ValueError)
        why = f"what {self._client} exchanges is not understood ({error if is_expected else repr(error)})"
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
