"""Shapes in which apps and servers send secrets, and shapes of ordinary call data that look like them."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import orjson
import pytest

from arirecord.session.reader import open_session
from arirecord.tap.known_secrets import KnownSecrets
from arirecord.tap.secret_names import is_secret_name
from arirecord.tap.secrets import clean_body, clean_frame, clean_text, clean_uri

from .tap_world import AUTHORIZATION, ask, client, dial, everything, raws, rows, world

SECRET = "Zq7hunter2Kp"
FORM = "application/x-www-form-urlencoded"
SAMPLES = Path(__file__).parents[2] / "sample_data"

SECRET_NAMES = """
    authPass AUTHPASS SIPPASS dbpass userPass userCreds CREDS bearer X-Auth priv_key rsaKey ssh_key srtpKey hmac_key
    masterKey webhook_key psk otpCode smsOtp TOTP jwtHeader userJwt pwdHash cvvCode PINs auth_code securityCode
    unlock_code verification_code JSESSIONID PHPSESSID access_tokens
"""
OTHER_NAMES = """
    keys KEYS key_pressed KEYPAD monkey hotkey routing_key bypass BYPASS compass surpass_count PASSED passenger
    PIN_TRIES pin_attempts pinTimeout PIN_LENGTH PASSWORD_PROMPT tokenCount token_type tokenExpiresIn max_tokens
    promptTokens completion_tokens usage.total_tokens bearer_capability auth auth_type outbound_auth authenticated
    session_id sid CALLERID(num) CONNECTEDLINE(name) accountcode access_code area_code otp_prompt hotpath laptop
    priv_key_file primary_key option mapping
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_a_name_says_secret(name: str) -> None:
    assert is_secret_name(name)
    assert SECRET not in clean_uri(f"/ari/channels/1/variable?variable={name}&value={SECRET}")
    event = {"type": "ChannelVarset", "variable": name, "value": SECRET, "channel": {"channelvars": {name: SECRET}}}
    assert SECRET.encode() not in clean_frame(orjson.dumps(event))
    assert SECRET not in clean_text(f"x\n{name} = {SECRET}\n")


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_a_name_of_call_data(name: str) -> None:
    assert not is_secret_name(name)
    uri = f"/ari/channels/1/variable?variable={name}&value=420731111000"
    assert clean_uri(uri) == uri
    event = orjson.dumps(
        {"type": "ChannelVarset", "variable": name, "value": "12", "channel": {"channelvars": {name: "1"}}}
    )
    assert clean_frame(event) == event
    assert clean_text(f"{name}=12") == f"{name}=12"


TUPLES: list[dict[str, Any]] = [
    {"n": "password", "v": SECRET},
    {"name": "Authorization", "values": [SECRET]},
    {"attribute": "password", "old": SECRET, "new": SECRET},
    {"name": "db_password", "default": SECRET},
    {"name": "api_token", "current": SECRET},
]
BODIES: dict[str, tuple[str | None, bytes]] = {
    "JSON that curl sends as a form": (FORM, orjson.dumps({"variables": {"SIP_PASSWORD": SECRET}})),
    "JSON with an ampersand as a form": (FORM, orjson.dumps({"url": "/x?a=1&b=2", "password": SECRET})),
    "an ampersand in a value": (FORM, f"a=1&password=p&{SECRET}&b=2".encode()),
    "a dial string in a form without a name": (FORM, f"endpoint=Local/1&SIP/ann:{SECRET}@carrier".encode()),
    "a field twice": (None, f'{{"password":"{SECRET}","password":""}}'.encode()),
    "an object twice": (None, f'{{"a":{{"password":"{SECRET}"}},"a":1}}'.encode()),
    "a dump of a form": (None, f"{{'a': ['1'], 'password': ['{SECRET}']}}".encode()),
    "broken JSON with a list": (None, f'{{"a":1,"password":["{SECRET}'.encode()),
    "a table": ("text/html", f"<tr><th>HTTP_X_API_KEY</th><td>{SECRET}</td></tr>".encode()),
    "a list of terms": ("text/html", f"<dt>password</dt><dd>{SECRET}</dd>".encode()),
    "a login with an @": (None, f"https://ann:p@{SECRET}@phone.example/".encode()),
    "a user with an @": (None, f"https://ann@phone.example:{SECRET}@proxy.example/".encode()),
    "a login of Basic": (None, f"sent Basic {base64.b64encode(f'ann:{SECRET}'.encode()).decode()}".encode()),
    "a dial string of PJSIP": (None, f"PJSIP/ann:{SECRET}@carrier".encode()),
    **{f"a pair {', '.join(pair)}": (None, orjson.dumps([pair])) for pair in TUPLES},
    **{
        f"base64 of {text[:8]!r}": (None, f"data: {base64.b64encode(text.encode()).decode()}".encode())
        for text in (
            f'{{"password":"{SECRET}"}}',
            f'{{ "password": "{SECRET}" }}',
            f'{{\n  "password": "{SECRET}"\n}}',
            f'[{{"password":"{SECRET}"}}]',
        )
    },
}


def read(text: str) -> str:
    """A text, also without its %XX and its base64."""
    runs = re.findall(r"[A-Za-z0-9+/]{8,}", text)
    return unquote(text) + "".join(str(base64.b64decode(run[: len(run) // 4 * 4])) for run in runs)


@pytest.mark.parametrize(("content_type", "body"), BODIES.values(), ids=BODIES)
def test_a_body(content_type: str | None, body: bytes) -> None:
    cleaned = clean_body("/ari/channels", content_type, body).decode()

    assert SECRET not in read(cleaned)
    assert "removed" in read(cleaned)


@pytest.mark.parametrize("body", [body for content_type, body in BODIES.values() if content_type != FORM])
def test_a_body_in_an_event_and_in_a_response_over_the_websocket(body: bytes) -> None:
    text = body.decode()
    for event in (
        {"type": "ChannelVarset", "variable": "SETTINGS", "value": text},
        {"type": "ChannelUserevent", "userevent": {"data": text}},
        {"type": "TextMessageReceived", "message": {"body": text, "variables": {"x": text}}},
        {"type": "RESTResponse", "uri": "channels", "message_body": text},
    ):
        assert SECRET not in read(clean_frame(orjson.dumps(event)).decode())


@pytest.mark.parametrize(
    "frame",
    [
        f'{{"type":"ChannelVarset","variable":"PIN","value":"{SECRET}","value":""}}',
        f'{{"type":"ChannelVarset","variable":"PIN","variable":"X","value":"{SECRET}"}}',
        f'{{"type":"X","note":"%70assword%3D{SECRET}"}}',
        f'{{"type":"X","url":"https%3A%2F%2Fann%3A{SECRET}%40phone.example"}}',
        f'{{"type":"X","url":"https://ann%3A{SECRET}@phone.example"}}',
    ],
)
def test_an_event(frame: str) -> None:
    cleaned = clean_frame(frame.encode()).decode()

    assert SECRET not in read(cleaned)
    assert "removed" in read(cleaned)


def test_a_response_whose_body_is_an_object() -> None:
    frame = orjson.dumps({"type": "RESTResponse", "message_body": {"value": SECRET}})
    cleaned = orjson.loads(clean_frame(frame, uri="channels/1/variable?variable=PIN", whole="value"))
    assert cleaned["message_body"] == {"value": "(removed:12-bytes)"}


ODD = "\"q\\p'w/<>&Zq"
SLASHES = "ä?>~ü?>~öÿ"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        (ODD, json.dumps(json.dumps(ODD)[1:-1])[1:-1]),
        (ODD, json.dumps(json.dumps(json.dumps(ODD)[1:-1])[1:-1])[1:-1]),
        (ODD, repr(ODD)[1:-1]),
        (ODD, repr(ODD.encode())[2:-1]),
        ("a&b<c>d", "a&amp;amp;b&amp;lt;c&amp;gt;d"),
        (SLASHES, quote(base64.b64encode(SLASHES.encode()).decode(), safe="")),
        (SLASHES, base64.b64encode(SLASHES.encode()).decode().replace("/", "\\/")),
    ],
)
def test_a_known_secret_in_further_encodings(secret: str, written: str) -> None:
    """JSON in JSON in JSON, Python, HTML in HTML, base64 in a URL and as PHP writes it in JSON."""
    known = KnownSecrets()
    known.add(secret)

    masked = known.mask(f'{{"x":"{written}"}}')
    assert masked.startswith('{"x":"(removed:') and masked.endswith('-bytes)"}')


def test_a_password_of_many_backslashes_is_searched_at_once() -> None:
    """Each text matches in one way only: two ways for each quotation mark would take 2**40 steps."""
    known = KnownSecrets()
    known.add('\\"' * 40 + "x")

    assert known.mask('\\\\"' * 40 + "%5c x") == '\\\\"' * 40 + "%5c x"
    assert known.mask('\\\\"' * 40 + "x") == "(removed:121-bytes)"


@pytest.mark.parametrize(
    "text",
    [
        "PJSIP/sip:1003@127.0.0.1:5060",
        "SIP/sip:1003@127.0.0.1",
        "<sip:a@b:5060>,<sip:c@d:5060>",
        "sip:alice@pbx:5060,sip:bob@pbx:5061",
        "PJSIP/100@trunk:5060&IAX2/a@b:4569/100@c",
        "SIP/a@b,30,b(x^1(u:v@w))",
        "http://host:80/x@y",
        "http://pbx:8088/ari?mail=a@b",
        "bearer capability: speech",
        "Bearer capabilities",
        "Basic Subscription",
        "Basic RateInterface",
        "<td>queue</td><td>sales</td>",
        "<dt>caller</dt><dd>+420731111000</dd>",
        '[{"n":"queue","v":"sales"},{"attribute":"auth_type","value":"userpass"}]',
        '{"attribute":"outbound_auth","value":"alice-auth"}',
        '{"usage":{"prompt_tokens":12,"completion_tokens":34,"max_tokens":512}}',
        "from-internal,100,1",
        "eyAiYSI6IDEgfQ==",
        "W3siYSI6MX1d",
        "Alice & Bob %E2%98%8E",
    ],
)
def test_call_data_stays(text: str) -> None:
    assert clean_text(text) == text
    for event in (
        {"type": "ChannelVarset", "variable": "X", "value": text},
        {"type": "StasisStart", "args": [text], "channel": {"caller": {"name": text, "number": text}}},
        {"type": "ChannelDialplan", "dialplan_app": "Stasis", "dialplan_app_data": text},
    ):
        frame = orjson.dumps(event)
        assert clean_frame(frame) == frame
    uri = f"/ari/channels?endpoint={quote(text, safe='')}&callerId=1001"
    assert clean_uri(uri) == uri


@pytest.mark.parametrize("name", ["transfers", "ivr_dtmf", "voice_agent", "talk_and_hold", "failed_calls"])
def test_events_of_real_calls_stay(name: str) -> None:
    frames = [frame.raw.encode() for frame in open_session(SAMPLES / f"{name}.parquet").frames()]
    assert [clean_frame(frame) for frame in frames] == frames


async def test_an_address_with_its_login_in_the_application(tmp_path: Path) -> None:
    """A second question mark makes the login a part of the application's name, which rows and messages show."""
    target = tmp_path / "s.parquet"
    async with world(target) as here:
        async with dial(here, f"app?api_key=ari:{SECRET}"):
            await here.asterisk.peers.get()
        said = await here.told("is disconnected")

    assert SECRET not in everything(target) + "".join(here.said)
    assert "app?api_key=(removed:16-bytes)" in said
    assert [row["application"] for row in rows(target, "connection") if row["application"]] == [
        "app?api_key=(removed:16-bytes)"
    ] * 2


async def test_a_variable_that_an_event_shows_twice_is_known(tmp_path: Path) -> None:
    """With `channelvars` in ari.conf an event has the value twice: a later event that repeats it is masked, too."""
    target = tmp_path / "s.parquet"
    varset = {"type": "ChannelVarset", "variable": "MY_TOKEN", "value": SECRET}
    events = [varset | {"channel": {"channelvars": {"MY_TOKEN": SECRET}}}, {"type": "X", "note": f"it was {SECRET}"}]
    async with world(target) as here, dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        for event in events:
            await asterisk.send(orjson.dumps(event).decode())
            await app.recv()

    assert orjson.loads(raws(target)[1])["note"] == "it was (removed:12-bytes)"


async def test_every_field_of_a_request_over_the_websocket(tmp_path: Path) -> None:
    """The method, the content types; a password that stands twice in a response."""
    target = tmp_path / "s.parquet"
    settings = [{"attribute": "password", "value": SECRET}, {"attribute": "description", "value": SECRET}]
    request = {"type": "RESTRequest", "request_id": "1", "method": "GET?token=pl4nted-1", "uri": "x"}
    response = {
        "type": "RESTResponse",
        "request_id": "1",
        "status_code": 200,
        "message_body": orjson.dumps(settings).decode(),
    }
    async with world(target) as here, dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        await app.send(orjson.dumps(request | {"content_type": "text/plain; token=pl4nted-2"}).decode())
        await asterisk.said.get()
        await asterisk.send(orjson.dumps(response | {"content_type": "text/plain; token=pl4nted-3"}).decode())
        await app.recv()

    text = everything(target)
    assert [secret for secret in ("pl4nted-1", "pl4nted-2", "pl4nted-3", SECRET) if secret in text] == []


async def test_requests_over_http(tmp_path: Path) -> None:
    """Chunked bodies, errors that repeat the request, redirects, cookies of the server, and a request that spills."""
    target = tmp_path / "s.parquet"
    answers: list[tuple[int, dict[str, str], list[bytes]]] = [
        (200, {}, [b'{"pass', b'word":"', SECRET.encode(), b'"}']),
        (400, {}, [f"Invalid value '{SECRET}' for field 'password'".encode()]),
        (302, {"Location": f"/x?api_key=ari:{SECRET}"}, [f"see /x?api_key=ari:{SECRET}".encode()]),
        (403, {"Set-Cookie": f"session={SECRET}; Path=/"}, [f"no session {SECRET}".encode()]),
    ]
    async with world(target) as here:
        for here.asterisk.answer in answers:
            async with client() as http:
                await http.post(f"{here.http}/x", data={"password": SECRET})
        spilled = f"value=x&password={SECRET} /ari/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        head = f"POST /ari/x HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\nContent-Length: 0\r\n\r\n"
        await ask(here.tap.port, (head + spilled).encode())

    assert SECRET not in everything(target)
    assert [row["status"] for row in rows(target, "rest")][:4] == [200, 400, 302, 403]


def test_a_bearer_without_digits_goes() -> None:
    assert clean_text("Bearer topsecret-words") == "Bearer (removed:15-bytes)"
