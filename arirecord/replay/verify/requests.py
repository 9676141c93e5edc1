"""Requests as verification compares them."""

from typing import NamedTuple

from arirecord.replay.rest.request_key import RequestKey

__all__ = ["Request"]


class Request(NamedTuple):
    """A request in recorded ids; `thing` is the id of the resource that it created, or empty.

    `begun_ns` and `ended_ns` are the times of the request and of its response, `status` is that of the response. `seq`
    is the number of the row of a recorded request, otherwise -1.
    """

    asked: RequestKey
    thing: str = ""
    begun_ns: int = 0
    ended_ns: int = 0
    status: int = 200
    seq: int = -1
