"""Secrets by their names: passwords, tokens and PINs in parameters, fields, variables and configuration.

`known_secrets` finds those that an app has sent, wherever they appear.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

import orjson

from arirecord.asterisk.login import logins_of
from arirecord.json_text import json_value

from .http import Head

__all__ = [
    "clean_body", "clean_frame", "clean_query", "clean_text", "clean_uri", "is_secret_name", "removed", "user_of",
]  # fmt: skip

_LOGIN = ("api_key", "apikey")
_NAME = re.compile(
    r"passw|passphrase|pass[-_ ]?code|(?<![a-z])pass(?![a-z])|(?<![a-z])pwd|secret(?!ar)|token|credential|authorization"
    r"|(?:api|access|account|auth|encryption|license|signing)[-_ ]?key|signature"
    r"|cookie|private[-_]?key|md5[-_]?cred|(?<![a-z])pin(?![a-z])|pin[-_]?(?:code|number|no)(?![a-z])"
    r"|(?:user|caller|conf|admin|agent|vm|mailbox|account|my)[-_]?pin(?![a-z])"
    r"|(?<![a-z])(?:jwt|otp|cvv2?|cvc2?)(?![a-z])",
    re.IGNORECASE,
)
_CAMEL_PIN = re.compile("[a-z]Pin(?![a-z])")
_HINTS = (b"pass", b"pwd", b"secret", b"token", b"key", b"cred", b"authoriz", b"cookie", b"pin", b"authent",
          b"jwt", b"otp", b"cvv", b"cvc", b"\\u", b"signature", b"bearer", b"eyj", b"sk-", b" -u ")  # fmt: skip
"""One of these is in each text that holds a secret name, a token or a login, in lower case."""
_SCHEME = r"(?:(?:Basic|Bearer|Digest)\s+)?"
_QUOTE = r"""(?:\\*["']|&quot;|&#34;)?"""
_IN_QUOTES = r"""(?<=")(?:\\.|[^"\\\n])+|(?<=')(?:\\.|[^'\\\n])+"""
_SIGN = (
    rf"""={_QUOTE}|{_QUOTE}\]?[ \t]+(?::?==?>?|->)[ \t]*{_QUOTE}|["'],\s*["']|&quot;:&quot;"""
    r"|:[ \t]*[|>][+-]?[ \t]*\r?\n[ \t]+"  # a block in YAML
)
_NAMED_BEFORE = r"(?<![\w-])([\w-]{1,80})"
_ASSIGNED = re.compile(
    rf"""{_NAMED_BEFORE}({_SIGN}|{_QUOTE}\s*:\s*{_QUOTE})({_IN_QUOTES}|{_SCHEME}(?:\\.|[^\s&"'<>\#,;()\\])+)""",
    re.IGNORECASE,
)
_IN_STRING = re.compile(
    rf"""{_NAMED_BEFORE}({_SIGN}|{_QUOTE}[ \t]*:\s+{_QUOTE})({_IN_QUOTES}|{_SCHEME}[^\s&;"'<>]+)""", re.IGNORECASE
)
_ENCODED = re.compile(rf"{_NAMED_BEFORE}(%3D)((?:(?!%26)[^\s&\"'<>])+)", re.IGNORECASE)
_OPTION = re.compile(r"(?<!\S)--([\w-]{1,80})([ \t]+[\"']?)([^\s\"']+)")
_OPTION_LOGIN = re.compile(r"(?<!\S)(?:-u|--user)[ \t]+[\"']?[^\s:\"']{1,80}:([^\s\"']+)")
"""Options of shell commands."""
_LINE = re.compile(r"(?<![\w-])((?:[\w-]*-)?(?:Authorization|Cookie))(:[ \t]+)([^\r\n]+)", re.IGNORECASE)
"""A header's line: a cookie or a login has several parts."""
_ELEMENT = re.compile(r"<([\w.:-]{1,80})((?:\s[^<>]*)?>(?:<!\[CDATA\[)?)([^<>]+)(?=</|\]\]>)")
_NAMED_ELEMENT = re.compile(
    r"""(?:\b(?:name|key|id|attribute)=["']|<(?:name|key)>)([\w.:-]{1,80})"""
    r"""(["'][^<>]{0,200}?(?:\bvalue=["']|>(?:<value>)?)|</\w+>\s*<\w+>)([^<>"']+)"""
)
_FORM_FIELD = re.compile(r'name="([^"\r\n]{1,80})"(\r?\n(?:[^\r\n]+\r?\n)*\r?\n)(.+?)(?=\r?\n--)', re.DOTALL)
"""A field of multipart/form-data."""
_USER_INFO = re.compile(
    r"(?:(?:://|(?<!\w)sips?:|(?<!\w)(?:SIP|IAX2?)/|\"dialstring\":\s*\"|\bregister\s*=>\s*)[^\s/:@\"'<>]{1,80}|://)"
    r":([^\s/@\"'<>]+)(?=@)",
    re.IGNORECASE,
)
_USER_INFO_HINT = re.compile(rb":[^\s/:@\"'<>]+@")
_KEY_BLOCK = re.compile(r"PRIVATE KEY(?: BLOCK)?-----(?!\s*\(removed:)([^-]+)")
_TOKEN = re.compile(r"(?<![\w-])(?:[Bb]earer\s+([\w.~+/-]{8,}=*)|(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|sk-[\w-]{16,}))")
"""Tokens that their form shows: in a header, JWT, and keys of language models."""
_NAMING = ("attribute", "variable", "name", "key", "field", "header", "id", "option", "parameter", "property", "k")
_NAMED = ("value", "val", "content", "data", "v")
_VARIABLE_SET = re.compile(r"(?<![\w-])([\w-]{1,80})\)*=")
_APP_DATA = {"app_data": "app_name", "dialplan_app_data": "dialplan_app"}
_FORM = "application/x-www-form-urlencoded"
_CONFIGURATION = re.compile("/?config/+dynamic(/|$)")

Report = Callable[[str], None]
"""Receives each secret that was removed."""


def is_secret_name(name: str) -> bool:
    """Whether the value of a parameter, field or variable of this name is a secret."""
    return bool(_NAME.search(name) or _CAMEL_PIN.search(name))


def removed(secret: str) -> str:
    """The text that replaces a secret: `(removed:12-bytes)`."""
    return f"(removed:{len(secret.encode('utf-8', 'surrogatepass'))}-bytes)"


def _ignore(secret: str) -> None:
    pass


def clean_query(query: str, report: Report = _ignore) -> str:
    """A query, or a form, without the login, and with other secrets replaced; the rest is unchanged."""
    pairs = [(part, *map(unquote_plus, part.partition("=")[::2])) for part in query.split("&")]
    variable = next((value for _, name, value in pairs if name == "variable"), "")
    cleaned = []
    for part, name, value in pairs:
        if name.lower() in _LOGIN:
            report(value)
            report(value.partition(":")[2])
            continue
        if value and (is_secret_name(name) or (name == "value" and is_secret_name(variable))):
            report(value)
            part = f"{part.partition('=')[0]}={removed(value)}"
        elif value[:1] in ("{", "["):
            text = clean_text(value, report)
            part = part if text == value else f"{part.partition('=')[0]}={quote(text, safe='')}"
        cleaned.append(part)
    return "&".join(cleaned)


def clean_uri(uri: str, report: Report = _ignore) -> str:
    """Path and query of a URI, without credentials and fragment secrets; the rest is unchanged."""
    uri = re.sub(r"^[a-z]+://[^/?#]*", "", uri, flags=re.IGNORECASE)
    uri, hash_mark, fragment = uri.partition("#")
    path, mark, query = uri.partition("?")
    query, fragment = clean_query(query, report), clean_query(fragment, report)
    return path + (mark + query if query else "") + (hash_mark + fragment if fragment else "")


def clean_body(
    uri: str, content_type: str | None, body: bytes, report: Report = _ignore, *, is_answer: bool = False
) -> bytes:
    """A body without secrets: parameters of a form, fields, variables, and those in Asterisk's configuration.

    is_answer: whether it is the response to a request for `uri`, which may have asked for a secret variable.
    Everything else is returned unchanged.
    """
    if content_type is not None and content_type.lower().startswith(_FORM):
        return clean_query(body.decode("latin-1"), report).encode("latin-1")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    query = urlsplit(re.sub("^//+", "/", uri)).query
    asked = [unquote_plus(part.partition("=")[2]) for part in query.split("&") if part.startswith("variable=")]
    whole = "value" if is_answer and any(map(is_secret_name, asked)) else ""
    cleaned = clean_text(text, report, whole)
    path = re.sub("/+", "/", unquote(uri.partition("?")[0]))
    if cleaned == text and text and _CONFIGURATION.search(path) and json_value(text) is None:
        return removed(text).encode()
    return body if cleaned == text else cleaned.encode()


def clean_frame(data: bytes, uri: str | None = None) -> bytes:
    """A message from Asterisk without secrets, most often unchanged. `uri` is that of the request it responds to."""
    lowered = data.lower()
    has_hint = any(hint in lowered for hint in _HINTS) or _USER_INFO_HINT.search(data)
    if uri is None and not has_hint:
        return data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    event = json_value(text)
    if not isinstance(event, dict):
        cleaned = clean_text(text)
        return data if cleaned == text else cleaned.encode()
    changed = _without_secrets(event, _ignore)
    if isinstance(body := event.get("message_body"), str):
        content_type = event.get("content_type")
        kind = content_type if isinstance(content_type, str) else None
        cleaned_body = clean_body(uri or "", kind, body.encode("utf-8", "surrogatepass"), is_answer=True)
        changed = {**changed, "message_body": cleaned_body.decode("utf-8", "surrogatepass")}
    return data if changed == event else orjson.dumps(changed)


def clean_text(text: str, report: Report = _ignore, whole: str = "") -> str:
    """A text without secrets, JSON or not. In JSON, `whole` is the name of one more secret field."""
    value = json_value(text)
    if isinstance(value, dict | list):
        changed = _without_secrets(value, report, whole)
        return text if changed == value else orjson.dumps(changed).decode()
    return _without_assignments(_ASSIGNED, text, report)


def _without_assignments(pattern: re.Pattern[str], text: str, report: Report) -> str:
    def replace(match: re.Match[str]) -> str:
        name, sign, value = match.groups()
        if not is_secret_name(name) or value.startswith("(removed:"):
            return match[0]
        report(unquote(value))
        at = match.start()
        return f"{match[0][: match.start(2) - at]}{sign}{removed(value)}"

    def hide(match: re.Match[str]) -> str:
        secret = match[match.lastindex or 0]
        report(secret)
        return match[0][: len(match[0]) - len(secret)] + removed(secret)

    if "<" in text:
        text = _NAMED_ELEMENT.sub(replace, _ELEMENT.sub(replace, text))
    if 'name="' in text:
        text = _FORM_FIELD.sub(replace, text)
    if "@" in text:
        text = _USER_INFO.sub(hide, text)
    if "PRIVATE KEY" in text:
        text = _KEY_BLOCK.sub(hide, text)
    if "--" in text:
        text = _OPTION.sub(replace, text)
    if "-u" in text:
        text = _OPTION_LOGIN.sub(hide, text)
    if "%3" in text:
        text = _ENCODED.sub(replace, text)
    return _TOKEN.sub(hide, pattern.sub(replace, _LINE.sub(replace, text)))


def _without_variable(application: Any, data: str, report: Report) -> str:
    """The arguments of a dialplan application without a PIN, and without a secret variable that they set."""
    end = 0 if application == "Authenticate" else None
    for match in _VARIABLE_SET.finditer(data):
        if end is None and is_secret_name(match[1]):
            end = match.end()
    if end is None or not data[end:]:
        return data
    report(data[end:])
    return data[:end] + removed(data[end:])


def _without_secrets(value: Any, report: Report, whole: str = "") -> Any:
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and is_secret_name(value[0]):
            return [value[0], _removed_all(value[1], report)]  # a header as a pair
        return [_without_secrets(item, report, whole) for item in value]
    if isinstance(value, str):
        # An app sends JSON as text in variables and user events.
        return clean_text(value, report) if value[:1] in ("{", "[") else _without_assignments(_IN_STRING, value, report)
    if not isinstance(value, dict):
        return value
    names = (value.get(key) for key in _NAMING)
    is_pair = any(isinstance(name, str) and is_secret_name(name) for name in names)
    cleaned = {}
    for key, item in value.items():
        if is_secret_name(key) or (key in _NAMED and is_pair) or (key and key == whole):
            cleaned[key] = _removed_all(item, report)
        elif key == "dialstring" and isinstance(item, str):
            cleaned[key] = _without_assignments(_IN_STRING, f"IAX2/{item}", report)[5:]  # it has no technology
        elif key in _APP_DATA and isinstance(item, str):
            cleaned[key] = _without_variable(value.get(_APP_DATA[key]), item, report)
        else:
            cleaned[key] = _without_secrets(item, report, whole)
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
