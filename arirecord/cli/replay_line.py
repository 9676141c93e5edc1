"""The status line of a replay."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arirecord.replay.server import ReplayServer

__all__ = ["ReplayLine", "clock"]


class ReplayLine:
    """Position, elapsed time, speed, lateness and clients of a replay."""

    def __init__(self, server: "ReplayServer") -> None:
        self._server = server
        self._begun_ns = server.clock.now_ns()

    def text(self) -> str:
        """The line as it is now."""
        server, status = self._server, self._server.status
        header, told = server.session.header, server.describe()
        position_ns = header.duration_ns if status.finished else int(told["position_s"] * 1e9)
        wall_ns = server.clock.now_ns() - self._begun_ns
        speed = told["speed"]
        parts = [
            f"{clock(min(position_ns, header.duration_ns))} of {clock(header.duration_ns)}",
            f"in {clock(wall_ns)}",
            "paused" if told["paused"] else speed if isinstance(speed, str) else f"×{speed:g}",
            f"{status.frames:,} frames",
            f"{status.late_ns / 1e6:.1f} ms late" if server.clock.speed is not None else "",
            f"{status.clients} client{'s' * (status.clients != 1)}",
        ]
        return "  ".join(part for part in parts if part)


def clock(ns: int) -> str:
    """Nanoseconds as `0:05:00`."""
    minutes, seconds = divmod(ns // 10**9, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
