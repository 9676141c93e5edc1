"""All event streams of a tap: which application is here, from where, and since when it has been away."""

from collections.abc import Callable, Iterable

from arirecord.asterisk.timestamps import format_timestamp

from .event_stream import ObservedStream
from .safe_recorder import SafeRecorder

__all__ = ["StreamRegistry"]


class StreamRegistry:
    """The open streams, and a row in the recording for each that opens or closes. `url` is Asterisk's."""

    def __init__(self, url: str, keeper: SafeRecorder, say: Callable[[str], None]) -> None:
        self.open: list[ObservedStream] = []
        self._url = url
        self._keeper = keeper
        self._say = say
        self._away: dict[str, int] = {}
        self._names: dict[tuple[str, str | None], set[str]] = {}

    def add(self, stream: ObservedStream) -> None:
        """A stream has opened."""
        for name in stream.applications:
            since = self._away.pop(name, None)
            if since is not None and not any(name in other.applications for other in self.open):
                self._keeper.connection(
                    "gap",
                    url=self._url,
                    application=name,
                    lost_since=format_timestamp(since),
                    reason="the application was not connected; what happened meanwhile is not known",
                )
        self.open.append(stream)
        self._names.setdefault((_host(stream.client), stream.user), set()).add(stream.name)
        reason = f"the application connected from {stream.client}"
        self._keeper.connection("opened", url=self._url, application=stream.name, status=101, reason=reason)
        self._say(f"Application {stream.name!r} connected from {stream.client}.")

    def remove(self, stream: ObservedStream) -> None:
        """A stream has closed."""
        stream.finish()
        self.open.remove(stream)
        self._away.update(dict.fromkeys(stream.applications, stream.last_ns))
        why, code = stream.end or ("it was lost", 1006)
        self._keeper.connection("closed", url=self._url, application=stream.name, status=code, reason=why)
        self._say(f"Application {stream.name!r} from {stream.client} is disconnected: {why} ({code}).")

    def serving(self, applications: Iterable[str]) -> ObservedStream | None:
        """A stream that has all these applications and whose application is still there."""
        wanted = set(applications)
        return next((s for s in self.open if s.is_served and not s.is_replaced and wanted <= set(s.applications)), None)

    def name_of(self, client: str, user: str | None) -> str | None:
        """The application that a REST client is, as far as its host and ARI user tell: None if several had these."""
        names = self._names.get((_host(client), user), ())
        return next(iter(names)) if len(names) == 1 else None


def _host(client: str) -> str:
    return client.rpartition(":")[0]
