"""A replay refuses what Asterisk refuses, with its status, except for what a recording cannot know."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.sync.client import connect

from arirecord.asterisk.rest_operations import Operation
from arirecord.testing import Ari
from tests.replay import test_verify

from .switch import Asterisk
from .wrong_requests import CRASHES, DIFFERENCES, VARIANTS, every_operation, prepare, reason, status, wrong_request

pytestmark = pytest.mark.asterisk

MENU = Path(test_verify.__file__).parent / "recordings" / "menu.parquet"
OPERATIONS = list(every_operation())


class Servers(NamedTuple):
    """The base URL of ARI and the login, of Asterisk and of the replay."""

    asterisk: tuple[str, str]
    replay: tuple[str, str]


@pytest.fixture(scope="module")
def servers(asterisk: Asterisk) -> Iterator[Servers]:
    """The same application is connected to both."""
    login = f"{asterisk.user}:{asterisk.password}"
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    events = f"ws://127.0.0.1:{asterisk.http_port}/ari/events?app=wrong"
    with (
        Ari(MENU, start_paused=True) as ari,
        connect(events, additional_headers=headers),
        connect(f"{ari.ws_url}?app=wrong"),
    ):
        yield Servers((asterisk.url, login), (ari.url, "u:p"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.resource}.{one.name}")
def test_wrong_requests_have_the_status_of_asterisk(servers: Servers, operation: Operation) -> None:
    for variant in VARIANTS:
        method, target, body = wrong_request(operation, variant)
        statuses = []
        for url, login in servers:
            if f"{operation.resource}.{operation.name} {variant}" in CRASHES and url == servers.asterisk[0]:
                continue
            if "{channelId}" in operation.path or "{bridgeId}" in operation.path:
                prepare(url, login)
            statuses.append(status(url, method, target, body, login))
        assert len(set(statuses)) == 1 or reason(operation, variant), f"{variant}: {method} {target}: {statuses}"


def test_each_listed_difference_is_of_some_operation() -> None:
    used = {reason(operation, variant) for operation in OPERATIONS for variant in VARIANTS}
    assert set(DIFFERENCES.values()) <= used
