"""Redaction of texts as people write them, of encoded values, of odd names, and of rows that are not readable."""

import base64
import html
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from arirecord.redact.redact import Options

from .support import write
from .test_redact import event, one, raws, redacted

pytestmark = pytest.mark.slow

WRITTEN = [
    "202-555-0122", "202 555 0123", "(202) 555-0124", "202.555.0127", "+1-202-555-0128", "tel:+1-202-555-0129;ext=4",
    "202\u00a0555\u00a00131", "202\u2009555\u20110132", "202 \u2013 555 \u2013 0133", "202/555/0134", "202 555-0135x4",
    "\uff12\uff10\uff12\uff0d\uff15\uff15\uff15\uff0d\uff10\uff11\uff13\uff16", "06 12 34 56 78", "06.12.34.56.79",
    "030/123456", "(0171) 12345-67", "2 0 2 5 5 5 0 1 3 7", "202-555-0138 202-555-0139", "x2025550140y",
    "file-202-555-0141.wav", "202\t555\n0142", "00441632960999x",
]  # fmt: skip
CARDS = ["4111111111111111", "4111 1111 1111 1111",
         "5500-0000-0000-0004", "3782 822463 10005", "DE89370400440532013000",
         "4111 1111 1111 1111 12/27"]  # fmt: skip
NO_NUMBERS = [
    "2026-11-23 22:26:40", "23.11.2026 10:20:30", "10.0.0.1:5060", "192.168.100.200", "1.3.6.1.4.1.22736",
    "0.000000 0.000128",
    "PJSIP/1001-0000001e", "PJSIP/1001-00000001", "out-20261123-222640-1795474000.1.wav",
    "port 10000-20000", "0 8 101 3 9",
]  # fmt: skip


def values(folder: Path, *texts: str, caller: str = "Mia Muster", **fields: object) -> list[str]:
    """The texts as values of a variable, redacted."""
    first = event(channel={"caller": {"name": caller, "number": "2025550199"}}, **fields)
    return [json.loads(row)["value"] for row in one(folder, first, *(event(value=text) for text in texts))[1:]]


@pytest.mark.parametrize("repeated", ["1-", "123 456-", "1.2.3.4.", "a.", "0f", "3a9", "x1"])
def test_a_long_text_takes_as_long_as_it_is(tmp_path: Path, repeated: str) -> None:
    """Of 200 kB; what takes the square of its length would take minutes."""
    text = repeated * (200_000 // len(repeated))
    [kept] = values(tmp_path, f"{text} +1-202-555-0128 a@b.example")

    assert "555-0128" not in kept and "a@b.example" not in kept


def digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())


@pytest.mark.parametrize("text", WRITTEN + CARDS)
def test_a_number_goes_however_it_is_written(tmp_path: Path, text: str) -> None:
    """With any separator and digits of any script, though no party has it; what is between the digits stays."""
    (after,) = values(tmp_path, f"ring me on {text}")

    assert not re.search(r"(?=([0-9]{7}))", digits(text)[-8:]) or digits(text)[-8:-1] not in digits(after)
    plain = unicodedata.normalize("NFKC", f"ring me on {text}")
    assert re.sub(r"[0-9]", "0", unicodedata.normalize("NFKC", after)) == re.sub(r"[0-9]", "0", plain)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_dates_addresses_and_versions_stay(tmp_path: Path, text: str) -> None:
    """Groups of digits that are not a number."""
    assert values(tmp_path, text) == [text]


@pytest.mark.parametrize(
    "text", [*WRITTEN[:1], "202,555,0199", "202:555:0199", "202\u200b555\u200b0199", "2-0-2-5-5-5-0-1-9-9"]
)
def test_a_known_number_goes_with_any_separator(tmp_path: Path, text: str) -> None:
    """Also with those that separate other things too."""
    (after,) = values(tmp_path, text)

    assert digits(after) != digits(text)


SPELLINGS = {
    "Mia Muster": ["mia muster", "MIA MUSTER", "Muster, Mia", "Mia_Muster.wav",
                   "mia.muster@example.net", "MiaMuster.wav",
                   "file-Mia-Muster-1.wav", "Mia  Muster",
                   "muster_mia", "mia%20muster", "MUSTERMIA", "Mia\u00a0Muster"],
    "Jörg Müller": ["Jorg Muller", "joerg.mueller@example.net", "MU\u0308LLER, JO\u0308RG", "jörg_müller"],
    "O'Neil, \"Bo\"": ["bo o'neil", "O_Neil_Bo"],
    "Иван Петров": ["ПЕТРОВ ИВАН", "иван_петров"],
    "Łukasz Ångström": ["lukasz angstrom", "Angstrom, Lukasz"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in SPELLINGS.items() for t in texts])
def test_a_name_goes_in_any_spelling(tmp_path: Path, name: str, text: str) -> None:
    """Without regard to case, accents, separators and order; the case of the text stays."""
    after, other = values(tmp_path, text, "the Mustermann file", caller=name)

    letters = [word for word in re.split(r"[\W_0-9]+|wav|example|net|file", text) if len(word) > 1]
    assert not [word for word in letters if word in after]
    assert (text.isupper(), text.islower()) == (after.isupper(), after.islower())
    assert other == "the Mustermann file"


def test_a_name_like_a_key_of_ari_changes_no_key(tmp_path: Path) -> None:
    """A caller called `Dialplan App` or `DATA` is not the key."""
    rows = [event(channel={"caller": {"name": name, "number": ""}}, dialplan_app="x", app_data="y", value="a word")
            for name in ("Dialplan App", "DATA", "Type", "Redact", "Raw", "App Name", "Verb")]  # fmt: skip
    before, after = map(json.loads, rows), map(json.loads, one(tmp_path, *rows))

    for old, new in zip(before, after, strict=True):
        assert list(old) == list(new)
        assert old["channel"]["caller"]["name"] != new["channel"]["caller"]["name"]


@pytest.mark.parametrize("name", ["-", ".", "?", "*", "…", "_", " - "])
def test_punctuation_is_not_a_name(tmp_path: Path, name: str) -> None:
    """A caller without a name does not prevent the redaction."""
    (caller,) = one(tmp_path, event(channel={"caller": {"name": name, "number": "2025550199"}}))

    assert json.loads(caller)["channel"]["caller"]["name"] == name


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize(
    "name", ["true", "null", "\U0001f600", "\U0001f469\u200d\U0001f4bb", "é",
             "王伟", "王", "١٢٣", "x", "\"'", "A\x07", "T"]
)  # fmt: skip
def test_any_name_can_be_redacted(tmp_path: Path, name: str, ensure_ascii: bool) -> None:
    """Short names, symbols and words of JSON are replaced where they are a caller's."""
    caller = {"number": "2025550199", "name": name}
    row = {
        "type": "ChannelUserevent",
        "channel": {"caller": caller, "connected": dict(reversed(caller.items()))},
        "is": True,
    }
    (after,) = map(json.loads, one(tmp_path, json.dumps(row, ensure_ascii=ensure_ascii)))

    if any(c.isalnum() or ord(c) > 0x1F000 for c in name):
        assert after["channel"]["caller"]["name"] == after["channel"]["connected"]["name"] != name
    assert after["is"] is True


def test_many_names_of_one_letter(tmp_path: Path) -> None:
    """More names of one shape than there are others: the new ones are longer."""
    rows = [event(channel={"caller": {"name": chr(ord("A") + i), "number": ""}}) for i in range(26)]

    assert len({json.loads(row)["channel"]["caller"]["name"] for row in one(tmp_path, *rows)}) == 26


@pytest.mark.parametrize(
    "text",
    ["731,111,001", "7:3:1:1:1:1:0:0:1", "&#55;31111001", "731&nbsp;111&#x2d;001", "tel=731.111.001.", "0731111001"],
)
def test_a_known_number_goes_without_its_country(tmp_path: Path, text: str) -> None:
    """The national form of a number that only occurs with its country, with any separator, also as HTML has it."""
    first = event(channel={"caller": {"name": "", "number": "+420731111001"}})
    caller, told = map(json.loads, one(tmp_path, first, event(value=text)))
    new = caller["channel"]["caller"]["number"].removeprefix("+420")

    assert re.sub(r"\D", "", html.unescape(told["value"])) == re.sub(r"\D", "", text)[:-9] * ("07" in text) + new


@pytest.mark.parametrize(
    ("key", "number", "goes"),
    [("duration", 731111001, True), ("n", 420731111001, True), ("n", 731111001.0, True), ("n", -731111001, True),
     ("phone_no", 2025550122, True), ("x", 2025550122, False), ("card", 5555555555554444, True),
     ("duration", 20255501, False)],
)  # fmt: skip
def test_numbers_in_json(tmp_path: Path, key: str, number: float, goes: bool) -> None:
    """Known ones under any key; others only under a key for numbers, and card numbers."""
    first = event(channel={"caller": {"name": "", "number": "+420731111001"}})
    _, told = one(tmp_path, first, event(userevent={key: number}))
    new = json.loads(told)["userevent"][key]

    assert (new != number) == goes
    assert type(new) is type(number)
    assert len(str(new)) == len(str(number))


def test_counts_of_the_header_are_no_numbers(tmp_path: Path) -> None:
    """They have seven digits after some millions of bytes, and an event with `Caller` in its name."""
    rows = [json.dumps({"type": "ChannelCallerId", "padding": "x" * 1_000_000})] * 2
    (row, _) = one(tmp_path, *rows)

    assert row == rows[0]


@pytest.mark.parametrize("text", ["call Mia Muster <sip:{}@pbx>", "Mia Muster <{}>", "Mia  Muster <tel:{}>"])
def test_a_name_before_an_address_goes(tmp_path: Path, text: str) -> None:
    """Without quotes too, as in the `callerId` of a request, and then everywhere."""
    written, other = one(tmp_path, event(value=text.replace("{}", "2025550177")), event(value="muster_mia.wav"))

    assert "Muster" not in written and "muster" not in other
    assert ("call " in written) == ("call " in text)


ENCODERS: dict[str, Callable[[bytes], str]] = {
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64 without padding": lambda data: base64.b64encode(data).decode().rstrip("="),
    "base64url": lambda data: base64.urlsafe_b64encode(data).decode(),
    "hexadecimal": lambda data: data.hex(),
    "in a text": lambda data: f"id={base64.b64encode(data).decode()}&x=1",
    "in a path": lambda data: f"rec/{base64.b64encode(data).decode().replace('/', '')}",
    "twice": lambda data: base64.b64encode(base64.b64encode(data)).decode(),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(
    "text", ["2025550199", '{"from":"+1 202-555-0177","name":"MUSTER, Mia"}', "call\xff 2025550199"]
)
def test_an_encoded_value_is_redacted(tmp_path: Path, encoder: str, text: str) -> None:
    """Decoded, redacted, encoded again: known and unknown numbers, and names."""
    data = text.encode("latin-1")
    (after,) = values(tmp_path, ENCODERS[encoder](data))
    if encoder in ("in a text", "in a path"):
        assert after[:3] == ENCODERS[encoder](data)[:3]
        after = re.split(r"[=/]", after, maxsplit=1)[1].split("&")[0]
    for _ in range(1 + (encoder == "twice")):
        padded, altchars = after + "=" * (-len(after) % 4), b"-_" if "url" in encoder else None
        decoded = bytes.fromhex(after) if encoder == "hexadecimal" else base64.b64decode(padded, altchars)
        after = decoded.decode("latin-1")

    assert len(after) == len(text)
    assert not re.search("555019|555-0177|MUSTER|Mia", after)


def test_a_row_that_is_not_readable_is_masked_whole(tmp_path: Path) -> None:
    """Binary, text of a log, frames that are cut, Latin-1 and UTF-16: counted, and nothing of them stays."""
    frame = event(channel={"caller": {"name": "Zofie Ångström", "number": "2025550101"}})
    rows: list[str | tuple[str, str]] = [
        ("binary", base64.b64encode(frame.encode("utf-16")).decode()),
        ("binary", base64.b64encode(b"2025550101").decode()),
        ("binary", base64.b64encode(json.dumps(frame, ensure_ascii=False).encode("latin-1")).decode()),
        ("text", "INFO call from Zofie Ångström"), frame[:-2], frame[:-8], "not JSON", frame,
    ]  # fmt: skip
    target, done = redacted(write(tmp_path / "one.parquet", rows), Options())

    assert raws(target)[:-1] == ["WA==", "WA==", "WA==", "", "X", "X", "X"]
    assert (done.unread_count, done.doubtful_count, done.number_count, done.name_count) == (7, 0, 1, 1)
