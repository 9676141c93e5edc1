"""An office with sixteen telephones, a menu, two queues and a carrier, for an hour of everyday calls."""

from pathlib import Path

__all__ = ["CARRIER", "FILES", "NUMBERS"]

HERE = Path(__file__).parent
NUMBERS = tuple(str(number) for number in range(1001, 1017))
CARRIER = "carrier"

_PHONE = """
[{number}](phone)
auth = {number}
aors = {number}
callerid = User {number} <{number}>
[{number}](phone-auth)
username = {number}
[{number}](phone-aor)
"""
_CARRIER = """
[carrier](phone)
context = from-carrier
auth = carrier
aors = carrier
trust_id_inbound = yes
send_pai = yes
[carrier](phone-auth)
username = carrier
[carrier](phone-aor)
"""


def _files() -> dict[str, str]:
    files = {path.name: path.read_text() for path in HERE.glob("*.conf")}
    etc = {path.name: path.read_text() for path in (HERE.parent / "etc").glob("*.conf")}
    templates = etc["pjsip.conf"].partition("\n[1001]")[0].replace("context = phones", "context = office")
    phones = "".join(_PHONE.format(number=number) for number in NUMBERS)
    return {
        **files,
        "modules.conf": etc["modules.conf"] + files["modules.conf"],
        "pjsip.conf": f"{templates}\n{phones}{_CARRIER}",
    }


FILES = _files()
"""For `Asterisk(extra=…)`: configuration files by name."""
