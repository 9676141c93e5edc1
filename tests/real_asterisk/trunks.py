"""Three Asterisks in a row, a, b and c, with SIP trunks between neighbours; 2 and a phone's number is that phone at b,
3 and its number that at c.

`python3 -m tests.real_asterisk.trunks TARGET` records the calls of `make` at all three: a stream for `tests/captures`.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson
import zstandard

from arirecord.session.reader import open_session

from .install import folder, install
from .phone import Phone
from .recording import Capture, Recorded
from .switch import ETC, Asterisk

__all__ = ["KINDS", "SERVERS", "make", "recorded_calls", "trunked"]

SERVERS = {"a": "02:fc:00:00:0a:01", "b": "02:fc:00:00:0b:02", "c": "02:fc:00:00:0c:03"}
"""The asterisk_id of each server: those on one machine would have the same."""
NEIGHBOURS = {"a": "b", "b": "ac", "c": "b"}
KINDS = ("answered", "busy", "unknown", "chain", "back")

_TRUNK = """
[{other}]
type = endpoint
context = trunks
disallow = all
allow = ulaw
direct_media = no
media_address = 127.0.0.1
aors = {other}
; the other side finds its end of the trunk by this name; the caller's number is in P-Asserted-Identity
from_user = {own}
send_pai = yes
trust_id_inbound = yes
trust_id_outbound = yes
[{other}]
type = aor
contact = sip:127.0.0.1:@sip_port_{other}@
"""
_EXTENSIONS = {
    "a": "exten => _[23]XXXX,1,Dial(PJSIP/${EXTEN}@b,20)\n",
    "b": "exten => _1100X,1,Dial(PJSIP/${EXTEN}@a,20)\nexten => _3XXXX,1,Dial(PJSIP/${EXTEN}@c,20)\n",
    "c": "",
}
_LOCAL = {"a": "1", "b": "2", "c": "3"}


@contextmanager
def trunked(root: Path) -> Iterator[Mapping[str, Asterisk]]:
    """Run the three servers, by name. `root` is the folder that `install` filled."""
    servers = {name: Asterisk(root, _files(name)) for name in SERVERS}
    for server in servers.values():
        path = server.folder / "etc" / "pjsip.conf"
        text = path.read_text()
        for name, other in servers.items():
            text = text.replace(f"@sip_port_{name}@", str(other.sip_port))
        path.write_text(text)
    with ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(server)
        yield servers


def _files(name: str) -> dict[str, str]:
    """The configuration of a server on top of `etc`."""
    given = {path.name: path.read_text() for path in ETC.glob("*.conf")}
    trunks = "".join(_TRUNK.format(own=name, other=other) for other in NEIGHBOURS[name])
    local = f"exten => _{_LOCAL[name]}100X,1,Dial(PJSIP/${{EXTEN:1}},20)\n"
    routes = f"{_EXTENSIONS[name]}{local}"
    return {
        "asterisk.conf": f"{given['asterisk.conf']}entityid = {SERVERS[name]}\n",
        "pjsip.conf": given["pjsip.conf"] + trunks,
        "extensions.conf": f"{given['extensions.conf']}\n[trunks]\n{routes}\n[phones](+)\n{routes}",
    }


async def make(servers: Mapping[str, Asterisk]) -> None:
    """Make one call of each of `KINDS`, one after the other."""
    async with (
        Phone.at(servers["a"].sip_port, "1001", Asterisk.password) as ann,
        Phone.at(servers["b"].sip_port, "1002", Asterisk.password) as bob,
        Phone.at(servers["c"].sip_port, "1003", Asterisk.password) as cem,
    ):
        call = ann.call("21002")
        answered = await bob.rings()
        answered.answer()
        await call.until("up")
        await answered.hangup()
        await call.until("ended")

        call = ann.call("21002")
        (await bob.rings()).reject(486, "Busy Here")
        await call.until("ended")

        call = ann.call("29999")
        await call.until("ended")

        call = ann.call("31003")
        answered = await cem.rings()
        answered.answer()
        await call.until("up")
        await call.hangup()
        await answered.until("ended")

        call = bob.call("11001")
        answered = await ann.rings()
        answered.answer()
        await call.until("up")
        await call.hangup()
        await answered.until("ended")


def recorded_calls(root: Path, target: Path) -> Mapping[str, Recorded]:
    """Record the calls of `make` at each server, to `target/NAME.parquet`."""
    with trunked(root) as servers, ExitStack() as stack:
        captures = {
            name: stack.enter_context(Capture(server, target / f"{name}.parquet")) for name, server in servers.items()
        }
        asyncio.run(make(servers))
        return {name: capture.finish() for name, capture in captures.items()}


def main(target: Path) -> None:
    install(folder())
    with tempfile.TemporaryDirectory() as where:
        recorded_calls(folder(), Path(where))
        frames = [frame for name in SERVERS for frame in open_session(Path(where) / f"{name}.parquet").frames()]
    lines = [orjson.dumps({"t": frame.t_ns, "frame": frame.raw}) for frame in sorted(frames, key=lambda f: f.t_ns)]
    target.write_bytes(zstandard.ZstdCompressor(19).compress(b"\n".join(lines) + b"\n"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
