"""SIP messages as values: reading, writing, and the answer to a challenge. As much as a test phone needs."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Message", "branch", "digest", "sdp", "tag_of", "uri_of"]

_SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "r": "refer-to"}


@dataclass
class Message:
    """A request (`method` and `uri`) or a response (`status`). Header names are matched without regard to case."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        one, two, three = first.split(" ", 2)
        if one.startswith("SIP/"):
            return cls(status=int(two), reason=three, headers=headers, body=body)
        return cls(method=one, uri=two, headers=headers, body=body)

    def encode(self) -> bytes:
        first = f"SIP/2.0 {self.status} {self.reason}" if self.status else f"{self.method} {self.uri} SIP/2.0"
        lines = [first, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(self.body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if _SHORT.get(key.lower(), key.lower()) == name.lower()]

    def __getitem__(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self["cseq"].split()
        return int(number), method

    def response(
        self, status: int, reason: str, tag: str, more: Iterable[tuple[str, str]] = (), body: str = ""
    ) -> "Message":
        """The answer to this request; `tag` is ours."""
        to = self["to"] if tag_of(self["to"]) else f"{self['to']};tag={tag}"
        headers = [("Via", via) for via in self.all("via")]
        headers += [("From", self["from"]), ("To", to), ("Call-ID", self["call-id"]), ("CSeq", self["cseq"]), *more]
        return Message(status=status, reason=reason, headers=headers, body=body)


def tag_of(party: str) -> str:
    """The tag of a From or To header, empty without one."""
    found = re.search(r";tag=([^;>\s]+)", party)
    return found[1] if found else ""


def uri_of(party: str) -> str:
    """The address of a From, To or Contact header."""
    found = re.search(r"<([^>]+)>", party)
    return found[1] if found else party.partition(";")[0]


def branch() -> str:
    return "z9hG4bK" + secrets.token_hex(8)


def digest(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    """The Authorization header that answers a WWW-Authenticate header (RFC 2617, MD5, qop auth)."""
    given = {key: one or two for key, one, two in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', challenge)}
    realm, nonce, cnonce = given["realm"], given["nonce"], secrets.token_hex(8)
    secret, request = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{uri}")
    text = (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5, '
        f'response="{_md5(f"{secret}:{nonce}:00000001:{cnonce}:auth:{request}")}", qop=auth, nc=00000001, '
        f'cnonce="{cnonce}"'
    )
    return text + (f', opaque="{given["opaque"]}"' if "opaque" in given else "")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sdp(port: int, version: int, direction: str = "sendrecv", video_port: int | None = None) -> str:
    """An offer or answer: G.711 µ-law and telephone events on loopback; VP8 where there is a `video_port`."""
    lines = [
        "v=0",
        f"o=- {port} {version} IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        f"a={direction}",
    ]
    if video_port is not None:
        lines += [f"m=video {video_port} RTP/AVP 96", "a=rtpmap:96 VP8/90000", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"
