"""Redaction of what its form shows: e-mail and network addresses; texts, and the key."""

import base64
import json
import tempfile
from pathlib import Path

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
]


def value(folder: Path, text: str, **options: bool) -> str:
    """Return a variable as redacted."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    (row,) = one(folder, event(value=text), options=Options(**options))  # type: ignore[arg-type]  # all are flags
    return str(json.loads(row)["value"])


@pytest.mark.parametrize(
    "text",
    ["{}", "to={}&x=1", "mailto:{}", "Jana <{}>", "{},{}", "x: {}.", "%22{}%22"],
)
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
