"""INP-02, INP-03: the corpora's malformed bodies, where they lie beside this repository: a refusal each."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Json
from tests.security.strings import CORPORA
from tests.security.surface import doors

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CORPORA.exists(), reason="the corpora are not beside this repository"),
]
WRONG_TYPE = -13


def body_of(row: dict[str, Any]) -> bytes:
    """The bytes of a row; `gen` is what is repeated how often: "prefix*N"."""
    if "b64" in row:
        return base64.b64decode(row["b64"])
    text, _, times = str(row.get("gen", "*0")).rpartition("*")
    return text.encode() * min(int(times), 3_000_000)


# Werkzeug leaves the file of a part that breaks off to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_malformed_bodies_are_refusals(app: Flask, as_role: Callable[[str], Json]) -> None:
    client, sent = as_role("session"), 0
    rows = json.loads((CORPORA / "http/raw_bodies.json").read_text("utf-8"))
    for door in doors(app):
        if door.method != "POST" or door.access not in ("anyone", "signed_in"):
            continue
        for row in rows:
            reply = client.post(door.path, data=body_of(row), headers=row["headers"])
            assert reply.status_code < 500 and reply.json["code"] != -3, (str(door), row["name"])
            sent += 1
    assert sent > 500


def test_json_that_is_none_is_refused(client: Json) -> None:
    folder = CORPORA / "json/JSONTestSuite/test_parsing"
    wrong = [path for path in sorted(folder.glob("n_*.json")) if code(client, path) != WRONG_TYPE]
    assert [path.name for path in wrong] == []
    for path in folder.glob("[yi]_*.json"):
        assert code(client, path) != -3, path.name


def code(client: Json, path: Path) -> int:
    """What the service says to a body."""
    reply = client.post("/user/login", data=path.read_bytes(), content_type="application/json")
    assert reply.status_code < 500, path.name
    return int(reply.json["code"])
