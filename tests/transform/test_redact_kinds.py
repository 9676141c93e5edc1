"""Redaction of what its form shows: e-mail and network addresses; texts, and the key."""

import base64
import gzip
import json
import quopri
import re
import tempfile
from collections.abc import Callable
from email.header import decode_header, make_header
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

import pytest

from arirecord.redact.keyed_permutation import is_private, read_key
from arirecord.redact.options import Options

from .test_redact import event, one

ADDRESSES = [
    "192.0.2.7",
    "203.0.113.255",
    "2001:db8::7",
    "fe80:0:0:0:1:2:3:4",
    "00:1B:44:11:3A:B7",
    "00-1b-44-11-3a-b7",
    "001b.4411.3ab7",
]


def value(folder: Path, text: str, **options: bool) -> str:
    """Return a variable as redacted."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    (row,) = one(folder, event(value=text), options=Options(**options))  # type: ignore[arg-type]  # all are flags
    return str(json.loads(row)["value"])


@pytest.mark.parametrize("text", ["{}", "to={}&x=1", "mailto:{}", "Jana <{}>", "{},{}", "x: {}.", "%22{}%22"])
def test_an_email_address_goes(tmp_path: Path, text: str) -> None:
    """Also in another case, encoded, and within other text; the same is the same everywhere."""
    plain = value(tmp_path, text.replace("{}", "jana.nova+work@firma.example.cz"))
    encoded = value(tmp_path, base64.b64encode(b"jana.nova+work@firma.example.cz").decode())

    assert "jana" not in plain and "firma" not in plain
    assert base64.b64decode(encoded).decode() in plain


@pytest.mark.parametrize(
    "text", ["sip:alice@pbx.example.com", "PJSIP/alice@pbx.example.com", "Local/100@default", "a@b"]
)
def test_an_endpoint_is_no_email_address(tmp_path: Path, text: str) -> None:
    """`--endpoints` is for those."""
    assert value(tmp_path, text) == text


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("text", ["{}", "sip:1001@{}:5060", "host={};x", "[{}]:8088", '{"ip":"{}"}'])
def test_a_network_address_goes_if_wanted(tmp_path: Path, address: str, text: str) -> None:
    """With `addresses`; otherwise it stays."""
    whole = text.replace("{}", address)
    if ":" in address and ":5060" in text:
        return  # no URI

    assert value(tmp_path, whole) == whole
    assert address not in value(tmp_path, whole, addresses=True)


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "::1", "22:57:38", "1.2.3", "2026-11-23T22:57:38.386", "999.1.2.3", "a::b::c"]
)
def test_what_is_no_address_stays(tmp_path: Path, text: str) -> None:
    """Times, versions, and the machine itself."""
    assert value(tmp_path, text, addresses=True) == text


def test_texts_are_masked_if_wanted(tmp_path: Path) -> None:
    """Those of marks and messages, whole: names in them cannot be found."""
    rows = (
        ("mark", '{"type":"mark","mark_text":"Jana \\"N.\\" called"}'),
        '{"type":"TextMessageReceived","message":{"from":"sip:a","to":"sip:b","body":"I am Jana","variables":[]}}',
    )

    kept, masked = (
        one(Path(tempfile.mkdtemp(dir=tmp_path)), *rows, options=Options(texts=texts)) for texts in (False, True)
    )
    assert all("Jana" in row for row in kept)
    assert not any("Jana" in row for row in masked)
    assert [json.loads(row)["type"] for row in masked] == ["mark", "TextMessageReceived"]


def test_a_pass_phrase_is_stretched(tmp_path: Path) -> None:
    """A guess costs time and memory; a file that others can read is known."""
    key = tmp_path / "key"
    key.write_text("a key of more than sixteen bytes\n")
    key.chmod(0o644)

    assert read_key(key) != key.read_bytes().strip()
    assert len(read_key(key)) == 32
    assert not is_private(key)
    key.chmod(0o600)
    assert is_private(key)


@pytest.mark.parametrize("text", ["SEP001B44113AB7", "mac=001b44113ab7&x=1", "ATA001B44113AB7.cnf.xml"])
def test_a_mac_address_of_a_telephone_goes_if_wanted(tmp_path: Path, text: str) -> None:
    """As its name or its settings have it."""
    assert value(tmp_path, text) == text
    assert not re.search("(?i)1b44113ab7", value(tmp_path, text, addresses=True))


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be"])
def test_an_encoded_value_in_utf_16_goes(tmp_path: Path, charset: str) -> None:
    """With and without a byte order mark."""
    (row,) = one(tmp_path, event(value=base64.b64encode("202 555 0122".encode(charset)).decode()))
    told = base64.b64decode(json.loads(row)["value"]).decode(charset)

    assert re.fullmatch("[0-9]{3} [0-9]{3} [0-9]{4}", told)
    assert told != "202 555 0122"


HEADERS: list[dict[str, object]] = [
    {"variable": "PJSIP_HEADER(read,X-Customer-Id)", "value": "CUST 4711"},
    {"value": "CUST 4711", "variable": "PJSIP_HEADER(read,x-customer-id,1)"},
    {"variable": "SIPADDHEADER01", "value": "X-Customer-Id: CUST 4711"},
    {"dialplan_app": "Set", "dialplan_app_data": "PJSIP_HEADER(add,X-Customer-Id)=CUST 4711"},
    {"dialplan_app": "SIPAddHeader", "dialplan_app_data": "X-Customer-Id:CUST 4711"},
    {"channel": {"id": "c", "channelvars": {"PJSIP_HEADER(read,X-Customer-Id)": "CUST 4711"}}},
    {"userevent": {"headers": '{"X-Customer-Id": "CUST 4711", "other": "stays"}'}},
    {"message": {"variables": [{"variable": "X-Customer-Id", "value": "CUST 4711"}]}},
    {"value": "INVITE sip:100@pbx\r\nX-Customer-Id: CUST 4711\r\nX-Site: CUST 4711\r\nMax-Forwards: 70"},
    {"value": "variable=PJSIP_HEADER%28add%2CX-Customer-Id%29&value=CUST%204711&x=1"},
]


@pytest.mark.parametrize("row", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_the_value_of_an_x_header_is_masked(tmp_path: Path, row: dict[str, object], ensure_ascii: bool) -> None:
    """Wherever Asterisk shows it: variables, dialplan steps, messages, URLs. With `headers` off it stays."""
    text = json.dumps({"type": "ChannelUserevent", **row}, ensure_ascii=ensure_ascii)
    folders = [Path(tempfile.mkdtemp(dir=tmp_path)) for _ in range(2)]
    (masked,), (kept,) = (
        one(folder, text, options=Options(headers=on)) for folder, on in zip(folders, (True, False), strict=True)
    )

    assert kept == text
    assert not re.search("CUST|4711", masked)
    assert set(json.loads(masked)) == {"type", *row}
    assert re.search("(?i)x-customer-id", masked)
    assert ("stays" in masked, "Max-Forwards: 70" in masked) == ("stays" in text, "Max-Forwards: 70" in text)


def test_the_answer_with_an_x_header_is_masked(tmp_path: Path) -> None:
    """The request names the header, its answer has the value only; other answers stay."""
    rows = [
        ("rest", json.dumps({"type": "GET", "rest_method": "GET", "rest_by": "app", "rest_answer_body": body,
                             "rest_uri": f"/channels/c/variable?variable={name}"}))
        for name, body in (("PJSIP_HEADER(read,X-Id)", '{"value":"CUST-4711"}'),
                           ("PJSIP_HEADER%28read%2CX-Id%29", '{"value": "CUST-4711"}'),
                           ("FOO", '{"value":"x-ray"}'))
    ]  # fmt: skip
    bodies = [json.loads(row)["rest_answer_body"] for row in one(tmp_path, *rows)]

    assert bodies == ['{"value":"X"}', '{"value": "X"}', '{"value":"x-ray"}']


@pytest.mark.parametrize("text", ["application/x-www-form-urlencoded", "PJSIP/x-1: 7", "max-x-y=3", "x-ray"])
def test_what_is_no_x_header_stays(tmp_path: Path, text: str) -> None:
    """Content types, names of channels, words."""
    assert value(tmp_path, text) == text


NAME, NUMBER = "Jana Nováková", "420601234567"
ENCODINGS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "quoted-printable": (
        lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
        lambda text: quopri.decodestring(text).decode(),
    ),
    "soft line breaks": (
        lambda text: quopri.encodestring(f"{'x' * 70}{text}".encode()).decode(),
        lambda text: quopri.decodestring(text).decode(),
    ),
    "mail words": (
        lambda text: f"=?utf-8?B?{b64(text[:5].encode())}?= =?iso-8859-2?Q?{text[5:].replace('á', '=E1')}?=",
        lambda text: str(make_header(decode_header(text))),
    ),
    "lines of base64": (
        lambda text: base64.encodebytes(f"{'x' * 50}{text}{'y' * 50}".encode()).decode(),
        lambda text: base64.b64decode(text).decode(),
    ),
    "UTF-16": (lambda text: b64(text.encode("utf-16")), lambda text: base64.b64decode(text).decode("utf-16")),
    "gzip": (
        lambda text: b64(gzip.compress(text.encode())),
        lambda text: gzip.decompress(base64.b64decode(text)).decode(),
    ),
    "base32": (lambda text: base64.b32encode(text.encode()).decode(), lambda text: base64.b32decode(text).decode()),
    "hexadecimal": (lambda text: text.encode().hex(":"), lambda text: bytes.fromhex(text.replace(":", "")).decode()),
    "bytes of C": (
        lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
        lambda text: text.encode().decode("unicode_escape").encode("latin-1").decode(),
    ),
    "escape of JavaScript": (
        lambda text: "".join(f"%u{ord(character):04X}" for character in text),
        lambda text: json.loads('"' + text.replace("%u", "\\u") + '"'),
    ),
    "percent signs, thrice": (lambda text: quote(quote(quote(text))), lambda text: unquote(unquote(unquote(text)))),
    "characters that no one sees": ("\u00ad".join, lambda text: text.replace("\u00ad", "")),
    "letters that look alike": (
        lambda text: text.translate(str.maketrans("aoJ012", "аоЈ𝟎𝟏𝟐")),
        lambda text: text.translate(str.maketrans("аоЈ𝟎𝟏𝟐", "aoJ012")),
    ),
    "letters apart": (lambda text: "   ".join(text), lambda text: text.replace("   ", "")),
    "middle name": (lambda text: text.replace(" ", " Marie "), str),
    "fields": (lambda text: json.dumps({"given": text[:4], "sur": text[5:]}, ensure_ascii=False), str),
    "attributes": (lambda text: f'<c given="{text[:4]}" sur="{text[5:]}" tel="{text}"/>', str),
    "a form": (lambda text: urlencode({"given": text[:4], "sur": text[5:]}), unquote),
    "a word alone": (lambda text: f"Ing. {text.rpartition(' ')[2]}", str),
}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_no_encoding_hides_a_caller(tmp_path: Path) -> None:
    """The caller's name and number go, however they are encoded, and what surrounds them can be decoded as before."""
    caller = event(channel={"id": "1795474000.1", "caller": {"name": NAME, "number": f"+{NUMBER}"}})
    texts = [(how, text) for how in ENCODINGS for text in (NAME, NUMBER)]
    rows = one(tmp_path, caller, *(event(value=ENCODINGS[how][0](text)) for how, text in texts))
    seen = {}
    for (how, text), row in zip(texts, rows[1:], strict=True):
        read = str(json.loads(row)["value"])
        decoded = "" if read == "X" else ENCODINGS[how][1](read)
        is_split_number = text == NUMBER and how in ("fields", "a form")  # two numbers, of four and eight digits
        if not is_split_number and (NUMBER[3:] in decoded or "Nováková" in decoded):
            seen[how] = decoded

    assert seen == {}


def test_words_of_names_stay_if_wanted(tmp_path: Path) -> None:
    """A caller's name can have words with another meaning in the app."""
    caller = event(channel={"id": "1795474000.1", "caller": {"name": "Sales Berlin", "number": "4711"}})
    texts = [{"queue": "sales", "zone": "Europe/Berlin", "name": "SALES BERLIN"}]
    for is_given, places in ((True, {"sales": 1, "Berlin": 0}), (False, {"sales": 1, "Berlin": 1})):
        _, row = one(tmp_path, caller, event(userevent=texts[0]), options=Options(name_words=is_given))
        (tmp_path / "one.parquet").unlink()

        assert {word: row.count(word) for word in places} == places
        assert "SALES BERLIN" not in row
