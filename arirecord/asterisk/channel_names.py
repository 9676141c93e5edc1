"""Names of channels: `PJSIP/1001-0000002a` is a channel of the endpoint `PJSIP/1001`."""

__all__ = ["endpoint_of"]


def endpoint_of(name: str) -> str:
    """Return the endpoint of a channel: its name up to the last dash, or a name without a dash."""
    return name.rpartition("-")[0] or name
