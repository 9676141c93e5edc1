"""A session made of chosen parts, of which the numbers of rows and the recorded time are known from outside."""

from collections.abc import Sequence
from functools import cached_property

from arirecord.session.parts import Part
from arirecord.session.reader import SessionFile
from arirecord.session.recorded_time import Gap, RecordedTime
from arirecord.session.servers import Server

__all__ = ["ShardSession"]


class ShardSession(SessionFile):
    """Parts of a recording, with the rows' numbers and the gaps of the whole recording.

    shifts: what the `seq` of each part is less than in the recording.
    recorded: the recorded time of the recording; gaps have their `seq` in it. None: that of the parts.
    """

    def __init__(self, parts: Sequence[Part], shifts: Sequence[int], recorded: RecordedTime | None = None) -> None:
        self.path = parts[0].path
        self.inputs = [self.path]
        self.remarks: list[str] = []
        self.lost: list[str] = []
        self.is_running = False
        self.parts = parts
        self._shifts = shifts
        self._recorded = recorded

    @cached_property
    def seq_shifts(self) -> Sequence[int]:
        """Return for each part the offset of its `seq`, and for the gaps, which have none."""
        return [*self._shifts, 0]

    def recorded_time_of(self, server: Server) -> RecordedTime:
        """Return the recorded time of the whole recording."""
        if self._recorded is None:
            return super().recorded_time_of(server)
        gaps = [
            Gap(gap.begin_ns, gap.end_ns, len(self.parts), gap.seq + gap.is_between, gap.is_between)
            for gap in self._recorded.gaps
        ]
        return RecordedTime(self._recorded.spans, gaps)
