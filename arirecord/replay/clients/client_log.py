"""The REST requests of a replay's clients, recorded as a session."""

import time
from pathlib import Path

from arirecord.errors import TargetExists
from arirecord.replay.rest.messages import RestRequest, RestResponse
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.rows import body_fields, own_text
from arirecord.session.seal import seal

__all__ = ["ClientLog"]


class ClientLog:
    """Writes `rest` rows to a journal and seals it into `target` when it is closed.

    Raises `TargetExists` if the target or its journal exists, and `OSError` if it cannot be written.
    """

    def __init__(self, target: Path, replayed: str) -> None:
        if target.exists():
            raise TargetExists(f"{target} exists; choose another output")
        self._target = target
        self._begun_ns = time.monotonic_ns()
        started_ns = time.time_ns()
        self._writer = JournalWriter(journal_path(target), started_ns, {"verb": "replay", "session": replayed})

    def note(self, request: RestRequest, answer: RestResponse, client: str, transport: str, took_ns: int) -> None:
        """Write one exchange, without the password."""
        query = "&".join(part for part in request.target.partition("?")[2].split("&") if _is_plain(part))
        raw = own_text(
            "rest",
            request.method,
            by="app",
            client=client,
            transport=transport,
            method=request.method,
            uri=request.path + (f"?{query}" if query else ""),
            request_type=request.content_type,
            **body_fields("request", request.body),
            status=answer.status,
            reason=answer.reason,
            answer_type=answer.content_type if answer.content else None,
            **body_fields("answer", answer.content),
            duration_ns=took_ns,
        )
        self._writer.write([(time.time_ns(), time.monotonic_ns() - self._begun_ns, "rest", raw)])
        self._writer.flush()

    def close(self) -> None:
        """Seal the session. Raises `ArirecordError` or `OSError` if that fails; then the journal is kept."""
        self._writer.close()
        seal(journal_path(self._target), self._target)


def _is_plain(part: str) -> bool:
    return bool(part) and part.partition("=")[0].lower().replace("%5f", "_") != "api_key"
