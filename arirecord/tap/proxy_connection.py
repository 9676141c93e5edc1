"""A proxied connection: one connection of an app, one to Asterisk, and parsers for both directions."""

from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any

from arirecord.capture.address import why_unreachable
from arirecord.server_limits import Deadline

from .admission import RequestRefused, own_response, without_compression
from .endpoint import Endpoint
from .event_stream import ObservedStream, asked_applications
from .fan_out import FanOutCopy
from .frames import close_frame
from .known_secrets import KnownSecrets
from .rest_exchanges import Exchanges, ObservedExchange
from .safe_parsing import SafeParsing
from .shared import Shared
from .upstream import dial, login_refusal

__all__ = ["ProxyConnection"]

_GOING_AWAY = 1001


class ProxyConnection:
    """Forwards bytes unchanged between an app and Asterisk, and parses them.

    Parsing comes after forwarding, and forwarding continues if parsing fails. There are four exceptions: offers of
    compression are removed from a handshake; Asterisk receives the head of a request when it is complete, and not the
    request of a web page that may not use this server; and an event stream from Asterisk is always read, whatever the
    app does.
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
        self._secrets = KnownSecrets(shared.secrets)
        check = partial(shared.check, self._secrets)
        self._http: Exchanges | None = Exchanges(self._keep, shared.options.max_body_bytes, check)
        self._deadline = Deadline(shared.options.head_timeout_s, self._expire)
        self._parsing = SafeParsing(shared)
        self._has_exchanged = False
        self._stream: ObservedStream | None = None
        self._copy: FanOutCopy | None = None
        self._is_done = False

    @property
    def is_idle(self) -> bool:
        """Whether it serves no request, event stream or copy."""
        is_serving = self._stream or self._copy or self._is_busy or (self._http and self._http.open)
        return not is_serving

    def made(self, side: Endpoint) -> None:
        """A socket is connected."""
        if side is not self.application:
            return
        self._client = side.peer
        self._deadline.start()
        if not self._shared.admit(self):
            self._is_draining = True
            side.write(own_response(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open"))
            side.close()

    def received(self, side: Endpoint, data: bytes) -> None:
        """Forward the bytes, and parse them."""
        if side is self.asterisk:
            self._from_asterisk(data)
        elif self._copy is not None:
            self._copy.received(data)
        elif self._stream is not None:
            if not self._is_leaving:
                self.asterisk.write(data)
                self._parse(self._stream.from_application, data)
        elif not self._is_draining:
            self._from_application(data)

    def ended(self, side: Endpoint) -> None:
        """One end sends no more: end the same direction at the other, if possible."""
        if self._copy is not None:
            self._copy.ended()
            self.application.close()
            return
        if self._stream is not None:
            self._stream.ends(self._loss_reason(side))
        other = self._other(side)
        if other.has_ended or not (other.is_open or self._is_busy):
            self.application.close()
            self.asterisk.close()
        elif not other.finish() and not (self._http and self._http.open):
            other.close()

    def lost(self, side: Endpoint, error: Exception | None) -> None:
        """One end is gone: close the other in the same way."""
        if self._stream is not None:
            self._stream.ends(self._loss_reason(side))
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
            self._disconnect()
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

    def _disconnect(self) -> None:
        """Disconnect from Asterisk: its answer to the Close frame is forwarded, so that the app receives it too."""
        if self._stream is not None and self._stream.takes_frames and not self._parsing.has_failed:
            self.asterisk.write(close_frame(_GOING_AWAY, "", mask=True))
        else:
            self.asterisk.close()

    def _from_application(self, data: bytes) -> None:
        self._held += data
        if self._http is not None:
            before = len(self._http.open)
            try:
                self._parse(self._http.from_application, data)
            except RequestRefused as refused:
                self._refuse_request(refused.status, str(refused))
                return
            if self._http is not None and not before and self._http.open and self._http.open[0].request.is_websocket:
                self._handshake(self._http.open[0])
        (self._deadline.start if self._unfinished_head_bytes else self._deadline.stop)()
        if not self._is_busy and len(self._held) > self._unfinished_head_bytes:
            self._forward()

    @property
    def _unfinished_head_bytes(self) -> int:
        return self._http.unfinished_head_bytes if self._http is not None else 0

    def _expire(self) -> None:
        """The head of a request took too long, or a response of the tap was not read."""
        if self._is_draining:
            self.abort()
        else:
            self._refuse_request(HTTPStatus.REQUEST_TIMEOUT, "the head of the request took too long")

    def _refuse_request(self, status: HTTPStatus, why: str) -> None:
        """Refuse a request that Asterisk does not receive. It is not recorded."""
        self._held = b""
        if self._http is not None and self._http.open:
            self.abort()  # requests before it wait for their responses
            return
        self._shared.say(f"{self._client} was answered {status.value}: {why}.")
        self._http = None
        self._answer(own_response(status, why))

    def _handshake(self, exchange: ObservedExchange) -> None:
        self._held = without_compression(self._held)
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
            end = len(self._held) - self._unfinished_head_bytes
            data, self._held = self._held[:end], self._held[end:]
            self.asterisk.write(data)
        elif not self.asterisk.is_over and not self._is_busy:
            self._begin(self._dial())

    async def _reach(self, work: Coroutine[Any, Any, bytes | None]) -> tuple[bool, bytes | None]:
        """Await work that needs Asterisk. Returns whether it succeeded and the app is still there, and its result."""
        options, result = self._shared.options, None
        try:
            result = await work
        except OSError as error:
            self._is_busy = False
            self._refuse(why_unreachable(options.upstream.http_base, error, options.dial_timeout_s))
            return False, None
        self._is_busy = False
        if not self.application.is_open:
            self.asterisk.close()
            if self.application.is_over and not self.asterisk.exists:
                self._finish()
            return False, None
        return True, result

    async def _dial(self) -> None:
        options = self._shared.options
        is_reached, _ = await self._reach(dial(options.upstream, lambda: self.asterisk, options.dial_timeout_s))
        if is_reached:
            self._forward()
            if self.application.has_ended:
                self.ended(self.application)
            self.application.pause(False)

    async def _join(self, stream: ObservedStream, exchange: ObservedExchange) -> None:
        """Add a copy of a stream, if Asterisk accepts the credentials of the client."""
        options = self._shared.options
        work = login_refusal(options.upstream, exchange.request, options.dial_timeout_s)
        is_reached, refusal = await self._reach(work)
        if not is_reached:
            return
        if refusal is not None:
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
        is_head = self._http is not None and bool(self._http.open) and self._http.open[0].request.method == "HEAD"
        self._answer(own_response(HTTPStatus.BAD_GATEWAY, why, is_head=is_head))

    def _answer(self, data: bytes) -> None:
        """Respond in Asterisk's place, and close: only after the app has closed, or it might lose the response."""
        self._is_draining = True
        self._deadline.stop()
        self._deadline.start()
        self.application.write(data)
        if self._http is not None:
            self._parse(self._http.from_asterisk, data)
        if self.application.has_ended:
            self.application.close()
        else:
            self.application.finish()
            self.application.pause(False)

    def _from_asterisk(self, data: bytes) -> None:
        self.application.write(data)
        if self._stream is not None:
            self._parse(self._stream.from_asterisk, data)
            self._look_after(self._stream)
        elif self._http is not None:
            if (switched := self._parse(self._http.from_asterisk, data)) is not None:
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
        assert self._http is not None and exchange.answer is not None
        sent, came = self._http.rest()
        self._http = None
        shared = self._shared
        if not asked_applications(exchange.request):
            self._keep(exchange, None)  # a WebSocket other than ARI's: forwarded, not parsed
            return
        self._secrets.accept()
        heads = exchange.request, exchange.answer
        self._stream = ObservedStream(*heads, self._client, shared.recorder, shared.copies.send, self._secrets)
        shared.streams.add(self._stream)
        self.asterisk.pause(False)
        self._parse(self._stream.from_application, sent)
        self._parse(self._stream.from_asterisk, came)

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
            self._disconnect()

    def _keep(self, exchange: ObservedExchange, reason: str | None) -> None:
        self._has_exchanged = True
        self._shared.record(exchange, self._client, self._secrets, reason)

    def _parse(self, parse: Callable[[bytes], Any], data: bytes) -> Any:
        result = self._parsing.parse(parse, data, self._client, is_recorded=bool(self._stream or self._has_exchanged))
        if self._parsing.has_failed:
            self._http = None
        return result

    def _finish(self) -> None:
        if self._is_done:
            return
        self._is_done = True
        self._deadline.stop()
        if self._copy is not None:
            self._shared.copies.remove(self._copy)
        if self._stream is not None:
            self._shared.streams.remove(self._stream)
        if self._http is not None:
            self._http.finish("no whole answer: the connection ended")
        self._shared.remove(self)

    def _loss_reason(self, side: Endpoint) -> str:
        return "Asterisk was lost" if side is self.asterisk else "the application was lost"

    def _other(self, side: Endpoint) -> Endpoint:
        return self.asterisk if side is self.application else self.application
