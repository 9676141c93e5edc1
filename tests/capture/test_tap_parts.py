"""The ears of the tap: HTTP and WebSocket in passing, and what must not be recorded."""

import base64
import re
from collections.abc import Iterator
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from arirecord.asterisk.catalogue import all_columns
from arirecord.tap.frames import CLOSE, Message, MessageReader, close_frame, parse_close
from arirecord.tap.http import END, Head, HttpReader
from arirecord.tap.known_secrets import KnownSecrets
from arirecord.tap.rest_exchanges import Exchanges, ObservedExchange
from arirecord.tap.secret_names import is_secret_name
from arirecord.tap.secrets import (
    clean_body,
    clean_frame,
    clean_query,
    clean_uri,
    names_secret_variable,
    user_of,
)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    """Bytes in pieces, as a network delivers them."""
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    yield from (data[start:end] for start, end in pairwise(marks))


CUTS = st.lists(st.integers(0, 1 << 20), max_size=20)
BODY = st.binary(max_size=300)


def chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@given(st.lists(st.tuples(BODY, st.sampled_from(["length", "chunked"]), BODY), max_size=4), CUTS, CUTS)
def test_exchanges_are_found_however_they_are_cut(
    wanted: list[tuple[bytes, str, bytes]], places: list[int], other_places: list[int]
) -> None:
    """Any number of them, pipelined, each body to the byte."""
    requests, answers = b"", b""
    for asked, how, answered in wanted:
        for first, body in ((b"POST /x HTTP/1.1", asked), (b"HTTP/1.1 200 OK", answered)):
            head = b"Content-Length: %d" % len(body) if how == "length" else b"Transfer-Encoding: chunked"
            data = first + b"\r\n" + head + b"\r\n\r\n" + (body if how == "length" else chunked(body))
            if first.startswith(b"POST"):
                requests += data
            else:
                answers += data
    kept: list[ObservedExchange] = []
    exchanges = Exchanges(lambda exchange, reason: kept.append(exchange), 1 << 20)
    for data in cut(requests, places):
        exchanges.from_application(data)
    for data in cut(answers, other_places):
        assert exchanges.from_asterisk(data) is None

    assert [(one.request_body.data, one.answer_body.data) for one in kept] == [(a, b) for a, _, b in wanted]
    assert not exchanges.open


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"A" * (1 << 21)]
)
def test_what_is_no_http(data: bytes) -> None:
    """Is told by an error, and by no other."""
    with pytest.raises(ValueError, match=r"."):
        list(HttpReader().feed(data))


@given(st.binary(max_size=200), CUTS)
def test_any_bytes_are_heard_without_harm(data: bytes, places: list[int]) -> None:
    """They are understood, or refused with `ValueError`."""
    for reader in (HttpReader(), HttpReader(lambda: "GET"), MessageReader()):
        try:
            for piece in cut(data, places):
                list(reader.feed(piece))
        except ValueError:
            pass


def test_heads() -> None:
    """Names in any case, no reason, lines ended by a newline alone."""
    head = next(HttpReader(lambda: "GET").feed(b"HTTP/1.1 200\nX-Y: 1\nx-y:2\nContent-Length: 0\n\n"))

    assert isinstance(head, Head)
    assert (head.status, head.reason, head.get("x-y"), head.get("none")) == (200, "", "1, 2", None)


@given(st.sampled_from([b"", b"{}", b"\r\n", b"<h1>HTT</h1>", b"x\n\r\n"]), CUTS)
def test_an_answer_to_head_has_no_body(surplus: bytes, places: list[int]) -> None:
    """Whatever its headers say, and even where Asterisk sends one."""
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + surplus + b"HTTP/1.1 204 No\r\n\r\n"
    reader = HttpReader(lambda: "HEAD")
    events = [event for piece in cut(data, places) for event in reader.feed(piece)]

    assert [type(event) for event in events] == [Head, type(END), Head, type(END)]


TEXTS = st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=70_000), st.integers(1, 4))


@given(st.lists(TEXTS, max_size=4), CUTS, st.booleans())
def test_messages_are_found_however_they_are_cut(
    wanted: list[tuple[Opcode, bytes, int]], places: list[int], mask: bool
) -> None:
    """Fragmented, masked, with pings in their midst."""
    data = b""
    for opcode, payload, count in wanted:
        size = len(payload) // count + 1
        pieces = [payload[n * size : (n + 1) * size] for n in range(count)]
        for number, piece in enumerate(pieces):
            frame = Frame(opcode if number == 0 else Opcode.CONT, piece, fin=number == count - 1)
            data += Frame(Opcode.PING, b"?").serialize(mask=mask) + frame.serialize(mask=mask)
    data += close_frame(4000, "bye", mask=mask)
    reader = MessageReader()
    found = [message for piece in cut(data, places) for message in reader.feed(piece)]

    assert found[:-1] == [Message(opcode, payload) for opcode, payload, _ in wanted]
    assert found[-1].opcode is CLOSE
    assert parse_close(found[-1].data) == (4000, "bye")
    assert reader.is_between_frames


@pytest.mark.parametrize("size", [125, 126, 127, 1000, 65535, 65536, 200_000])
@pytest.mark.parametrize("step", [1, 1000, 1 << 20])
def test_long_messages_are_passed_over(size: int, step: int) -> None:
    """In one frame or many; what follows is heard."""
    long = Frame(Opcode.TEXT, b"x" * size).serialize(mask=True)
    pieces = [b"y" * (size // 3 + 1)] * 3
    fragments = [
        Frame(Opcode.TEXT if number == 0 else Opcode.CONT, piece, fin=number == 2).serialize(mask=False)
        for number, piece in enumerate(pieces)
    ]
    data = long + b"".join(fragments) + Frame(Opcode.TEXT, b"short").serialize(mask=False)
    reader = MessageReader(max_bytes=100)
    step = max(step, size // 1000)
    found = [m for start in range(0, len(data), step) for m in reader.feed(data[start : start + step])]

    assert found == [Message(Opcode.TEXT, b"short")]
    assert reader.skipped == 2
    assert reader.is_between_frames


@pytest.mark.parametrize(
    ("uri", "clean"),
    [
        ("/ari/channels?api_key=u:p&a=%20b", "/ari/channels?a=%20b"),
        ("/ari/channels?a=1&API%5Fkey=u%3Ap", "/ari/channels?a=1"),
        ("/ari/channels?api_key=u:p", "/ari/channels"),
        (
            "/ari/x?password=1&tok%65n=22&keep=api_key",
            "/ari/x?password=(removed:1-bytes)&tok%65n=(removed:2-bytes)&keep=api_key",
        ),
        ("/ari/x#api_key=u:p", "/ari/x"),
        ("/ari/x?a=1#/t?access_token=abc", "/ari/x?a=1#/t?access_token=(removed:3-bytes)"),
        (
            "/ari/channels/1/variable?variable=SIP_PIN&value=12%2034",
            "/ari/channels/1/variable?variable=SIP_PIN&value=(removed:5-bytes)",
        ),
        ("/ari/channels/1/variable?value=1234&variable=PINK", "/ari/channels/1/variable?value=1234&variable=PINK"),
        (
            '/ari/asterisk/config/dynamic/res_pjsip/auth/1?fields=[{"attribute":"password","value":"%C3%A4"}]',
            "/ari/asterisk/config/dynamic/res_pjsip/auth/1?fields="
            "%5B%7B%22attribute%22%3A%22password%22%2C%22value%22%3A%22%28removed%3A2-bytes%29%22%7D%5D",
        ),
        ("http://u:p@pbx:8088/ari/x?y=1", "/ari/x?y=1"),
        ("/ari/channels?endpoint=sip://u@h", "/ari/channels?endpoint=sip://u@h"),
        ("channels/1/play?media=sound:a&&b", "channels/1/play?media=sound:a&&b"),
    ],
)
def test_uris_without_credentials(uri: str, clean: str) -> None:
    """All the rest is untouched."""
    assert clean_uri(uri) == clean


def test_bodies_without_credentials() -> None:
    """Forms, and secrets in Asterisk's configuration; the rest is untouched."""
    path = "/ari/asterisk/config/dynamic/res_pjsip/auth/1"
    body = b'{"fields": [{"attribute":"password","value":"x"},{"attribute":"user","value":"y"}],"md5_cred":"z"}'

    assert clean_query("a=1&api_key=x") == "a=1"
    assert clean_body("/x", "application/x-www-form-urlencoded; charset=utf-8", b"a=\xff&api_key=x") == b"a=\xff"
    for anywhere in (path, path.replace("dynamic", "%64ynamic"), path.replace("/config", "//config"), "/ari/channels"):
        assert orjson.loads(clean_body(anywhere, None, body)) == {
            "fields": [{"attribute": "password", "value": "(removed:1-bytes)"}, {"attribute": "user", "value": "y"}],
            "md5_cred": "(removed:1-bytes)",
        }
        assert clean_body(anywhere, None, b"") == b""
    assert clean_body(path, None, b"{half") == b"(removed:5-bytes)"
    assert clean_body("/ari/channels", None, b"{half") == b"{half"
    untouched = b'{ "a" : 1.50, "caller": {"number":"1234"}, "value":"x" }'
    assert clean_body("/ari/channels", "application/json", untouched) == untouched
    assert clean_body("/x", None, b'{"value":"4711"}', whole="value") == b'{"value":"(removed:4-bytes)"}'
    assert clean_body("/x", None, b'{"value":"4711"}') == b'{"value":"4711"}'


@pytest.mark.parametrize(
    ("uri", "content_type", "body"),
    [
        ("/ari/channels/1/variable?variable=ACCOUNT_PIN", None, ""),
        ("//ari/channels/1/variable?v%61riable=DB(trunk/secr%65t)", None, ""),
        ("/ari/channels/1/variable?value=x&variable=A_TOKEN", None, ""),
        ("/ari/channels/1/variable", "application/json", '{"variable":"ACCOUNT_PIN"}'),
        ("/ari/channels/1/variable", "application/x-www-form-urlencoded", "a=b&variable=ACCOUNT_PIN"),
    ],
)
def test_a_request_names_a_secret_variable(uri: str, content_type: str | None, body: str) -> None:
    assert names_secret_variable(uri, content_type, body.encode())
    plain = [text.replace("PIN", "NAME").replace("TOKEN", "NAME").replace("secr%65t", "x") for text in (uri, body)]
    assert not names_secret_variable(plain[0], content_type, plain[1].encode())


@pytest.mark.parametrize(
    ("secret", "plain"),
    [
        ("password", "passthrough"),
        ("sipPassword", "bypass_media"),
        ("PIN", "PINK"),
        ("ConfPIN", "SPINNING"),
        ("userPin", "ping"),
        ("VM_PIN", "mapping"),
        ("pin_code", "opinion"),
        ("api-key", "keypad"),
        ("X-Auth-Token", "SECRETARY_NUMBER"),
        ("__SIPSECRET", "endpoint"),
        ("PJSIP_HEADER(add,Authorization)", "author"),
        ("md5_cred", "credit"),
        ("oauth_secret", "destination"),
    ],
)
def test_secret_names(secret: str, plain: str) -> None:
    assert is_secret_name(secret)
    assert not is_secret_name(plain)


def test_no_field_of_ari_is_a_secret() -> None:
    """So the columns of events keep their values."""
    assert [name for name in all_columns() if is_secret_name(name)] == []


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"ChannelVarset","variable":"CARD_PIN","value":"hunter2"}',
        b'{"type":"X","p\\u0061ssword":"hunter2"}',
        b'{"type":"StasisStart","channel":{"channelvars":{"MYSECRET":"hunter2"},"id":"1"}}',
        b'{"type":"ChannelDialplan","dialplan_app":"Set","dialplan_app_data":"GLOBAL(PIN)=hunter2, or so hunter2"}',
        b'{"type":"ChannelDialplan","dialplan_app":"Authenticate","dialplan_app_data":"hunter2"}',
        b'{"type":"X","channel":{"dialplan":{"app_name":"Set","app_data":"SIPPASSWORD=hunter2"}}}',
        b'{"type":"ChannelUserevent","userevent":{"Token":"hunter2"}}',
        b'{"type":"X","note":"Authorization: Bearer hunter2"}',
        b'{"type":"Dial","dialstring":"ann:hunter2@carrier/5551","forward":""}',
        b'{"type":"X","url":"http://pbx/x?api_key=hunter2"}',
        b"password=hunter2",
        b"\xff password=hunter2",
        b'{"password":"hunter2", broken',
        b'{"type":"ChannelVarset","n":NaN,"variable":"CARD_PIN","value":"hunter2"}',
        b'{"type":"ChannelUserevent","userevent":' + b'{"a":' * 900 + b'{"password":"hunter2"}' + b"}" * 901,
        b'{"type":"X","args":["--password","hunter2"]}',
        b'{"type":"X","dialplan_app":"DISA","dialplan_app_data":"hunter2,internal"}',
        b'{"type":"X","dialplan_app":"AGI","dialplan_app_data":"agi://ann:hunter2@pbx/x"}',
        b'{"type":"X","dialplan_app":"Set","dialplan_app_data":"CURLOPT(userpwd)=ann:hunter2"}',
        b'{"type":"X","dialplan_app":"Set","dialplan_app_data":"CURLOPT(httpheader)=X-Auth-Token: hunter2"}',
    ],
)
def test_a_frame_without_secrets(frame: bytes) -> None:
    cleaned = clean_frame(frame)

    assert b"hunter2" not in cleaned
    assert b"-bytes)" in cleaned


@pytest.mark.parametrize(
    "frame",
    [
        b'{ "type" : "ChannelVarset", "variable":"SPINNING", "value":"1.50" }',
        b'{"type":"Dial","dialstring":"PJSIP/token:5060","forward":"pin"}',
        b"\xff passw\xffrd=1",
        b"",
    ],
)
def test_other_frames_stay_byte_for_byte(frame: bytes) -> None:
    assert clean_frame(frame) == frame


SECRET = 'a b/ä&"\\Z+9'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        "a%20b%2F%C3%A4%26%22%5CZ%2B9",
        "a+b%2f%c3%a4%26%22%5cZ%2b9",
        "a b/%E4&%22%5CZ+9",
        'a b\\/ä&\\"\\\\Z+9',
        'a b/\\u00e4\\u0026\\"\\\\Z+9',
        "a b/ä&amp;&quot;\\Z+9",
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_found_however_it_is_written(written: str) -> None:
    secrets = KnownSecrets()
    secrets.add(SECRET)

    for masked in (secrets.mask(f"x {written} y"), secrets.mask_bytes(f"x {written} y".encode()).decode()):
        assert re.fullmatch(r"x \(removed:\d+-bytes\) y", masked)


def test_short_and_plain_secrets_do_not_destroy_a_recording() -> None:
    """They are replaced as whole words, or beside the user's name."""
    secrets = KnownSecrets()
    secrets.learn(Head(("GET", "/ari/x?api_key=asterisk:asterisk", "HTTP/1.1"), ()))
    secrets.learn(Head(("GET", "/ari/x?api_key=ari:tr1xy", "HTTP/1.1"), ()))

    assert (
        secrets.mask('{"asterisk_id":"1","uri":"/ari/asterisk/info"}')
        == '{"asterisk_id":"1","uri":"/ari/asterisk/info"}'
    )
    assert secrets.mask("asterisk:asterisk") == "(removed:17-bytes)"
    assert secrets.mask("tr1xy matr1xye tr1xy2") == "(removed:5-bytes) matr1xye tr1xy2"


def test_only_accepted_secrets_are_shared() -> None:
    shared = KnownSecrets()
    one, other = KnownSecrets(shared), KnownSecrets(shared)
    one.learn(Head(("GET", "/", "HTTP/1.1"), (("x-api-key", "ChannelVarset"), ("cookie", "a=b; id=0123456789"))))

    assert (one.mask("ChannelVarset"), other.mask("ChannelVarset")) == ("(removed:13-bytes)", "ChannelVarset")
    one.accept()
    assert other.mask("ChannelVarset 0123456789") == "(removed:13-bytes) (removed:10-bytes)"


@pytest.mark.parametrize(
    ("target", "authorization", "user"),
    [
        ("/x", "Basic dTpw", "u"),
        ("/x?api_key=u%40x:p", None, "u@x"),
        ("/x", None, None),
        ("/x", "Basic ?", None),
        ("/x", "Bearer abc", None),
    ],
)
def test_who_logs_in(target: str, authorization: str | None, user: str | None) -> None:
    """The name, never the password."""
    headers = (("authorization", authorization),) if authorization else ()
    assert user_of(Head(("GET", target, "HTTP/1.1"), headers)) == user
