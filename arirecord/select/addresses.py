"""Addresses to listen on, as people type them."""

__all__ = ["parse_listen"]


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8089`, `[::1]:8089`, `:8089` or `8089`; the default host is 127.0.0.1.

    Raises `ValueError` for any other text.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ValueError(f"{text!r} is not an address to listen on, such as 127.0.0.1:8089, :8089 or 8089")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)
