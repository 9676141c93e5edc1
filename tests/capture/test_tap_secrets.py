"""Secrets planted in everything that passes a tap are in none of its outputs, and everything passes unchanged."""

import asyncio
import base64
import gzip
import logging
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import orjson
import pytest
from websockets.asyncio.client import connect

from arirecord.tap.http import Head
from arirecord.tap.known_secrets import KnownSecrets
from arirecord.tap.secrets import clean_frame, clean_text

from .tap_world import AUTHORIZATION, LOGIN, PASSWORD, TOKEN, World, ask, client, dial, everything, raws, rows, world

OWN_LOGGERS = ("arirecord", "asyncio")  # the others are of the test's own client and server
VALUES = [f"pl4nted-{number}" for number in range(40)]


class Planted:
    """Hands out secrets; `texts` are all of them."""

    def __init__(self) -> None:
        self.texts = {PASSWORD, TOKEN}
        self._values = iter(VALUES)

    def __call__(self) -> str:
        value = next(self._values)
        self.texts.add(value)
        return value


async def test_planted_secrets_are_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    target, planted = tmp_path / "s.parquet", Planted()
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    async with world(target, fan_out=True) as here:
        await over_the_websocket(here, planted)
        await over_http(here, planted)
        await ending(here, planted)
        said.extend(here.said)

    printed = capfd.readouterr()
    outputs = {
        "the session": everything(target),
        "the file": target.read_bytes().decode("latin-1"),
        "messages": "\n".join(said),
        "stderr": printed.out + printed.err,
        "logs": "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OWN_LOGGERS)),
    }
    leaks = [(name, secret) for name, text in outputs.items() for secret in planted.texts if secret in text]
    assert leaks == []
    assert "-bytes)" in outputs["the session"]
    assert len(rows(target, "rest")) == 18


async def over_the_websocket(here: World, planted: Planted) -> None:
    """REST over the WebSocket, events, and their echoes."""
    cookie, key = planted(), planted()
    headers = {**LOGIN, "Cookie": f"session={cookie}", "X-Api-Key": key}
    async with connect(here.events(), additional_headers=headers, proxy=None) as app:
        asterisk = await here.asterisk.peers.get()
        sip, pin, form, event_value = planted(), planted(), planted(), planted()
        auth = [{"attribute": "auth_type", "value": "userpass"}, {"attribute": "password", "value": sip}]
        exchanges = [
            ("GET", "asterisk/config/dynamic/res_pjsip/auth/reg3", None, auth),
            ("GET", "asterisk//config/%64ynamic/res_pjsip/auth/reg3", None, auth),
            ("PUT", "asterisk/config/dynamic/res_pjsip/auth/a", {"fields": auth}, auth),
            ("GET", "channels/1/variable?variable=CARD_PIN", None, {"value": pin}),
            ("POST", f"channels/1/variable?variable=CARD_PIN&value={pin}", None, None),
            ("POST", "channels", {"variables": {"SIPSECRET": planted(), "COLOUR": "red"}}, {"id": "1"}),
            ("GET", "channels/1/variable", {"variable": "DB(trunk/secret)"}, {"value": planted()}),
            ("POST", "channels/1/variable?variable=API_TOKEN", {"value": planted()}, None),
            ("GET", f"x?api_key=ari:{form}", None, {"message": f"no x?api_key=ari:{form} here, {cookie}, {key}"}),
        ]
        for number, (method, uri, sent, answered) in enumerate(exchanges):
            request = {"type": "RESTRequest", "request_id": str(number), "method": method, "uri": uri}
            if sent:
                request |= {"message_body": orjson.dumps(sent).decode(), "content_type": "application/json"}
            answer = {
                "type": "RESTResponse",
                "request_id": str(number),
                "status_code": 200,
                "reason_phrase": f"OK {key}",
            }
            if answered:
                answer["message_body"] = orjson.dumps(answered).decode()
            await app.send(orjson.dumps(request).decode())
            assert orjson.loads(await asterisk.said.get()) == request
            await asterisk.send(orjson.dumps(answer).decode())
            assert orjson.loads(await app.recv()) == answer
        for event in (
            {"type": "ChannelVarset", "variable": "CARD_PIN", "value": planted()},
            {"type": "ChannelVarset", "variable": "NOTE", "value": f"it was {sip}"},
            {"type": "ChannelVarset", "variable": "MY_TOKEN", "value": event_value},
            {"type": "ChannelDialplan", "dialplan_app": "NoOp", "dialplan_app_data": f"it was {event_value}"},
            {
                "type": "RESTResponse",
                "uri": "channels/1/variable?variable=PIN",
                "message_body": f'{{"value":"{planted()}"}}',
            },
            {"type": "StasisStart", "channel": {"id": "1", "channelvars": {"MY_TOKEN": planted()}}},
            {"type": "ChannelDialplan", "dialplan_app": "Set", "dialplan_app_data": f"PASSWORD={planted()}"},
            {"type": "ChannelUserevent", "userevent": {"password": planted(), "url": f"http://ari:{PASSWORD}@pbx/"}},
        ):
            await asterisk.send(orjson.dumps(event).decode())
            assert orjson.loads(await app.recv()) == event
        await asterisk.send(f"bytes {PASSWORD}".encode("latin-1"))
        await app.recv()


async def over_http(here: World, planted: Planted) -> None:
    """Bodies, reason phrases, fragments, odd answers of a server between."""
    bearer, cookie, key, form = planted(), planted(), planted(), planted()
    echo = f"you sent Authorization: {AUTHORIZATION}, Bearer {bearer}, cookie {cookie}, X-Api-Key: {key}, {form}"
    here.asterisk.answer = (
        404,
        {"Content-Type": "text/html"},
        [f"<a href='/x?api_key=ari:{PASSWORD}'>{echo}</a>".encode()],
    )
    async with client() as http:
        parameters = {"endpoint": f"SIP/ann:{planted()}@carrier/1", "appArgs": f"lang=en,token={planted()}"}
        await http.post(f"{here.http}/channels", params=parameters)
        await http.get(f"{here.http}/x?api_key=ari:{PASSWORD}", headers={"Cookie": f"id={cookie}", "X-Api-Key": key})
        await http.get(f"{here.http}/x", headers={"Authorization": f"Bearer {bearer}"})
        await http.post(f"{here.http}/x", data={"a": "b", "api_key": f"ari:{form}"}, headers={"Cookie": f"id={cookie}"})
        fields = orjson.dumps([{"attribute": "password", "value": planted()}]).decode()
        await http.put(f"{here.http}/asterisk/config/dynamic/res_pjsip/auth/1", params={"fields": fields})
        here.asterisk.answer = (200, {"Content-Type": "application/json"}, [orjson.dumps({"value": planted()})])
        await http.get(f"{here.http}/asterisk/variable?variable=TRUNK_SECRET")
        here.asterisk.answer = (200, {}, [f"\xff binary {PASSWORD}".encode("latin-1") + PASSWORD.encode()])
        await http.get(f"{here.http}/recordings/stored/x/file")
    head = f"GET /ari/x#api_key=ari:{PASSWORD} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    await ask(here.tap.port, head.encode())
    await ask(here.tap.port, f"token={planted()} /ari/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    post = f"POST /ari/x?api_key=ari:{planted()} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    await ask(here.tap.port, f"{post}Content-Length: {planted()}\r\n\r\n".encode())
    await ask(here.tap.port, f"{post}Transfer-Encoding: chunked\r\n\r\nGET /?api_key=ari:{planted()}\r\n".encode())


async def ending(here: World, planted: Planted) -> None:
    """A close reason, and a copy of the stream."""
    async with dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        async with dial(here, more=f"&token={planted()}"):
            await here.told("reads a copy")
        await asterisk.close(1008, f"wrong password {PASSWORD}; token={planted()}")
        await app.wait_closed()
        await here.told("wrong password")


async def test_a_reason_phrase_is_cleaned(tmp_path: Path) -> None:
    target = tmp_path / "s.parquet"

    async def asterisk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 301 see /?api_key=ari:{PASSWORD}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
    async with world(target, upstream=upstream) as here:
        request = f"GET /ari/x HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\n\r\n"
        assert PASSWORD.encode() in await ask(here.tap.port, request.encode())
    server.close()

    assert PASSWORD not in everything(target)
    assert rows(target, "rest")[0]["reason"].startswith("see /?api_key=(removed:")


async def test_other_frames_stay_byte_for_byte(tmp_path: Path) -> None:
    """Odd spaces, numbers and escapes are recorded as they came, beside frames that were cleaned."""
    target = tmp_path / "s.parquet"
    odd = ['{ "type" : "X" , "n":1.50, "big":123456789012345678901 }', '{"type":"Y","count":"\\u0041"}']
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    async with world(target) as here, dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        for frame in [*odd, f'{{"type":"Z", "note":"{encoded}"}}']:
            await asterisk.send(frame)
            assert await app.recv() == frame

    first, second, third = raws(target)
    assert [first, second] == odd
    assert third == f'{{"type":"Z", "note":"(removed:{len(encoded)}-bytes)"}}'


async def test_an_id_is_not_taken_for_a_secret(tmp_path: Path) -> None:
    """A variable that is secret by its name may have the id of a channel, or a context: other frames keep them."""
    target = tmp_path / "s.parquet"
    channel = {"id": "1795489529.18", "dialplan": {"context": "from-internal"}}
    varset = {"type": "ChannelVarset", "variable": "CALL_TOKEN", "channel": channel}
    later = orjson.dumps({"type": "ChannelStateChange", "channel": channel}).decode()
    async with world(target) as here, dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        for value in channel["id"], "from-internal":
            await asterisk.send(orjson.dumps(varset | {"value": value}).decode())
            await app.recv()
        await asterisk.send(later)
        await app.recv()

    *variables, state = raws(target)
    assert state == later
    assert [orjson.loads(frame)["value"] for frame in variables] == ["(removed:13-bytes)"] * 2


SECRET = "hunter2Zq 7"
SHAPES = [
    f"<account><Password type='x'>{SECRET}</Password></account>",
    f"<account secret='{SECRET}'/>",
    f'password: "{SECRET}"',
    "secret = hunter2Zq;",
    "$conf['secret'] => hunter2Zq",
    "https://user:hunter2Zq@phone.example/x",
    "sip:user:hunter2Zq@pbx",
    f'Authorization: Digest username="u", response="{SECRET}"\r\nHost: x',
    f"Cookie: a=1; session={SECRET}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{SECRET}\r\n--b--',
    f"('password', '{SECRET}')",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}",
    "<pwd><![CDATA[hunter2Zq]]></pwd>",
    f'<field name="password" type="text" value="{SECRET}"/>',
    "<param><name>password</name><value>hunter2Zq</value></param>",
    f"password: |\n  {SECRET}\n",
    "password : hunter2Zq",
    "password := 'hunter2Zq'",
    "mycommand --db-password hunter2Zq",
    "curl -u user:hunter2Zq http://phone.example",
    "redis://:hunter2Zq@store",
    "SIP/user:hunter2Zq@carrier/5551",
    "register => user:hunter2Zq@carrier",
    "https://phone.example/?next=https%3A%2F%2Fx%2F%3Fpassword%3Dhunter2Zq%26a%3Db",
    '{\\"password\\":\\"hunter2Zq\\"} ',
    "password&quot;:&quot;hunter2Zq&quot;",
    "AccountKey=hunter2Zq;x",
    "sent Bearer hunter2Zq to it",
    "next=/x?a=b&c=d;password=hunter2Zq",
    "user:bob,password:hunter2Zq",
    "user=bob|password=hunter2Zq|x=1",
    "account[password]=hunter2Zq",
    "a=ice-ufrag:x\r\na=ice-pwd:hunter2Zq\r\n",
    "https://store.example/x?sv=1&sig=hunter2Zq",
    "/ari/x;password=hunter2Zq/y",
    "a%3Db%2526password%253Dhunter2Zq",
    "https://h/?next=https%253A%252F%252Fx%252F%253Ftoken%253Dhunter2Zq",
    "ALTER USER bob WITH PASSWORD 'hunter2Zq'",
    "curl -uuser:hunter2Zq http://phone.example",
    "<password><!-- old -->hunter2Zq</password>",
    "<meta name='csrf-token' content='hunter2Zq'>",
    "<input value='hunter2Zq' type='password'>",
    '{"variable":"TRUNK_SECRET","value":"hunter2Zq", broken',
    '{"value":"hunter2Zq","variable":"TRUNK_SECRET", broken',
    f"--b\r\nContent-Disposition: form-data; name=password\r\n\r\n{SECRET}\r\n--b--",
    "ghp_hunter2Zqabcdefghijklmnopqr is in it",
    orjson.dumps([{"parameterName": "password", "parameterValue": SECRET}]).decode(),
    orjson.dumps([{"Key": "password", "Value": SECRET}]).decode(),
    orjson.dumps({"args": ["x", "--password", SECRET]}).decode(),
    "config: " + base64.b64encode(orjson.dumps({"a": {"password": SECRET}})).decode(),
    "sk-proj-hunter2Zqabcdefghijklmn is in it",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxhunter2Zq.abc",
    orjson.dumps({"id": "auth_password", "content": SECRET}).decode(),
    orjson.dumps({"field": "auth_password", "val": SECRET}).decode(),
    orjson.dumps({"headers": [["Authorization", SECRET]]}).decode(),
    orjson.dumps({"data": orjson.dumps({"data": orjson.dumps({"otp": SECRET}).decode()}).decode()}).decode(),
]


@pytest.mark.parametrize("is_value", [False, True], ids=["body", "variable"])
@pytest.mark.parametrize("text", SHAPES, ids=range(len(SHAPES)))
def test_a_secret_goes_in_any_format(text: str, is_value: bool) -> None:
    """XML, INI, YAML, code, commands, headers, forms, URLs, keys, JSON in JSON: as a body, and in a variable."""
    event = {"type": "ChannelVarset", "variable": "SETTINGS", "value": text}
    found: list[str] = []
    cleaned = clean_frame(orjson.dumps(event)).decode() if is_value else clean_text(text, found.append)

    encoded = re.findall(r"eyJ[\w+/-]+", cleaned)
    read = unquote(unquote(unquote(cleaned))) + "".join(str(base64.b64decode(f"{part}===")) for part in encoded)
    assert "hunter2Zq" not in read
    assert "removed:" in read
    assert is_value or any("hunter2Zq" in secret for secret in found)


ENCODINGS = {
    "upper case": str.upper,
    "percent signs": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent signs twice": lambda text: "".join(f"%25{byte:02x}" for byte in text.encode()),
    "JSON": lambda text: "".join(f"\\u{ord(character):04X}" for character in text),
    "JSON in JSON": lambda text: "".join(f"\\\\u{ord(character):04x}" for character in text),
    "HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML in hex": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(f"{text}--".encode()).decode(),
    "base64 behind a byte": lambda text: base64.b64encode(f"-{text}--".encode()).decode(),
    "base64 behind two bytes": lambda text: base64.b64encode(f"--{text}--".encode()).decode(),
    "base64 of a URL": lambda text: base64.urlsafe_b64encode(f"{text}--".encode()).decode(),
}


@pytest.mark.parametrize("secret", ["s3cret-Zq7ä?>~", "kQ9vTz4mW", 'a b/c&d"e'])
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_known_secret_goes_in_any_encoding(secret: str, encode: Callable[[str], str]) -> None:
    known = KnownSecrets()
    known.add(secret)
    masked = known.mask(f"it was {encode(secret)} here")

    assert masked.startswith("it was ") and masked.endswith(" here")
    assert "(removed:" in masked
    assert len(masked) < len("it was (removed:123-bytes) here") + 9  # what precedes in base64 stays


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("x-auth", "hunter2Zq", "hunter2Zq"),
        ("ocp-apim-subscription-key", "hunter2Zq", "hunter2Zq"),
        ("x-hub-signature-256", "sha256=hunter2Zq", "hunter2Zq"),
        ("authorization", "hunter2Zq", "hunter2Zq"),
        ("authorization", "Basic ann:hunter2Zq", "hunter2Zq"),
        ("authorization", 'Digest username="ann", response="hunter2Zq"', "hunter2Zq"),
        ("proxy-authorization", "Basic YW5uOmh1bnRlcjJacQ==", "hunter2Zq"),
        ("cookie", 'a=1; session="hunter2Zq"', "hunter2Zq"),
        ("cookie", "hunter2Zq", "hunter2Zq"),
        ("referer", "https://desk.example/?token=hunter2Zq", "hunter2Zq"),
    ],
)
def test_a_header_is_learned(name: str, value: str, secret: str) -> None:
    known = KnownSecrets()
    known.learn(Head(("GET", "/ari/x", "HTTP/1.1"), ((name, value),)))

    assert known.mask(f"no {secret} here") == f"no (removed:{len(secret)}-bytes) here"


async def test_a_compressed_body_is_read(tmp_path: Path) -> None:
    """A proxy before Asterisk may compress. The row has the body as it was before; what cannot be read is not kept."""
    target = tmp_path / "s.parquet"
    body = orjson.dumps({"password": SECRET, "a": 1})
    async with world(target) as here, client() as http:
        for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body)), ("br", b"\x0b" + body)):
            here.asterisk.answer = (200, {"Content-Encoding": coding}, [packed])
            async with http.stream("GET", f"{here.http}/x") as response:
                assert b"".join([part async for part in response.aiter_raw()]) == packed

    bodies = [row["answer_body"] for row in rows(target, "rest")]
    read = '{"password":"(removed:11-bytes)","a":1}'
    assert bodies == [read, read, f"[{len(body) + 1} bytes, not kept]"]


@pytest.mark.parametrize(
    "text",
    [
        "PJSIP/alice@pbx,30,tTb(ctx^s^1)",
        "<sip:alice@pbx:5060;transport=udp>",
        "sip:alice@pbx:5060",
        '"Key, Alice" <sip:1001@pbx>',
        "sound:pin, then press 1",
        "http://pbx:8088/ari?a@b",
        "<pinned>yes</pinned><b>password</b>",
        '[["state", "Up"], ["keys", "1"]]',
        "PJSIP/alice@pbx,,b(handler^s^1(a:b@c))",
        "<param><name>colour</name><value>red</value></param>",
        "task-1234567890123456789",
        "speak --voice alice -u 12",
        "at 12:30@desk",
        "PJSIP/token:5060",
        "a 100%25 sure thing",
        "https://h/?next=https%3A%2F%2Fx%2F%3Fa%3Db",
        "eyJhIjoxfQ==",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert clean_text(text) == text
    event = orjson.dumps({"type": "ChannelVarset", "variable": "X", "value": text})
    assert clean_frame(event) == event
