"""Where clients' questions arrive, over HTTP or over the WebSocket, and are answered and noted."""

from collections.abc import Callable
from dataclasses import replace

from arirecord.replay.clients.client import Client
from arirecord.replay.clients.client_log import ClientLog
from arirecord.replay.clients.synthetic_events import ari_time, registered, replaced
from arirecord.replay.options import ReplayError
from arirecord.replay.pbx.lazy_state import LazyState
from arirecord.replay.timing.date_shift import DateShift
from arirecord.replay.wire.rest_messages import answer_message

from .handler import RestHandler
from .messages import RestRequest, RestResponse, error

__all__ = ["RestService"]

# What is asked of these has nothing to do with what is up.
_STATELESS = ("api-docs", "events")


class RestService:
    """Answers from `rest`, when the model is up to date. What is asked goes to `log`, where there is one.

    `moment_ns` tells the time of the recording, since 1970 UTC; `now_ns` is the monotonic clock; `shift` moves dates.
    """

    def __init__(
        self,
        rest: RestHandler,
        model: LazyState,
        asterisk_id: str,
        moment_ns: Callable[[], int],
        now_ns: Callable[[], int],
        shift: DateShift | None = None,
    ) -> None:
        self.log: ClientLog | None = None
        self._rest = rest
        self._model = model
        self._asterisk_id = asterisk_id
        self._moment_ns = moment_ns
        self._now_ns = now_ns
        self._shift = shift

    def moment(self) -> str:
        """The time of the recording, as ARI writes times; moved where dates are."""
        return ari_time(self._moment_ns() + (self._shift.ms * 1_000_000 if self._shift else 0))

    async def ask(self, question: RestRequest, client: str, transport: str = "http") -> RestResponse:
        """Answer a question of a client, named by its address."""
        began_ns = self._now_ns()
        try:
            if question.segments[0] not in _STATELESS:
                await self._model.freshen()
            answer = self._rest.answer(question)
        except ReplayError as unreadable:
            answer = error(503, str(unreadable))
        if self._shift is not None and answer.content_type == "application/json":
            moved = self._shift.text(answer.content.decode("utf-8", "surrogateescape"))
            answer = replace(answer, body=moved.encode("utf-8", "surrogateescape"))
        if self.log is not None:
            self.log.note(question, answer, client, transport, self._now_ns() - began_ns)
        return answer

    async def message(self, client: Client, text: str) -> str:
        """Answer what a client sent over its WebSocket."""

        async def ask(question: RestRequest) -> RestResponse:
            return await self.ask(question, client.name, "websocket")

        return await answer_message(text, ask, client.application, self.moment, self._asterisk_id)

    def replaced(self, application: str) -> str:
        """The event that tells a client that another has taken its application."""
        return replaced(application, self.moment(), self._asterisk_id)

    def registered(self, application: str) -> str:
        """The event with which Asterisk begins on a WebSocket that it dialled."""
        return registered(application, self.moment(), self._asterisk_id)
