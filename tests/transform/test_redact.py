"""Redaction: nothing that tells who somebody is stays, and nothing else changes."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

import arirecord
from arirecord.analytics.models import load_models
from arirecord.capture.importer import import_streams
from arirecord.errors import LeakError
from arirecord.redact import redact as module
from arirecord.redact.keyed_permutation import KeyedPermutation
from arirecord.redact.leak_check import LeakSearch
from arirecord.redact.mask_dtmf import Dtmf
from arirecord.redact.pseudonym import is_service, pseudonyms
from arirecord.redact.redact import Options, Redacted, redact_session
from arirecord.session.reader import open_session
from tests.examples import examples

from .support import dressed, frames_of, write

pytestmark = pytest.mark.slow

KEY = b"a key of more than sixteen bytes"
CIPHER = KeyedPermutation(KEY)


def redacted(source: Path, options: Options = Options(), key: bytes = KEY) -> tuple[Path, Redacted]:  # noqa: B008 - frozen
    target = source.with_name(f"redacted-{source.name}")
    return target, redact_session(open_session(source), key, target, options, force=True)


def raws(session: Path) -> list[str]:
    return [frame.raw for frame in open_session(session).frames(kinds=None)]


def one(folder: Path, *rows: "str | tuple[str, str]", options: Options = Options()) -> list[str]:  # noqa: B008 - frozen
    """The rows as redacted."""
    target, _ = redacted(write(folder / "one.parquet", rows), options)
    return raws(target)


def test_the_metrics_stay(tmp_path: Path) -> None:
    """Every mart has the same rows, once the numbers and names of the original are mapped as the frames were."""
    before = write(tmp_path / "before.parquet", dressed(frames_of("attended_transfer/app")))
    after, done = redacted(before, Options(dtmf="keep"))
    mapping = learn(raws(before), raws(after))
    assert done.number_count >= 3

    marts = [m.name for m in load_models() if m.layer == "marts"]
    with arirecord.connect(before) as db, arirecord.connect(after) as db2:
        for mart in marts:
            # A name in letters beyond ASCII becomes one in ASCII, with fewer bytes.
            query = f"SELECT COLUMNS(lambda c: NOT contains(c, 'byte') AND NOT contains(c, 'ratio')) FROM {mart}"
            told = [mapped(str(row), mapping) for row in db.sql(query).fetchall()]
            assert sorted(told) == sorted(map(str, db2.sql(query).fetchall())), mart


def learn(before: list[str], after: list[str]) -> dict[str, str]:
    """What became of what, by the values of numbers and names alone."""
    mapping: dict[str, str] = {}
    for one, two in zip(before, after, strict=True):
        for key in ("number", "name", "exten", "caller_rdnis"):
            pattern = re.compile(rf'"{key}":\s*"([^"]*)"')
            for old, new in zip(pattern.findall(one), pattern.findall(two), strict=True):
                if old != new:
                    assert mapping.setdefault(old, new) == new
    digits = {
        re.sub(r"\D", "", old): re.sub(r"\D", "", new) for old, new in mapping.items() if old.strip("+").isdigit()
    }
    return digits | {old: new for old, new in mapping.items() if not old.strip("+").isdigit()}


def mapped(text: str, mapping: dict[str, str]) -> str:
    pattern = "|".join(re.escape(old) for old in sorted(mapping, key=len, reverse=True))
    return re.sub(rf"(?<![0-9])(?:{pattern})(?![0-9])", lambda m: mapping[m[0]], text)


@pytest.mark.parametrize("stream", ["attended_transfer/app", "userevents_textmessage/all", "edge_pretty_tz/pretty"])
def test_a_frame_stays_but_for_what_is_replaced(tmp_path: Path, stream: str) -> None:
    """Cut at the pseudonyms, the frame is the original cut at the originals; times and order stay."""
    before = write(tmp_path / "before.parquet", dressed(frames_of(stream)))
    after, _ = redacted(before, Options(dtmf="keep", endpoints=True))

    changed = 0
    for one, two in zip(open_session(before).frames(), open_session(after).frames(), strict=True):
        assert one[:5] == two[:5]
        assert skeleton(json.loads(one.raw)) == skeleton(json.loads(two.raw))
        assert re.sub(r'"(?:[^"\\]|\\.)*"', "", one.raw) == re.sub(r'"(?:[^"\\]|\\.)*"', "", two.raw)
        changed += one.raw != two.raw
    assert changed > 20


def skeleton(value: object) -> object:
    """A JSON value without the content of its texts."""
    if isinstance(value, dict):
        return {key: skeleton(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [skeleton(inner) for inner in value]
    return type(value) if isinstance(value, str) else value


def event(**fields: object) -> str:
    return json.dumps({"type": "ChannelUserevent", "timestamp": "2026-11-23T22:26:40.000+0000", **fields})


CALLER = event(channel={"id": "1795474000.1", "caller": {"name": "Jana Nováková", "number": "+420601234567"}})


HIDDEN = [
    "420601234567", "+420601234567", "00420601234567", "9420601234567", "601234567", "+420 601 234 567",
    "+420 (601) 234-567", "tel:+420601234567", "sip:420601234567@pbx", "<sip:%2B420601234567@pbx;user=phone>",
    "PJSIP/420601234567-0000001a", "Local/420601234567@out-0000001a;2", "PJSIP/trunk/sip:420601234567@10.0.0.1",
    "rec-1795474000-420601234567.wav", "x420601234567y", "1795474000420601234567",
    '{"number":"420601234567"}', '{"n":[{"m":"\\"420601234567\\""}]}', "number=%2B420601234567&x=1",
    "\\u0034\\u0032\\u0030601234567", "%34%32%30601234567", "a\n420601234567\tb",
]  # fmt: skip


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_number_is_found_wherever_it_hides(tmp_path: Path, ensure_ascii: bool) -> None:
    """As a value, a key, a variable, in JSON within JSON, in a URL: always the same pseudonym."""
    rows = [{"type": "ChannelVarset", "variable": "X", "value": text, text: {"deep": [text]}} for text in HIDDEN]
    caller, *told = one(tmp_path, CALLER, *(json.dumps(row, ensure_ascii=ensure_ascii) for row in rows))
    new = json.loads(caller)["channel"]["caller"]["number"].removeprefix("+")

    assert new.startswith("420601")
    for hidden, after in zip(HIDDEN, map(json.loads, told), strict=True):
        value = after["value"]
        assert "601234567" not in re.sub(r"[ ()-]", "", json.dumps(after))
        digits = re.sub(r"\D", "", re.sub(r"%34%32%30|\\u0034\\u0032\\u0030", "420", value).replace("%2B", ""))
        assert new in digits or new[3:] in digits
        assert list(after)[3] == value == after[value]["deep"][0]
        assert len(value) == len(hidden) or "%34" in hidden or "u0034" in hidden


OTHERS: list[dict[str, object]] = [
    {"channel": {"id": "1795474001.12"}, "value": "1795474001.12"},
    {"duration": 1795474001, "duration_ms": 1795474001, "cause": 1795474001},
    {"bridge": {"id": "0f5c2c1e-1111-4222-8333-179547400112"}},
    {"value": "1.1795474001", "channel": {"name": "PJSIP/alice-17954740"}},
    {"timestamp": "2026-11-23T22:26:40.123+0000", "args": ["2026-11-23 22:26:40", "20261123", "1795474001"]},
    {"value": "ssrc=1795474001;themssrc=1318466974;rxjitter=0.000128;txcount=1234567;minrxlost=001.000000"},
    {"message": {"body": '{"duration":1795474001,"priority":1795474001}'}},
]


@pytest.mark.parametrize("caller", ["+420601234567", "17954740", "179547400112"])
def test_what_is_no_number_stays(tmp_path: Path, caller: str) -> None:
    """Ids, durations, times and statistics, also where a number with the same digits is called."""
    _, *told = one(
        tmp_path, event(channel={"caller": {"name": "", "number": caller}}), *(event(**row) for row in OTHERS)
    )

    assert [json.loads(row) for row in told] == [json.loads(event(**row)) for row in OTHERS]


def test_ids_with_digits_alone_stay(tmp_path: Path) -> None:
    """An application's random id that happens to have only digits is no number, unless somebody has it."""
    channel = {"id": "out-4109811473", "caller": {"name": "", "number": "2125550101"}}
    (told,) = one(tmp_path, event(channel=channel, value="out-4109811473"))

    assert json.loads(told)["channel"]["id"] == json.loads(told)["value"] == "out-4109811473"
    assert json.loads(told)["channel"]["caller"]["number"] != "2125550101"


def test_names_go_and_words_stay(tmp_path: Path) -> None:
    """A name is replaced wherever it stands; one that is also a context only where it is a caller's."""
    row = event(
        channel={"caller": {"name": "sales", "number": ""}, "connected": {"name": "Jana Nováková", "number": ""},
                 "dialplan": {"context": "sales", "app_data": 'CALLERID(name)=Eve Ng,"Bo O\'Hara" <sip:1001@pbx>'}},
        userevent={"about": "mail to Jana Nováková, not to Jana", "esc": "sales"},
    )  # fmt: skip
    (told,) = (json.loads(text) for text in one(tmp_path, row))

    assert re.fullmatch("[b-z]{5}", told["channel"]["caller"]["name"])
    assert told["channel"]["dialplan"]["context"] == told["userevent"]["esc"] == "sales"
    name = told["channel"]["connected"]["name"]
    assert re.fullmatch(f"mail to {name}, not to (?!Jana)[A-Z][a-z]{{3}}", told["userevent"]["about"])
    assert not re.search("Eve|Hara", json.dumps(told))


def test_rest_rows_binary_rows_and_marks(tmp_path: Path) -> None:
    """Bodies, URIs and base64, of an application's requests and of the recorder's snapshot."""
    body = json.dumps(
        [{"id": "1795474000.1", "name": "PJSIP/x-00000001", "caller": {"name": "Jana N.", "number": "+420601234567"}}]
    )
    rest = {
        "type": "POST", "rest_by": "app", "rest_method": "POST", "rest_duration_ns": 420601234567,
        "rest_uri": f"/channels?endpoint=PJSIP%2F420601234567%40trunk&callerId={quote('Jana N. <+420601234567>')}",
        "rest_answer_body": body, "rest_request_base64": base64.b64encode(b"\xff420601234567").decode(),
    }  # fmt: skip
    told = one(
        tmp_path, ("rest", json.dumps(rest)), ("binary", base64.b64encode(b"\xfe+420601234567").decode()),
        ("mark", '{"type":"mark","mark_text":"Jana N. called from 420601234567"}'),
    )  # fmt: skip
    after = json.loads(told[0])
    new = json.loads(after["rest_answer_body"])[0]["caller"]["number"].removeprefix("+")

    assert after["rest_duration_ns"] == 420601234567
    assert after["rest_uri"].count(new) == 2
    assert base64.b64decode(after["rest_request_base64"]) == base64.b64decode(told[1]) == b"X"
    assert new in told[2]
    assert not re.search(r"Jana", "".join(told))


def test_text_beside_the_events_is_removed(tmp_path: Path) -> None:
    """Nobody can say which words of it are names; the remark of the import shows some too."""
    (tmp_path / "app.log").write_text("Jane Roe logged in\n" + event(channel={"id": "1"}) + "\n")
    import_streams([tmp_path / "app.log"], tmp_path / "s.parquet", keep_text=True)
    target, _ = redacted(tmp_path / "s.parquet")

    assert [frame.raw for frame in open_session(target).frames(kinds=["text"])] == [""]
    assert b"Jane" not in target.read_bytes()


def dtmf(digit: str, channel: str = "c") -> str:
    return json.dumps({"type": "ChannelDtmfReceived", "digit": digit, "duration_ms": 90, "channel": {"id": channel}})


@pytest.mark.parametrize(("mode", "digits"), [("keep", "123456"), ("mask", "XX3XX6"), ("mask-all", "XXXXXX")])
def test_dtmf(tmp_path: Path, mode: Dtmf, digits: str) -> None:
    """Kept; masked outside bridges, after a prompt in one and after a gap; or all masked."""
    prompt = json.dumps({"type": "PlaybackStarted", "playback": {"id": "p", "target_uri": "channel:c"}})
    bridge = json.dumps({"type": "ChannelEnteredBridge", "bridge": {"id": "b"}, "channel": {"id": "c"}})
    gap = ("connection", '{"type":"gap","reason":"no connection"}')
    rows: list[str | tuple[str, str]] = [
        dtmf("1"), prompt, dtmf("2"), bridge, dtmf("3"), prompt, dtmf("4"), gap, dtmf("5"), bridge, dtmf("6"),
    ]  # fmt: skip
    told = one(tmp_path, *rows, options=Options(dtmf=mode))

    assert "".join(json.loads(row)["digit"] for row in told if "digit" in row) == digits


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": quote,
    "URL twice": lambda text: quote(quote(text)),
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "JSON": json.dumps,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hex": lambda text: text.encode().hex(),
}


def test_a_name_without_a_space_around_it(tmp_path: Path) -> None:
    """A number or letters touch the name, in every encoding. Where the finder sees no word, the text is masked."""
    glued = ["+420601234567{}", "{}420601234567", "a{}", "{}x", "x420601234567y{}", "9{}", "{}­.", "Ms.{}"]
    names = ["Jana Nováková", "JANA NOVAKOVA", "JanaNováková", "Ja­na Nováková", "Jana. . . . Nováková"]
    texts = [text.replace("{}", name) for text in glued for name in names]
    places = [encode(text) for text in texts for encode in ENCODINGS.values()]
    caller, *told = one(tmp_path, CALLER, *(event(value=place, other="stays") for place in places))

    for place, after in zip(places, map(json.loads, told), strict=True):
        assert after["value"] != place
        assert after["other"] == "stays"
    plain = [json.loads(row)["value"] for row in told][:: len(ENCODINGS)]
    new_name = json.loads(caller)["channel"]["caller"]["name"]
    assert plain[0].endswith(new_name)
    assert re.fullmatch("aJana [A-Z][a-z]{7}", plain[texts.index("aJana Nováková")])
    assert plain[texts.index("aJana. . . . Nováková")] != "aJana. . . . Nováková"


def test_the_same_key_gives_the_same_and_another_another(tmp_path: Path) -> None:
    """The owner can do it again; nobody else can."""
    source = write(tmp_path / "one.parquet", dressed(frames_of("ivr_dtmf/all")))
    first, again, other = (raws(redacted(source, key=key)[0]) for key in (KEY, KEY, KEY + b"!"))

    assert first == again
    assert first != other
    header = json.dumps(open_session(source.with_name("redacted-one.parquet")).header.source)
    assert KEY.decode() not in header
    assert "key_id" in header


def test_a_leak_is_found_and_nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the redaction forgets a place, the string is masked, then the row; if neither helps, the check says so."""
    source = write(tmp_path / "one.parquet", [CALLER, event(hidden=quote("\\u002b420601234567"))])
    original = module.Redactor.row
    monkeypatch.setattr(
        module.Redactor, "row", lambda self, kind, raw: raw if "hidden" in raw else original(self, kind, raw)
    )

    target, done = redacted(source)
    assert (raws(target)[1], done.doubtful_count) == (event(hidden="X"), 1)
    target.unlink()

    monkeypatch.setattr(LeakSearch, "masked", lambda self, raw: raw)
    target, done = redacted(source)
    assert (raws(target)[1], done.doubtful_count) == ("X", 1)
    target.unlink()

    monkeypatch.setattr(module, "masked_row", lambda kind: event(hidden=quote("\\u002b420601234567")))
    with pytest.raises(LeakError, match="a number of 12 digits in raw, row 1"):
        redacted(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.parquet"]


def test_extensions_and_services(tmp_path: Path) -> None:
    """Extensions go where that is asked for, ports, lengths and emergency numbers never."""
    row = event(
        channel={"id": "1795474000.2001", "name": "PJSIP/2001-00002001", "caller": {"name": "", "number": "2001"},
                 "dialplan": {"exten": "112", "priority": 2001, "app_data": "PJSIP/2001,20,tT"}},
        uri="sip:2001@10.0.0.1:2001;rport=2001", lines="Content-Length: 2001", port="2001",
    )  # fmt: skip
    (told,) = (json.loads(text) for text in one(tmp_path, row, options=Options(min_digits=3, regions=("CZ",))))
    new = told["channel"]["caller"]["number"]

    assert new != "2001" and len(new) == 4
    assert told["uri"] == f"sip:{new}@10.0.0.1:2001;rport=2001"
    assert told["channel"]["name"] == f"PJSIP/{new}-00002001"
    assert told["channel"]["dialplan"] == {"exten": "112", "priority": 2001, "app_data": f"PJSIP/{new},20,tT"}
    assert (told["channel"]["id"], told["lines"], told["port"]) == ("1795474000.2001", "Content-Length: 2001", "2001")
    (tmp_path / "one.parquet").unlink()
    assert one(tmp_path, row) == [row]


@examples(30)
@given(st.sets(st.from_regex(r"[0-9]{4,15}", fullmatch=True), min_size=1, max_size=40))
def test_pseudonyms_are_others_and_no_two_alike(numbers: set[str]) -> None:
    """Of the same length, none an original, whatever the numbers are."""
    found = pseudonyms(numbers, CIPHER)

    assert found.keys() == numbers
    assert len(set(found.values())) == len(numbers)
    assert not set(found.values()) & numbers
    assert all(len(old) == len(new) for old, new in found.items())
    assert pseudonyms(numbers, CIPHER) == found


@pytest.mark.parametrize(
    ("number", "kept"),
    [("420601234567", 6), ("12125550101", 4), ("442079460123", 4), ("493012345678", 4), ("00420601234567", 8)],
)
def test_country_and_area_stay(number: str, kept: int) -> None:
    """As the numbering plan has them."""
    assert pseudonyms([number], CIPHER)[number].startswith(number[:kept])


def test_a_numbering_plan_full_of_numbers() -> None:
    """A thousand numbers of one exchange: no two meet. Where there are not enough others, that is said."""
    numbers = {f"1212555{i:04d}" for i in range(1000)}
    found = pseudonyms(numbers, CIPHER)

    assert len(set(found.values()) - numbers) == 1000
    with pytest.raises(arirecord.ArirecordError, match="too many different numbers of 3 digits"):
        pseudonyms([f"{i:03d}" for i in range(900)], CIPHER)


def test_services() -> None:
    """Emergency numbers of any country where none is given; short numbers of a given one."""
    assert is_service("112", ()) and is_service("911", ())
    assert not is_service("2001", ())
    assert is_service("116117", ["DE"]) and not is_service("911", ["CZ"])


TEXT = st.one_of(
    st.sampled_from(["+420601234567", "420601234567", "00420601234567", "601234567", "Jana Nováková", "\\", "%", '"']),
    st.text(max_size=12),
)
VALUE = st.recursive(
    st.one_of(st.lists(TEXT, max_size=4).map("".join), st.integers(), st.none(), st.just(420601234567)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(TEXT, inner, max_size=3),
        inner.map(json.dumps),
        st.lists(TEXT, max_size=3).map(lambda parts: quote("".join(parts))),
    ),
    max_leaves=8,
)


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(values=["%2B420601234567Jana%20Nov%C3%A1kov%C3%A1"], ensure_ascii=True)
@example(values=["aJana Nováková", "4206012345670Jana Nováková"], ensure_ascii=False)
@given(st.lists(VALUE, min_size=1, max_size=4), st.booleans())
def test_any_json_with_numbers_anywhere(tmp_path: Path, values: list[object], ensure_ascii: bool) -> None:
    """Nothing is left (the check would raise), the shape stays, and what holds nothing is as it was."""
    rows = [json.dumps({"type": "ChannelUserevent", "userevent": value}, ensure_ascii=ensure_ascii) for value in values]

    source = tmp_path / "one.parquet"
    source.unlink(missing_ok=True)
    write(source, [CALLER, *rows])
    target, _ = redacted(source)

    for before, after in zip(rows, raws(target)[1:], strict=True):
        if not re.search(r"601234567|Jana", before.replace("\\", "").replace("%", "")) and not re.search(
            r"[0-9]{7}", before
        ):
            assert after == before
        assert type(json.loads(after)["userevent"]) is type(json.loads(before)["userevent"])
