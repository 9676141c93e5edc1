"""Which web pages and which host names may use a server of this machine: the headers `Host` and `Origin`.

A browser lets every page connect to 127.0.0.1. It names the page's origin in `Origin`, and the name that the page used
in `Host`; with DNS rebinding that name is the attacker's. Programs send no `Origin`, or that of the server.
"""

import errno
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

__all__ = ["WebAccess", "is_loopback", "local_authority", "why_not_listening"]

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"(https?)://(.+)", re.IGNORECASE | re.ASCII)
_PORTS = {"http": 80, "https": 443}
_WILDCARDS = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class WebAccess:
    """Decides whether a request may be served.

    bound: the address or name that the server listens on; empty, `0.0.0.0` and `::` are all addresses.
    origins: origins of web pages besides those of this machine, such as `https://phone.example`.
    hosts: names of this server besides `bound` and those of this machine.

    Raises `ValueError` for an origin or host that cannot be one.
    """

    bound: str
    origins: Collection[str] = ()
    hosts: Collection[str] = ()

    def __post_init__(self) -> None:
        for origin in self.origins:
            if _parse_origin(origin) is None:
                raise ValueError(f"{origin!r} is not an origin such as https://phone.example or http://10.0.0.7:3000")
        for host in self.hosts:
            if _parse_authority(host) is None or ":" in host:
                raise ValueError(f"{host!r} is not a host name without a port, such as recorder.example")

    def refusal(self, hosts: Sequence[str], origins: Sequence[str]) -> str | None:
        """Return why a request is refused; None if it is served.

        hosts, origins: the values of all its headers `Host` and `Origin`. A missing header is accepted.
        """
        if len(hosts) > 1 or len(origins) > 1:
            return "A request has one Host and one Origin"
        if hosts and not self._is_own(hosts[0]):
            return "This server does not have the name in Host; --allow-host NAME adds one"
        if origins and not (self.allows_origin(origins[0]) or (hosts and _is_of(origins[0], hosts[0]))):
            return "Pages of this Origin are not allowed; --allow-origin ORIGIN adds one"
        return None

    def allows_origin(self, origin: str) -> bool:
        """Whether a page is of this machine, or its origin is one of `origins`."""
        parsed = _parse_origin(origin)
        return parsed is not None and (
            is_loopback(parsed[1]) or any(parsed == _parse_origin(allowed) for allowed in self.origins)
        )

    def _is_own(self, authority: str) -> bool:
        parsed = _parse_authority(authority)
        if parsed is None:
            return False
        host = parsed[0]
        if is_loopback(host) or host in {name.lower() for name in (self.bound, *self.hosts)}:
            return True
        return self.bound in _WILDCARDS and _is_address(host)  # only a name can be rebound


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own: `localhost`, an address of 127.0.0.0/8, or `::1`."""
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_of(origin: str, authority: str) -> bool:
    """Whether an origin is that of the server itself. Libraries for WebSockets send it: websocket-client for Python."""
    parsed, own = _parse_origin(origin), _parse_authority(authority)
    return parsed is not None and own is not None and parsed[1:] == (own[0], own[1] or _PORTS[parsed[0]])


def _parse_origin(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host in lower case, port; None for anything but scheme://host[:port], `null` included.

    A slash at the end is ignored: golang.org/x/net/websocket sends `http://localhost/`.
    """
    matched = _ORIGIN.fullmatch(origin.removesuffix("/"))
    parsed = matched and _parse_authority(matched[2])
    if matched is None or parsed is None:
        return None
    scheme = matched[1].lower()
    return scheme, parsed[0], _PORTS[scheme] if parsed[1] is None else parsed[1]


def local_authority(host: str, port: int) -> str:
    """Return `host:port` as a client on this machine writes it into a URL; `host` is where a server listens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def why_not_listening(host: str, port: int, error: OSError, advice: str) -> str:
    """Return why a server cannot listen there; `advice` follows if another program does."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use by another program; choose another{advice}"
    return f"can't listen on port {port} of {host}: {error.strerror or error}"


def _parse_authority(authority: str) -> tuple[str, int | None] | None:
    """Host in lower case without brackets, and port; None for anything but host[:port]."""
    matched = _AUTHORITY.fullmatch(authority)
    if matched is None or (matched[2] and int(matched[2]) > 65535):
        return None
    host = matched[1].lower()
    if host.startswith("[") and not _is_address(host := host[1:-1]):
        return None
    return host, int(matched[2]) if matched[2] else None
