"""A SIP phone on loopback, small and ours: what people do with a telephone, as methods.

It speaks UDP and trusts loopback not to lose anything: it never sends anything twice, but answers what comes twice.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import quote

from .rtp import Voice
from .sip import Message, branch, digest, sdp, tag_of, uri_of

__all__ = ["Call", "Phone", "eventually"]

Headers = Iterable[tuple[str, str]]
Heard = Callable[[Message], None]
TIMEOUT_S = 10


async def eventually(condition: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Return once `condition` holds, and let the phones go on meanwhile."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise TimeoutError(f"waited {timeout_s:g} s in vain until {what}") from None


class Phone(asyncio.DatagramProtocol):
    """A phone with one number. Make it with `Phone.at`. One with several voices can be in as many calls at once."""

    def __init__(self, number: str, server_port: int, password: str, *voices: Voice) -> None:
        self.number, self.password, self.voices = number, password, voices
        self.server = ("127.0.0.1", server_port)
        self.calls: list[Call] = []
        self.incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._waiting: dict[tuple[str, int, str], Heard] = {}
        self._answered: dict[tuple[str, str], bytes] = {}
        self._registrar = f"sip:127.0.0.1:{server_port}"
        self._registration = secrets.token_hex(8)
        self._cseq = 0

    @classmethod
    @asynccontextmanager
    async def at(cls, server_port: int, number: str, password: str, voices: int = 1) -> "AsyncIterator[Phone]":
        """A phone that is registered while in use, and hangs up what is up at the end."""
        opened = [await Voice.open() for _ in range(voices)]
        _, phone = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(number, server_port, password, *opened), ("127.0.0.1", 0)
        )
        try:
            await phone.register()
            yield phone
            for call in phone.calls:
                if call.state == "up":
                    await call.hangup()
            await phone.register(expires=0)
        finally:
            for voice in opened:
                voice.close()
            phone.transport.close()

    @property
    def voice(self) -> Voice:
        """The only voice, or the first that is in no call."""
        taken = [call.voice for call in self.calls if call.state != "ended"]
        return next((voice for voice in self.voices if voice not in taken), self.voices[0])

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]
        self.contact = f"<sip:{self.number}@127.0.0.1:{self.port}>"

    def address(self, number: str) -> str:
        return f"sip:{number}@127.0.0.1:{self.server[1]}"

    async def register(self, expires: int = 60) -> None:
        """Tell the server where this phone is; `expires=0` takes that back."""
        party = f"<{self.address(self.number)}>"
        headers = [
            ("From", f"{party};tag={secrets.token_hex(4)}"),
            ("To", party),
            ("Call-ID", self._registration),
            ("Expires", str(expires)),
        ]
        for more in range(2):  # the first is challenged
            self._cseq += 1
            request, answer = await self.request("REGISTER", self._registrar, headers, self._cseq)
            if answer.status != 401 or more:
                break
            headers.append(self.authorization(answer, request))
        assert answer.status == 200, answer

    def call(self, number: str, *, identity: str = "", video_port: int | None = None) -> "Call":
        """Dial; return at once. `until` waits for what comes of it. `identity`: the number that a carrier asserts."""
        call = Call(self, self.address(number), identity=identity, video_port=video_port)
        self.calls.append(call)
        call.dial()
        return call

    async def rings(self) -> "Call":
        """The next call to this phone, once it rings."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.incoming.get()

    # What follows is the wire.

    def send(self, message: Message) -> None:
        self.transport.sendto(message.encode(), self.server)

    def begin(
        self, method: str, uri: str, headers: Headers, cseq: int, body: tuple[str, str] | None, heard: Heard
    ) -> Message:
        """Send a request; `heard` is called with each answer. `body` is its type and its text."""
        given = [
            ("Via", f"SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch()};rport"),
            ("Max-Forwards", "70"),
            *headers,
            ("CSeq", f"{cseq} {method}"),
            ("Contact", self.contact),
        ]
        if body:
            given.append(("Content-Type", body[0]))
        request = Message(method=method, uri=uri, headers=given, body=body[1] if body else "")
        if method != "ACK":
            self._waiting[request["call-id"], cseq, method] = heard
        self.send(request)
        return request

    async def request(
        self, method: str, uri: str, headers: Headers, cseq: int, body: tuple[str, str] | None = None
    ) -> tuple[Message, Message]:
        """Send a request; return it and its final answer."""
        final: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def heard(answer: Message) -> None:
            if answer.status >= 200 and not final.done():
                final.set_result(answer)

        async with asyncio.timeout(TIMEOUT_S):
            return self.begin(method, uri, headers, cseq, body, heard), await final

    def authorization(self, answer: Message, request: Message) -> tuple[str, str]:
        return (
            "Authorization",
            digest(answer["www-authenticate"], request.method, request.uri, self.number, self.password),
        )

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = Message.parse(data)
        if message.status:
            waiting = self._waiting.get((message["call-id"], *message.cseq))
            if waiting is not None:
                waiting(message)
            return
        key = (message["via"], message.method)
        if key in self._answered:
            self.transport.sendto(self._answered[key], self.server)
            return
        call = next((c for c in self.calls if c.id == message["call-id"]), None)
        if call is None and message.method == "INVITE":
            call = Call(self, uri_of(message["from"]), message)
            self.calls.append(call)
            call.ring()
            self.incoming.put_nowait(call)
        elif call is not None:
            call.asked(message)
        elif message.method != "ACK":  # OPTIONS: the server asks whether we live
            self.answer(message, 200, "OK")

    def answer(
        self,
        request: Message,
        status: int,
        reason: str,
        tag: str = "phone",
        body: tuple[str, str] | None = None,
        contact: str | None = None,
    ) -> None:
        """Answer a request, and the same again should it come twice."""
        more = [("Contact", contact or self.contact), *([("Content-Type", body[0])] if body else [])]
        encoded = request.response(status, reason, tag, more, body[1] if body else "").encode()
        self._answered[request["via"], request.method] = encoded
        self.transport.sendto(encoded, self.server)


class Call:
    """One call as one phone sees it. `state` goes from calling or ringing to up to ended; `status` is the SIP status
    that the INVITE got; `refer_status` what became of a transfer.
    """

    def __init__(
        self, phone: Phone, remote: str, invite: Message | None = None, *, identity: str = "",
        video_port: int | None = None,
    ) -> None:  # fmt: skip
        self.phone, self.remote, self._invite, self._identity = phone, remote, invite, identity
        self.voice = phone.voice
        self._media: tuple[str, int] | None = None
        self.id = invite["call-id"] if invite else secrets.token_hex(8)
        self.tag = secrets.token_hex(4)
        self.state = "ringing" if invite else "calling"
        self.status = self.refer_status = 0
        self._video_port = video_port
        self._cseq = self._sdp_version = 1
        self._us, self._them = f"<{phone.address(phone.number)}>;tag={self.tag}", f"<{remote}>"
        if invite:
            self._us, self._them = f"{invite['to']};tag={self.tag}", invite["from"]
            self._learn(invite)

    @property
    def other_number(self) -> str:
        """The number of the other party, as this phone was told."""
        return uri_of(self._them).partition("@")[0].removeprefix("sip:")

    async def until(self, state: str) -> "Call":
        await eventually(lambda: self.state == state, f"the call of {self.phone.number} is {state}, not {self.state}")
        return self

    # A caller.

    def dial(self) -> None:
        self._invite = self._begin("INVITE", self._sdp(), self._heard)

    def _heard(self, answer: Message) -> None:
        assert self._invite is not None
        if answer.status < 200:
            self.state = "ringing" if answer.status >= 180 else self.state
        elif answer.status < 300:
            self._them = answer["to"]
            self._learn(answer)
            self._speak()
            self._begin("ACK")
            if self.state != "ended":  # else it is a 200 that came twice
                self.status, self.state = answer.status, "up"
        else:
            self._acknowledge_failure(answer)
            if answer.status == 401 and not self._invite["authorization"]:
                self._cseq += 1
                login = self.phone.authorization(answer, self._invite)
                self._invite = self._begin("INVITE", self._sdp(), self._heard, [login])
            else:
                self.status, self.state = answer.status, "ended"

    async def cancel(self) -> None:
        """Give up before anybody answers."""
        assert self._invite is not None
        cancel = Message("CANCEL", self._invite.uri, headers=[("Via", self._invite["via"]), ("Max-Forwards", "70")])
        cancel.headers += [(name, self._invite[name]) for name in ("From", "To", "Call-ID")]
        cancel.headers.append(("CSeq", f"{self._cseq} CANCEL"))
        self.phone.send(cancel)
        await self.until("ended")

    # The called.

    def ring(self) -> None:
        self._respond(180, "Ringing")

    def progress(self) -> None:
        """Let the caller hear this phone before it is answered."""
        self._respond(183, "Session Progress", self._sdp())
        self._speak()

    def answer(self) -> None:
        self._respond(200, "OK", self._sdp())
        self.state = "up"
        self._speak()

    def reject(self, status: int = 486, reason: str = "Busy Here") -> None:
        self._respond(status, reason)
        self.state = "ended"

    def redirect(self, number: str) -> None:
        """Send the caller to another number."""
        self._respond(302, "Moved Temporarily", contact=f"<{self.phone.address(number)}>")
        self.state = "ended"

    # Both.

    async def hangup(self) -> None:
        self.state = "ended"
        await self._request("BYE")

    async def hold(self) -> None:
        await self._reinvite("sendonly")

    async def unhold(self) -> None:
        await self._reinvite("sendrecv")

    async def press(self, digits: str) -> None:
        """Press keys, sent within the voice."""
        await self.voice.press(digits)

    async def press_info(self, digits: str) -> None:
        """Press keys, sent as SIP INFO."""
        for digit in digits:
            await self._request("INFO", ("application/dtmf-relay", f"Signal={digit}\r\nDuration=120\r\n"))

    async def transfer(self, target: "str | Call") -> None:
        """Transfer the other party: to a number (blind), or to whom another call of this phone is with (attended)."""
        if isinstance(target, Call):
            tags = f"{target.id};to-tag={tag_of(target._them)};from-tag={target.tag}"
            refer_to = f"<{target.remote}?Replaces={quote(tags, safe='')}>"
        else:
            refer_to = f"<{self.phone.address(target)}>"
        answer = await self._request("REFER", more=[("Refer-To", refer_to), ("Referred-By", self.phone.contact)])
        assert answer.status == 202, answer

    # What follows is the dialog.

    def asked(self, request: Message) -> None:
        """The other side wants something within this call."""
        method = request.method
        if method == "ACK":
            return
        if method == "INVITE":
            self.phone.answer(request, 200, "OK", self.tag, self._sdp())
            return
        self.phone.answer(request, 200, "OK", self.tag)
        if method == "CANCEL" and self.state == "ringing":
            self._respond(487, "Request Terminated")
            self.state = "ended"
        elif method == "BYE":
            self.state = "ended"
        elif method == "NOTIFY" and (found := re.match(r"SIP/2\.0 (\d+)", request.body)):
            self.refer_status = int(found[1])

    def _respond(
        self, status: int, reason: str, body: tuple[str, str] | None = None, contact: str | None = None
    ) -> None:
        assert self._invite is not None
        self.phone.answer(self._invite, status, reason, self.tag, body, contact)

    def _sdp(self, direction: str = "sendrecv") -> tuple[str, str]:
        self._sdp_version += 1
        return "application/sdp", sdp(self.voice.port, self._sdp_version, direction, self._video_port)

    def _learn(self, message: Message) -> None:
        """Where the other side is, for requests and for the voice."""
        self.remote = uri_of(message["contact"])
        if port := re.search(r"m=audio (\d+)", message.body):
            self._media = ("127.0.0.1", int(port[1]))

    def _speak(self) -> None:
        """Send the voice into this call."""
        if self._media:
            self.voice.send_to(self._media)

    def _headers(self, more: Headers = ()) -> Headers:
        asserted = [("P-Asserted-Identity", f"<{self.phone.address(self._identity)}>")] if self._identity else []
        return [("From", self._us), ("To", self._them), ("Call-ID", self.id), *asserted, *more]

    def _begin(
        self, method: str, body: tuple[str, str] | None = None, heard: Heard = lambda _: None, more: Headers = ()
    ) -> Message:
        return self.phone.begin(method, self.remote, self._headers(more), self._cseq, body, heard)

    async def _request(self, method: str, body: tuple[str, str] | None = None, more: Headers = ()) -> Message:
        self._cseq += 1
        _, answer = await self.phone.request(method, self.remote, self._headers(more), self._cseq, body)
        return answer

    async def _reinvite(self, direction: str) -> None:
        answer = await self._request("INVITE", self._sdp(direction))
        assert answer.status == 200, answer
        self._learn(answer)
        self._speak()
        self._begin("ACK")

    def _acknowledge_failure(self, answer: Message) -> None:
        """The ACK that belongs to the INVITE's own transaction."""
        assert self._invite is not None
        ack = Message("ACK", self._invite.uri, headers=[("Via", self._invite["via"]), ("Max-Forwards", "70")])
        ack.headers += [("From", self._us), ("To", answer["to"]), ("Call-ID", self.id), ("CSeq", f"{self._cseq} ACK")]
        self.phone.send(ack)
