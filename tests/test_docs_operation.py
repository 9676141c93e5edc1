"""Pages for operators: examples are true, messages are those of the program, and what people search for is found."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import arirecord
from arirecord.cli import cli

from .container_file import CONTAINER_FILE, instructions

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
UNIT = DOCS / "examples" / "arirecord.service"
SEARCHED = {
    "install.md": (
        "install uninstall docker podman container systemd kubernetes FreePBX pip uv pipx wheel offline compiler "
        "Windows macOS pandas Jupyter externally-managed-environment"
    ),
    "supported.md": "Asterisk Python Debian Ubuntu support contributing security licence aarch64 NFS",
    "troubleshooting.md": (
        "401 403 404 refused StasisStart taken session disk 'permission denied' gap proxy TLS missing empty UTC "
        "timezone CPU 'is not a session' GLIBC"
    ),
    "faq.md": (
        "AMI CDR CEL pcap WAV Grafana Prometheus Kubernetes Docker Excel Windows license encrypt GDPR S3 alert monitor "
        "dashboard pandas glossary timezone live FreePBX"
    ),
    "retention.md": "retention delete disk cron systemd-tmpfiles compact redact archive",
    "upgrading.md": "upgrade version format older settings changelog",
    "production.md": "systemd service rotation logging monitor object storage password memory",
}
"""Words that people search for, by the page on which they have to find them."""


def _words(text: str) -> list[str]:
    return [quoted or word for quoted, word in re.findall(r"'([^']+)'|(\S+)", text)]


@pytest.mark.parametrize("page", SEARCHED)
def test_what_people_search_for(page: str) -> None:
    """Each word is on the page that answers the question, at the beginning of a word, in any case."""
    text = (DOCS / page).read_text()

    assert [word for word in _words(SEARCHED[page]) if not re.search(rf"\b{re.escape(word)}", text, re.I)] == []


def test_messages_are_those_of_the_program() -> None:
    """Each fragment of a message that the page on troubleshooting quotes is in the program's text."""
    page = (DOCS / "troubleshooting.md").read_text()
    program = "\n".join(path.read_text() for path in (ROOT / "arirecord").rglob("*.py"))
    program = re.sub(r'"\s*\n\s*f?"', "", program)  # texts that go on in the next line
    quoted = re.findall(r"^Message: `(.+?)`", page, re.MULTILINE)
    fragments = [part.strip() for message in quoted for part in message.split("…")]

    assert len(quoted) >= 5
    assert [fragment for fragment in fragments if fragment not in program] == []


def test_the_home_page_has_the_version() -> None:
    assert f"Version {arirecord.__version__} ·" in (DOCS / "index.md").read_text()


def test_the_unit_shown() -> None:
    """The page shows the file that the installation copies."""
    assert f"```ini\n{UNIT.read_text()}```" in (DOCS / "production.md").read_text()


def test_the_unit_is_one(tmp_path: Path) -> None:
    """Each directive has a value or is emptied on purpose; systemd accepts the unit, where it is installed."""
    lines = [line for line in UNIT.read_text().splitlines() if line and not line.startswith(("#", "["))]

    assert [line for line in lines if not re.fullmatch(r"[A-Z]\w+=.*", line)] == []
    if (systemd := shutil.which("systemd-analyze")) is None:
        return
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/arirecord", "/bin/true"))
    checked = subprocess.run([systemd, "verify", copy], capture_output=True, text=True, check=False)
    assert [line for line in checked.stderr.splitlines() if UNIT.name in line] == []


def test_the_folder_of_the_password_file(tmp_path: Path) -> None:
    """As the page makes them, only root reads the password, and the service's user reaches `servers.toml` beside it."""
    page = (DOCS / "install.md").read_text()
    lines = re.findall(r"^(?:install -d -m \d+|\(umask 077; echo) .*/etc/arirecord.*$", page, re.MULTILINE)
    script = "\n".join(lines).replace("/etc", str(tmp_path))
    subprocess.run(["sh", "-ec", f"umask 027\n{script}"], check=True)
    folder = tmp_path / "arirecord"

    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "password").stat().st_mode & 0o777 == 0o600


def test_the_settings_of_several_servers(tmp_path: Path) -> None:
    """The page shows the file; arirecord accepts each table of it, and misses only the password."""
    example = DOCS / "examples" / "servers.toml"
    page = (DOCS / "production.md").read_text()
    assert f"```toml\n{example.read_text()}```" in page
    config = tmp_path / example.name
    config.write_text(example.read_text().replace("/var/lib/arirecord", str(tmp_path)))

    for name in ("prague", "brno"):
        done = CliRunner().invoke(cli, ["--config", str(config), "capture", "--only", name, "--health", "5m"])
        assert done.exit_code == 2
        assert f"No password for recorder: set ARIRECORD_PASSWORD_{name.upper()}" in done.stderr
    assert "ExecStart=/usr/local/bin/arirecord --config /etc/arirecord/servers.toml capture --health 5m" in page


def test_the_container_file_is_one() -> None:
    """Each RUN is shell, what is copied is here, and the last user is not root; CI runs the instructions."""
    steps = instructions(CONTAINER_FILE.read_text())
    said = dict(steps)

    assert {name for name, _ in steps} <= {
        "FROM", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    for name, argument in steps:
        if name == "RUN":
            subprocess.run(["sh", "-n", "-c", argument], check=True)
    assert said["COPY"].split()[0] == "."
    assert said["USER"] != "root"
    assert json.loads(said["ENTRYPOINT"]) == ["arirecord"]
    assert (CONTAINER_FILE.relative_to(ROOT)).as_posix() in (DOCS / "install.md").read_text()


def test_the_unit_and_the_image_are_of_the_same_place() -> None:
    """Where the installation puts the program is where the unit starts it and the image has it."""
    link = "/opt/arirecord/bin/arirecord /usr/local/bin/arirecord"

    assert f"ln -sf {link}" in (DOCS / "install.md").read_text()
    assert f"ln -s {link}" in CONTAINER_FILE.read_text()
    assert "ExecStart=/usr/local/bin/arirecord " in UNIT.read_text()
