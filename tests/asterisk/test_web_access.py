"""Which web pages and names may use a server of this machine."""

import pytest

from arirecord.asterisk.web_access import WebAccess, is_loopback

LOCAL = WebAccess("127.0.0.1")


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:3000",
        "https://LOCALHOST:3000",
        "HTTP://127.0.0.1:1",
        "http://127.8.9.10",
        "http://[::1]",
        "http://[::1]:65535",
        "http://localhost/",
    ],
)
def test_pages_of_this_machine_are_allowed(origin: str) -> None:
    assert LOCAL.refusal(["127.0.0.1:8088"], [origin]) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://evil.example/localhost",
        "http://localhost@evil.example",
        "http://evil.example:80@localhost",
        "http://evil.example#localhost",
        "http://localhost.",
        "http://127.0.0.1.",
        "http://127.0.0.1.nip.io",
        "http://127.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://0.0.0.0",
        "http://localhost:",
        "http://localhost:evil",
        "http://evil.example:evil",
        "http://localhost:65536",
        "http://localhost:80:80",
        "http://localhost//",
        "http://localhost/x",
        "/",
        "http://localhost ",
        "http://localhost\n",
        "http://localhost, http://evil.example",
        "http://[::1",
        "http://::1",
        "http://[::1]evil.example",
        "http://[::2]",
        "http://[localhost]",
        "//localhost",
        "localhost",
        "file://localhost",
        "javascript://localhost",
        "http://locаlhost",
        "http://localhost:８０",
    ],
)
def test_all_other_pages_are_refused(origin: str) -> None:
    assert LOCAL.refusal(["127.0.0.1:8088"], [origin]) is not None


@pytest.mark.parametrize(
    ("host", "origin", "is_own"),
    [
        ("pbx:8088", "http://pbx:8088", True),
        ("PBX:8088", "http://pbx:8088/", True),
        ("192.0.2.7", "http://192.0.2.7:80", True),
        ("192.0.2.7", "https://192.0.2.7", True),
        ("[2001:db8::7]:8088", "http://[2001:db8::7]:8088", True),
        ("pbx:8088", "http://pbx:3000", False),
        ("pbx", "http://pbx:8088", False),
        ("192.0.2.7:8088", "http://192.0.2.8:8088", False),
        ("evil.example:8088", "http://evil.example:8088", False),
    ],
)
def test_a_program_may_send_the_address_of_the_server_as_its_origin(host: str, origin: str, is_own: bool) -> None:
    """Libraries for WebSockets do. Another port is another server, and a name must be that of this one."""
    assert (WebAccess("", hosts=["pbx"]).refusal([host], [origin]) is None) is is_own


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1:8088", "127.3.2.1", "[::1]:8088", "[::1]"])
def test_this_machine_has_its_own_names(host: str) -> None:
    assert LOCAL.refusal([host], []) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8088",
        "localhost.evil.example:8088",
        "127.0.0.1.evil.example",
        "localhost.",
        "192.0.2.7",
        "::1",
        "[::1]:x",
        "localhost:8088/evil.example",
        "localhost:8088@evil.example",
        "localhost, evil.example",
    ],
)
def test_a_rebound_name_is_refused(host: str) -> None:
    assert LOCAL.refusal([host], []) is not None


def test_a_header_given_twice_is_refused() -> None:
    assert LOCAL.refusal(["localhost", "localhost"], []) is not None
    assert LOCAL.refusal(["localhost"], ["http://localhost", "http://localhost"]) is not None


def test_programs_send_no_origin_and_old_ones_no_host() -> None:
    assert LOCAL.refusal([], []) is None


def test_stated_origins_and_hosts_are_allowed() -> None:
    access = WebAccess("192.0.2.7", origins=["https://Phone.example", "http://10.0.0.7:3000"], hosts=["replay"])

    assert access.refusal(["192.0.2.7:8088"], ["https://phone.example:443"]) is None
    assert access.refusal(["Replay:8088"], ["http://10.0.0.7:3000"]) is None
    assert access.refusal(["192.0.2.8"], []) is not None
    for other in ("http://phone.example", "https://phone.example:444", "https://a.phone.example", "http://10.0.0.7"):
        assert access.refusal(["replay"], [other]) is not None


def test_on_all_addresses_any_address_is_allowed_and_no_name() -> None:
    """An attacker can rebind a name, not an address."""
    for bound in ("0.0.0.0", "::", ""):
        assert WebAccess(bound).refusal(["192.0.2.7:8088"], []) is None
        assert WebAccess(bound).refusal(["[2001:db8::1]:8088"], []) is None
        assert WebAccess(bound).refusal(["evil.example"], []) is not None


@pytest.mark.parametrize("origin", ["*", "null", "phone.example", "https://phone.example/x", "https://*.example"])
def test_an_origin_that_cannot_be_one_is_an_error(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        WebAccess("127.0.0.1", origins=[origin])


@pytest.mark.parametrize("host", ["", "a:80", "http://a", "a/b", "*"])
def test_a_host_that_cannot_be_one_is_an_error(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        WebAccess("127.0.0.1", hosts=[host])


def test_loopback_is_not_a_beginning_of_a_name() -> None:
    assert not any(map(is_loopback, ("127.evil.example", "localhost.example", "", "0.0.0.0", "::", "10.0.0.1")))
