"""The line that tells how a replay is doing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arirecord.replay.server import ReplayServer

__all__ = ["Line", "clock"]


class Line:
    """Where the replay is, how long it has taken, how late it is, who listens."""

    def __init__(self, server: "ReplayServer") -> None:
        self._server = server
        self._begun_ns = server.clock.now_ns()

    def text(self) -> str:
        """The line as it is now."""
        status = self._server.status
        header = self._server.session.header
        wall_ns = self._server.clock.now_ns() - self._begun_ns
        position_ns = header.duration_ns if status.finished else min(status.position_ns, header.duration_ns)
        late = "" if self._server.clock.speed is None else f"  {status.late_ns / 1e6:.1f} ms late"
        return (
            f"{clock(position_ns)} of {clock(header.duration_ns)}  in {clock(wall_ns)}  "
            f"{status.frames:,} frames{late}  {status.clients} client{'s' * (status.clients != 1)}"
        )


def clock(ns: int) -> str:
    """Nanoseconds as `0:05:00`."""
    minutes, seconds = divmod(ns // 10**9, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
