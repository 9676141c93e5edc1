"""HTTP/1.1 parser for observed bytes: finds the begin and end of messages, and changes nothing."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["END", "End", "Event", "Head", "HeadTooLong", "HttpReader", "Unparsable"]

_MAX_HEAD_BYTES = 1 << 16
_MAX_LINE_BYTES = 1 << 16
_ANSWER = b"HTTP/"
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Unparsable(ValueError):
    """The bytes are not HTTP/1, or not a WebSocket. The text holds none of them: they may be a secret."""


class HeadTooLong(Unparsable):
    """A head has more than 64 KiB. Asterisk refuses lines of more than 4 KiB."""


class End(Enum):
    """The end of a message."""

    END = auto()


END = End.END


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of a message, its three words, and its headers with names in lower case."""

    words: tuple[str, str, str]
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """A header by its lower-case name; several are joined by commas. None if it is missing."""
        values = self.get_all(name)
        return ", ".join(values) if values else None

    def get_all(self, name: str) -> list[str]:
        """Each value of a header by its lower-case name."""
        return [value for key, value in self.headers if key == name]

    @property
    def method(self) -> str:
        """The method of a request."""
        return self.words[0]

    @property
    def target(self) -> str:
        """Path and query of a request, as sent."""
        return self.words[1]

    @property
    def status(self) -> int:
        """The status of a response. Raises `Unparsable`."""
        return _number(self.words[1], 10)

    @property
    def reason(self) -> str:
        """The reason phrase of a response."""
        return self.words[2]

    @property
    def is_websocket(self) -> bool:
        """Whether a request asks for a WebSocket."""
        return self.method == "GET" and (self.get("upgrade") or "").lower() == "websocket"

    @classmethod
    def parse(cls, data: bytes) -> "Head":
        """Parse the lines of a head. Raises `Unparsable` if they are not a head."""
        first, *lines = data.decode("latin-1").replace("\r\n", "\n").split("\n")
        words = [*first.split(" ", 2), ""][:3]
        if len(words) != 3:
            raise Unparsable("no HTTP")
        split = (line.partition(":") for line in lines)
        return cls(
            (words[0], words[1], words[2]), tuple((name.strip().lower(), text.strip()) for name, _, text in split)
        )


Event = Head | bytes | End


class HttpReader:
    """Finds the messages in one direction of a connection.

    `asked` makes it a reader of responses: it returns the method of the request that the next response belongs to.
    """

    def __init__(self, asked: Callable[[], str] | None = None) -> None:
        self._asked = asked
        self._buffer = bytearray()
        self._left = 0
        self._searched = 0
        self._step: Callable[[], Event | None] = self._head

    @property
    def unfinished_head_bytes(self) -> int:
        """Bytes of a head that has begun and is not complete."""
        return len(self._buffer) if self._step == self._head else 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield what these bytes complete: heads, parts of bodies, ends. Raises `Unparsable` if they are not HTTP/1."""
        self._buffer += data
        while (event := self._step()) is not None:
            yield event

    def finish(self) -> bool:
        """Report the end of the connection. Returns whether that is a proper end of a message."""
        return self._step == self._until_close

    def rest(self) -> bytes:
        """Return the bytes after a change of protocol."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _MAX_LINE_BYTES:
                raise Unparsable("an endless line")
            return None
        return self._take(end + 1).rstrip(b"\r\n")

    def _head(self) -> Event | None:
        while self._buffer.startswith((b"\r", b"\n")):  # some clients end a body with an extra newline
            del self._buffer[:1]
        if self._asked is not None and not self._skip_surplus():
            return None
        if self._asked is None and self._buffer and not self._buffer[:1].isalpha():
            raise Unparsable("no HTTP")
        end = _HEAD_END.search(self._buffer, self._searched)
        if (len(self._buffer) if end is None else end.start()) > _MAX_HEAD_BYTES:
            raise HeadTooLong("a head of more than 64 KiB")
        if end is None:
            self._searched = max(0, len(self._buffer) - 3)  # its end may have begun
            return None
        self._searched = 0
        head = Head.parse(bytes(self._buffer[: end.start()]))
        del self._buffer[: end.end()]
        self._step = self._body_of(head)
        return head

    def _skip_surplus(self) -> bool:
        """Drop the body that Asterisk sends with the response to a HEAD request. Returns whether a response begins."""
        start = self._buffer.find(_ANSWER)
        del self._buffer[: start if start >= 0 else max(0, len(self._buffer) - len(_ANSWER) + 1)]
        return start >= 0

    def _body_of(self, head: Head) -> Callable[[], Event | None]:
        """How the body of a message ends (RFC 9112, 6.3)."""
        is_answer = self._asked is not None
        if self._asked is not None:
            status = head.status
            if status == 101:
                return self._nothing
            if status < 200:
                return self._head  # an interim response; the final one follows
            if status in (204, 304) or self._asked() == "HEAD":
                return self._end
        if coding := head.get("transfer-encoding"):
            return self._chunk_size if coding.lower().endswith("chunked") else self._until_close
        if length := head.get("content-length"):
            self._left = _number(length.partition(",")[0], 10)
            return self._sized
        return self._until_close if is_answer else self._end

    def _nothing(self) -> Event | None:
        return None

    def _end(self) -> Event:
        self._step = self._head
        return END

    def _sized(self) -> Event | None:
        if not self._left:
            return self._end()
        data = self._take(self._left)
        self._left -= len(data)
        return data or None

    def _until_close(self) -> Event | None:
        return self.rest() or None

    def _chunk_size(self) -> Event | None:
        line = self._line()
        if line is None:
            return None
        self._left = _number(line.partition(b";")[0].decode("latin-1"), 16)
        self._step = self._chunk if self._left else self._trailer
        return self._step()

    def _chunk(self) -> Event | None:
        if self._left:
            data = self._take(self._left)
            self._left -= len(data)
            return data or None
        if self._line() is None:
            return None
        self._step = self._chunk_size
        return self._step()

    def _trailer(self) -> Event | None:
        while (line := self._line()) is not None:
            if not line:
                return self._end()
        return None


def _number(text: str, base: int) -> int:
    digits = text.strip()
    if not re.fullmatch("[0-9]+" if base == 10 else "[0-9a-fA-F]+", digits, re.ASCII) or len(digits) > 16:
        raise Unparsable("a length or a status is not a number")
    return int(digits, base)
