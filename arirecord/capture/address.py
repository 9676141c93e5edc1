"""Addresses and credentials of an ARI, read from user input."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from arirecord.asterisk.login import basic_header
from arirecord.errors import CaptureError

__all__ = ["Address", "why_unreachable"]

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True)
class Address:
    """An ARI: `base` is `ws://host:port/path`, never with credentials; `user` and `password` may be None; `tls` has the
    checks of a wss connection.
    """

    base: str
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    @classmethod
    def parse(cls, url: str, user: str | None = None, password: str | None = None) -> "Address":
        """Read `http://host:8088/ari` (also https, ws, wss); `user` may be `NAME:PASSWORD`, and both may stand in the
        URL.

        Raises `CaptureError` for any other text.
        """
        try:
            parts = urlsplit(url)
            scheme, host, port = _SCHEMES[parts.scheme], parts.hostname, parts.port
            if not host:
                raise ValueError
        except (KeyError, ValueError):
            shown = re.sub(r"//[^/]*@", "//…@", url)
            raise CaptureError(f"{shown!r} is not an address of an ARI: it looks like http://host:8088/ari") from None
        if user is None and parts.username:
            user = unquote(parts.username) + (":" + unquote(parts.password) if parts.password else "")
        if user is not None and ":" in user:
            user, _, password = user.partition(":")
        netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        path = parts.path.rstrip("/").removesuffix("/events")
        return cls(urlunsplit((scheme, netloc, path, "", "")), user, password)

    def events_url(self, application: str, *, subscribe_all: bool) -> str:
        """URL of the event stream of one application."""
        query = {"app": application, **({"subscribeAll": "true"} if subscribe_all else {})}
        return f"{self.base}/events?{urlencode(query, quote_via=quote)}"

    @property
    def http_base(self) -> str:
        """Base of its REST URLs, `http://host:port/path`."""
        return "http" + self.base.removeprefix("ws")

    def trusting(self, authority: Path | None, *, insecure: bool = False) -> "Address":
        """Return a copy that checks certificates against `authority` (a PEM file; None: the system's), or not at all.

        Raises `CaptureError` if the file holds no certificate.
        """
        if not self.base.startswith("wss:"):
            return self
        try:
            tls = ssl.create_default_context(cafile=authority)
        except (OSError, ssl.SSLError) as error:
            raise CaptureError(f"{authority} holds no certificate in PEM form: {error}") from None
        if insecure:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        return replace(self, tls=tls)

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the HTTP headers for the login."""
        if self.user is None:
            return {}
        return {"Authorization": basic_header(self.user, self.password or "")}


def why_unreachable(where: str, error: OSError, timeout_s: float) -> str:
    """Return a sentence that says why nothing could be asked at `where`, and what to do."""
    if isinstance(error, TimeoutError):
        return f"no answer from {where} in {timeout_s:g} s: is the host right, does a firewall block it?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {where} is not to be trusted ({error.verify_message}): name its authority with --ca"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {where}: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return (
            f"connection refused: nothing listens at {where}. Is Asterisk running, with `enabled = yes` in http.conf?"
        )
    return f"can't connect to {where}: {error.strerror or error}"
