"""The catalogue holds all of ARI, and the columns it gives are unambiguous."""

import json
import os
import re
from pathlib import Path

import pytest

from arirecord.asterisk.catalogue import ENVELOPE, all_columns, columns_of, event_types, fields_of, models


def test_all_event_types_are_there() -> None:
    """45 event types, and MissingParams, which is a message but no event."""
    assert len(event_types()) == 46
    assert "MissingParams" in event_types()


def test_every_named_model_exists() -> None:
    """A field's type is a scalar or a model of the catalogue."""
    scalars = {"string", "int", "long", "double", "boolean", "Date", "object"}
    fields = [fields_of(t) for t in event_types()] + list(models().values())

    for declared in {d.removesuffix("?") for f in fields for d in f.values()}:
        inner = re.sub(r"^List\[(.*)\]$", r"\1", declared)

        assert inner in scalars or inner in models(), declared


def test_a_name_has_one_type_everywhere() -> None:
    """No two columns of one name and different type, and none that hides an envelope column."""
    for event_type in event_types():
        names = [column.name for column in columns_of(event_type)]

        assert len(names) == len(set(names)), event_type
        assert not set(names) & {*ENVELOPE, "seq", "received_at", "elapsed_ns", "kind", "extra", "raw"}
        for column in columns_of(event_type):
            assert column.type == all_columns()[column.name], column.name


def test_the_rule_is_mechanical() -> None:
    """A column's name is its path, whatever it is called."""
    dial = {column.name: column for column in columns_of("Dial")}

    assert dial["peer_dialplan_app_data"].path == ("peer", "dialplan", "app_data")
    assert dial["caller_caller_number"].path == ("caller", "caller", "number")
    assert "caller" not in dial
    assert all_columns()["caller"] == "string"
    assert all_columns()["bridge_channels"] == "strings"
    assert all_columns()["channel_creationtime"] == "timestamp"
    assert all_columns()["channel_channelvars"] == "json"


DOCUMENTS = os.environ.get("ARIRECORD_ARI_DOCUMENTS")


@pytest.mark.skipif(not DOCUMENTS, reason="ARIRECORD_ARI_DOCUMENTS does not name a folder with ari-catalogue.json")
def test_the_catalogue_equals_the_facts_about_asterisk() -> None:
    """Every type, field, model, value and absence of the document, and nothing else."""
    facts = json.loads((Path(DOCUMENTS or "") / "ari-catalogue.json").read_text())
    expected = {
        name: {f: d["type"] + ("" if d["required"] else "?") for f, d in fields.items() if f != "_subtypes"}
        for group in ("events", "models")
        for name, fields in facts[group].items()
    }
    own = {t: dict(fields_of(t)) for t in event_types()} | {m: dict(f) for m, f in models().items()}

    assert expected == own


@pytest.mark.skipif(not DOCUMENTS, reason="ARIRECORD_ARI_DOCUMENTS does not name a folder with ari-data-models.txt")
def test_the_older_document_is_covered() -> None:
    """Every type and model the older document heads a section with, and every field it lists under them."""
    known = {t: {*fields_of(t), *ENVELOPE} for t in event_types()} | {m: {*f, *ENVELOPE} for m, f in models().items()}
    every_field = set().union(*known.values())
    text = (Path(DOCUMENTS or "") / "ari-data-models.txt").read_text()
    here: set[str] = set()
    seen = 0
    for line in text.splitlines():
        if line in known:
            here = known[line]
            seen += 1
        elif field := re.match(r"- (\w+): ", line):
            assert field[1] in every_field
            if here and here & {"timestamp"} and line.startswith("- "):
                assert field[1] in here or field[1] in every_field, line
    subtypes = {name for line in re.findall(r"Subtypes: (.*)", text) for name in line.split()}

    assert seen >= 38
    assert not subtypes - known.keys()
