"""Secrets by their names: passwords, tokens and PINs in parameters, fields, variables and configuration.

`known_secrets` finds those that an app has sent, wherever they appear.
"""

import base64
import json
import posixpath
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit

import orjson

from arirecord.asterisk.login import logins_of
from arirecord.json_text import json_object, json_value

from .http import Head
from .secret_names import SECRET_NAME, is_secret_name, may_hold_secret

__all__ = [
    "clean_body", "clean_frame", "clean_query", "clean_text", "clean_uri", "names_secret_variable", "removed",
    "user_of",
]  # fmt: skip

_LOGIN = ("api_key", "apikey")
_QUOTE = r"""(?:\\{0,8}["']|&quot;|&#34;)?"""
_VALUE = (
    r"""(?P<secret>(?<=\\")[^"\\]+|(?<=")(?:\\.|[^"\\\n])+|(?<=')(?:\\.|[^'\\\n])+"""
    r"""|(?:(?i:Basic|Bearer|Digest)\s+)?(?:\\.|[^\s&;"'<>\\])+)"""
)
_PATTERNS = tuple(
    (mark, re.compile(pattern, re.DOTALL))
    for mark, pattern in (
        # XML and HTML: <password>…, <field name="password" value="…"/>, <name>password</name><value>…; broken JSON
        ("<", r"<(?P<name>[\w.:-]{1,80})(?:\s[^<>]*)?>(?:<!\[CDATA\[|<!--[^<>]*-->)?(?P<secret>[^<>]+)(?=</|\]\]>)"),
        ("", r"""(?:\b(?:name|key|id|attribute|variable)["']?\s*[=:]\s*["']|<(?:name|key|dt|td|th)>)"""
             r"""(?P<name>[\w.:-]{1,80})(?:["'][^<>]{0,200}?(?:\b(?:value|content)["']?\s*[=:]\s*["']|>(?:<value>)?)|</\w+>\s*<\w+>)"""
             r"""(?P<secret>[^<>"']+)"""),
        ("value", r"""\bvalue["']?\s*[=:]\s*["'](?P<secret>[^<>"']+)["'][^<>{}]{0,200}?"""
                  r"""\b(?:name|type|id|attribute|variable)["']?\s*[=:]\s*["'](?P<name>[\w.:-]{1,80})"""),
        # a field of multipart/form-data
        ("name=", r'name="?(?P<name>[^"\r\n;]{1,80})"?\r?\n(?:[^\r\n]+\r?\n){0,8}\r?\n'
                  r"(?P<secret>[^\r\n]+(?:\r?\n(?!--)[^\r\n]+)*)"),
        # logins in URLs, dial strings and registrations
        ("@", r"""(?i)(?:(?:(?<!\w)sips?:|(?<!\w)(?:PJSIP|SIP|IAX2?)/(?!sips?:)|"dialstring":\s*"|\bregister\s*=>\s*)"""
              r"""[^\s/:@"'<>]{1,80}|://[^\s/:"'<>]{0,80}):(?P<secret>[^\s/@"'<>]+(?:@[^\s/@"'<>,;&?#()=]+)*)(?=@)"""),
        ("PRIVATE KEY", r"PRIVATE KEY(?: BLOCK)?-----(?P<secret>[^-]+)"),
        # options of commands
        ("--", r"""(?<!\S)--(?P<name>[\w-]{1,80})[ \t]+["']?(?P<secret>[^\s"']+)"""),
        ("-u", r"""(?<!\S)(?:-u|--user)[ \t=]*["']?[^\s:"']{1,80}:(?P<secret>[^\s"']+)"""),
        # headers: a cookie or a login has several parts
        (":", r"(?i)(?<![\w-])(?:[\w-]{1,80}-)?(?:Authorization|Cookie):[ \t]+(?P<secret>[^\r\n]+)"),
        # assignments: password=…, "password": "…", $conf['password'] => …, ('password', '…'), a block of YAML
        ("", rf"""(?!(?<=[/@])[\w-]+:\d){SECRET_NAME}[\w-]{{0,80}}(?:[\])]{{0,2}}{_QUOTE}\]?(?:[ \t]*"""
             rf"""(?::?==?>?|->|:)[ \t]*(?:[|>][+-]?[ \t]*\r?\n[ \t]+)?[\[(]?{_QUOTE}|[ \t]+["'])|["'],\s*["'])"""
             rf"""{_VALUE}"""),
        # values that their form shows: in a header, in SDP, JSON web tokens, keys of services
        ("earer", r"(?<![\w-])[Bb]earer\s+(?!(?:capabilit(?:y|ies)|channels?|services?)\b)(?P<secret>[\w.~+/-]{8,}=*)"),
        ("asic", r"(?<![\w-])[Bb]asic\s+(?=\w*[a-z][A-Z])"
                 r"(?P<secret>(?:[\w+/]{4}){2,}(?:[\w+/]{2}==|[\w+/]{3}=)?)(?![\w+/=])"),
        ("a=crypto:", r"a=crypto:\d{1,9} \w{1,40} inline:(?P<secret>[\w+/=]+)"),
        ("", r"(?<![\w-])(?P<secret>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|sk-[\w-]{16,}|ghp_\w{20,}"
             r"|github_pat_\w{20,}|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{30,})"),
    )
)  # fmt: skip
"""A text that holds the mark is searched for the pattern. Group `secret` is replaced, unless there is a group `name`
that is not the name of a secret."""
_Coding = Callable[[str], str]


def _to_base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _from_base64(text: str) -> str:
    text = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return text


_CODED: tuple[tuple[str, re.Pattern[str], _Coding, _Coding], ...] = (
    ("%", re.compile(r"""[^\s"'<>]+"""), unquote, partial(quote, safe="/:?&=(),;@")),
    *(
        (start, re.compile(rf"(?<![\w+/-]){start}[\w+/-]+={{0,2}}"), _from_base64, _to_base64)
        for start in ("eyJ", "eyAi", "ewo", "W3si")  # {" with and without a space or a line between, [{"
    ),
)
"""Texts within texts: percent signs of a URL, and JSON in base64."""
_DEEPEST = 6
"""Texts in texts that are read."""
_NAMING = re.compile(
    "(?:^id|^k|^n|name|attribute|variable|key|field|header|option|parameter|property|label)$", re.IGNORECASE
)
_NAMED = re.compile("(?:^v|values?|val|content|data|text|^default|^current|^old|^new)$", re.IGNORECASE)
_VARIABLE_SET = re.compile(r"(?<![\w-])([\w-]{1,80})\)*=")
_APP_DATA = {"app_data": "app_name", "dialplan_app_data": "dialplan_app"}
_PIN_ARGUMENT = {"authenticate": 0, "disa": 0, "meetme": 2}
_FORM = "application/x-www-form-urlencoded"
_CONFIGURATION = re.compile("/?config/dynamic(/|$)", re.IGNORECASE)

Report = Callable[[str], None]
"""Receives each secret that was removed."""


def removed(secret: str) -> str:
    """The text that replaces a secret: `(removed:12-bytes)`."""
    return f"(removed:{len(secret.encode('utf-8', 'surrogatepass'))}-bytes)"


def _ignore(secret: str) -> None:
    pass


def names_secret_variable(uri: str, content_type: str | None, body: bytes) -> bool:
    """Whether a request reads or sets a variable that is secret by its name: then `value` is one."""
    text = body.decode("utf-8", "replace")
    pairs = parse_qsl(urlsplit(re.sub("^//+", "/", uri)).query) + (parse_qsl(text) if _is_form(content_type) else [])
    names = [value for name, value in pairs if name == "variable"] + [str(json_object(text).get("variable", ""))]
    return any(map(is_secret_name, names))


def _is_form(content_type: str | None) -> bool:
    return content_type is not None and content_type.lower().startswith(_FORM)


def clean_query(query: str, report: Report = _ignore, whole: str = "") -> str:
    """A query, or a form, without the login, and with other secrets replaced; the rest is unchanged.

    whole: the name of one more parameter that is a secret.
    """
    cleaned: list[str] = []
    is_removed = False
    for part in query.split("&"):
        name, value = map(unquote_plus, part.partition("=")[::2])
        if is_removed and part and "=" not in part:  # the secret before it has an ampersand that should have been %26
            report(name)
            cleaned.append(removed(name))
            continue
        is_removed = False
        if name.lower() in _LOGIN:
            is_removed = True
            report(value)
            report(value.partition(":")[2])
            continue
        if value and (is_secret_name(unquote(name)) or name == whole):
            report(value)
            part = f"{part.partition('=')[0]}={removed(value)}"
            is_removed = True
        elif (text := clean_text(value or name, report)) != (value or name):
            part = f"{part.partition('=')[0]}={quote(text, safe='')}" if value else quote(text, safe="")
        cleaned.append(part)
    return "&".join(cleaned)


def clean_uri(uri: str, report: Report = _ignore) -> str:
    """Path and query of a URI, without credentials and fragment secrets; the rest is unchanged."""
    uri = re.sub(r"^[a-z]+://[^/?#]*", "", uri, flags=re.IGNORECASE)
    uri, hash_mark, fragment = uri.partition("#")
    path, mark, query = uri.partition("?")
    whole = "value" if names_secret_variable(uri, None, b"") else ""
    path, query, fragment = clean_text(path, report), clean_query(query, report, whole), clean_query(fragment, report)
    return path + (mark + query if query else "") + (hash_mark + fragment if fragment else "")


def clean_body(uri: str, content_type: str | None, body: bytes, report: Report = _ignore, whole: str = "") -> bytes:
    """A body without secrets: parameters of a form, fields, variables, and those in Asterisk's configuration.

    uri: that of the request. whole: the name of one more field that is a secret. The rest is unchanged.
    """
    coding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = body.decode(coding, "surrogateescape" if coding == "utf-8" else "replace")
    is_form = _is_form(content_type) and not text.lstrip().startswith(("{", "["))  # curl sends JSON as a form
    cleaned = text
    if whole or may_hold_secret(text):
        cleaned = clean_query(text, report, whole) if is_form else clean_text(text, report, whole)
    if cleaned == text and text and _is_configuration(uri) and json_value(text) is None:
        cleaned = removed(text)
    return body if cleaned == text else cleaned.encode(coding, "surrogateescape" if coding == "utf-8" else "replace")


def _is_configuration(uri: str) -> bool:
    return _CONFIGURATION.search(posixpath.normpath(unquote(uri.partition("?")[0]))) is not None


def clean_frame(data: bytes, report: Report = _ignore, uri: str = "", whole: str = "") -> bytes:
    """A message from Asterisk without secrets, most often unchanged. `uri` and `whole` are those of `clean_body`."""
    if not uri and not may_hold_secret(data.decode("utf-8", "replace")):
        return data
    event = json_value(data)
    if not isinstance(event, dict):
        return clean_body(uri, None, data, report)
    try:
        changed = _without_secrets(event, report, whole)
        if isinstance(body := event.get("message_body"), str):
            content_type = event.get("content_type")
            kind = content_type if isinstance(content_type, str) else None
            cleaned_body = clean_body(uri, kind, body.encode("utf-8", "surrogatepass"), report, whole)
            changed = {**changed, "message_body": cleaned_body.decode("utf-8", "surrogatepass")}
        if changed != event or not _repeats_a_field(data, event):
            return data if changed == event else orjson.dumps(changed)
    except (RecursionError, TypeError):
        pass
    return clean_body(uri, None, data, report)


def clean_text(text: str, report: Report = _ignore, whole: str = "", *, depth: int = 0) -> str:
    """A text without secrets, JSON or not. In JSON, `whole` is the name of one more secret field."""
    is_json = depth < _DEEPEST and text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    value = json_value(text.removeprefix("\ufeff")) if is_json else None
    if isinstance(value, dict | list):
        with suppress(RecursionError, TypeError):  # nested too deeply: it is read as one text
            changed = _without_secrets(value, report, whole, depth + 1)
            if changed != value or not _repeats_a_field(text.encode("utf-8", "surrogatepass"), value):
                return text if changed == value else orjson.dumps(changed).decode()

    def replace(match: re.Match[str]) -> str:
        secret = match["secret"]
        if secret.startswith("(removed:") or not is_secret_name(match.groupdict().get("name", "secret")):
            return match[0]
        report(unquote(secret))
        start = match.start("secret") - match.start()
        return match[0][:start] + removed(secret) + match[0][start + len(secret) :]

    for mark, pattern in _PATTERNS:
        if mark in text:
            text = pattern.sub(replace, text)
    for mark, pattern, decode, encode in _CODED if depth < _DEEPEST else ():
        if mark in text:
            text = pattern.sub(partial(_in_code, decode, encode, report, depth + 1), text)
    return text


def _repeats_a_field(text: bytes, value: Any) -> bool:
    """Whether an object in a JSON text has a field twice: its value has only the last one."""
    if orjson.dumps(value) == text:
        return False
    is_repeated = False

    def note(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_repeated
        by_name = dict(fields)
        is_repeated = is_repeated or len(by_name) < len(fields)
        return by_name

    with suppress(ValueError):
        json.loads(text, object_pairs_hook=note)
    return is_repeated


def _in_code(decode: _Coding, encode: _Coding, report: Report, depth: int, match: re.Match[str]) -> str:
    decoded = decode(match[0])
    cleaned = decoded if decoded == match[0] else clean_text(decoded, report, depth=depth)
    return match[0] if cleaned == decoded else encode(cleaned)


def _without_setting(application: Any, data: str, report: Report, depth: int) -> str:
    """The arguments of a dialplan application without a PIN, and without a secret variable that they set."""
    arguments = data.split(",")
    position = _PIN_ARGUMENT.get(str(application).lower(), len(arguments))
    if position < len(arguments) and arguments[position]:
        arguments[position] = _removed_all(arguments[position], report)
        return ",".join(arguments)
    end = next((match.end() for match in _VARIABLE_SET.finditer(data) if is_secret_name(match[1])), len(data))
    return data[:end] + _removed_all(data[end:], report) if data[end:] else clean_text(data, report, depth=depth)


def _without_secrets(value: Any, report: Report, whole: str = "", depth: int = 0) -> Any:
    if isinstance(value, str):
        # an app sends JSON as text in variables and user events
        return clean_text(value, report, depth=depth) if may_hold_secret(value) else value
    if not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return _without_listed(value, report, whole, depth)
    is_pair = any(isinstance(item, str) and _NAMING.search(key) and is_secret_name(item) for key, item in value.items())
    fields = {}
    for key, item in value.items():
        if is_secret_name(key) or (is_pair and _NAMED.search(key)) or (key and key == whole):
            fields[key] = _removed_all(item, report)
        elif key == "dialstring" and isinstance(item, str):
            fields[key] = clean_text(f"IAX2/{item}", report, depth=depth)[5:]  # it has no technology
        elif key in _APP_DATA and isinstance(item, str):
            fields[key] = _without_setting(value.get(_APP_DATA[key]), item, report, depth)
        else:
            fields[key] = _without_secrets(item, report, whole, depth)
    return fields


def _without_listed(values: list[Any], report: Report, whole: str, depth: int) -> list[Any]:
    """A list without secrets, also where a name stands before its value: a header as a pair, options of a command."""
    cleaned: list[Any] = []
    for before, item in zip([None, *values], values, strict=False):
        is_named = isinstance(before, str) and (len(values) == 2 or before.startswith("-")) and is_secret_name(before)
        cleaned.append(_removed_all(item, report) if is_named else _without_secrets(item, report, whole, depth))
    return cleaned


def _removed_all(value: Any, report: Report) -> Any:
    if isinstance(value, list):
        return [_removed_all(item, report) for item in value]
    if isinstance(value, dict):
        return {key: _removed_all(item, report) for key, item in value.items()}
    if value is None or isinstance(value, bool) or value == "":
        return value
    report(str(value))
    return removed(str(value))


def user_of(head: Head) -> str | None:
    """The user name of a request's login, without the password; None if it cannot be read."""
    logins = logins_of(head.get("authorization"), head.target.partition("?")[2])
    return logins[0].partition(":")[0] if logins else None
