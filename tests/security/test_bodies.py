"""INP-02, INP-03: malformed bodies to everything that changes something: a refusal each, the same on both databases."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.conftest import Json
from tests.kernel.test_bad_input import FORM_BODIES, JSON_BODIES
from tests.security.sides import FORM, JSON, Side
from tests.security.strings import CORPORA
from tests.security.sweep import Sweep
from tests.security.test_strings import alike
from tests.security.test_strings import here as here  # fixtures
from tests.security.test_strings import quiet as quiet
from tests.security.test_strings import there as there

# Werkzeug leaves the file of a part that breaks off to the garbage collector, which closes it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
WRONG_TYPE = -13
SUITE = CORPORA / "json/JSONTestSuite/test_parsing"
Body = tuple[str, dict[str, str], bytes]


def bodies() -> list[Body]:
    """The corpora's malformed bodies, where they lie beside this repository, and our own."""
    found = [(name, {"Content-Type": JSON}, data) for name, data in JSON_BODIES.items()]
    found += [(name, {"Content-Type": FORM}, data) for name, data in FORM_BODIES.items()]
    path = CORPORA / "http/raw_bodies.json"
    rows = json.loads(path.read_text("utf-8")) if path.exists() else []
    return found + [(row["name"], row["headers"], body_of(row)) for row in rows]


def documents() -> list[Body]:
    """JSON that is none, and JSON that is odd."""
    return [(path.name, {"Content-Type": JSON}, path.read_bytes()) for path in sorted(SUITE.glob("*.json"))]


def body_of(row: dict[str, Any]) -> bytes:
    """The bytes of a row; `gen` is what is repeated how often: "prefix*N"."""
    if "b64" in row:
        return base64.b64decode(row["b64"])
    text, _, times = str(row.get("gen", "*0")).rpartition("*")
    return text.encode() * min(int(times), 3_000_000)


def thrown(sweep: Sweep, found: list[Body], every: int) -> None:
    """Each body at every so manieth door, beginning with another one each time."""
    doors = [door for door in sweep.doors if door.method == "POST"]
    for number, (name, headers, data) in enumerate(found):
        for door in doors[number % every :: every]:
            sweep.everywhere(door, "", [(headers, data)] * len(sweep.sides), ("body", name))
    alike(sweep.found)


def test_malformed_bodies_are_refusals(here: Side) -> None:
    """The fixed sample of the fast suite."""
    thrown(Sweep([here]), bodies(), 13)


@pytest.mark.long
@pytest.mark.postgresql
def test_malformed_bodies_are_refusals_on_both_databases(here: Side, there: Side) -> None:
    thrown(Sweep([here, there]), [*bodies(), *documents()[::6]], 6)


@pytest.mark.huge
@pytest.mark.postgresql
def test_every_malformed_body_everywhere(here: Side, there: Side) -> None:
    thrown(Sweep([here, there]), [*bodies(), *documents()], 1)


@pytest.mark.long
@pytest.mark.skipif(not SUITE.exists(), reason="the corpora are not beside this repository")
def test_json_that_is_none_is_refused(client: Json) -> None:
    """A body without anything in it has no parameters: libraries name the type of one they do not send."""
    found = {path.name: code(client, path.read_bytes()) for path in sorted(SUITE.glob("n_*.json"))}
    empty = dict.fromkeys(("n_single_space.json", "n_structure_no_data.json"), 10107)
    assert {name: number for name, number in found.items() if number != WRONG_TYPE} == empty


def code(client: Json, body: bytes) -> int:
    """What the service says to a body."""
    reply = client.post("/user/login", data=body, content_type="application/json")
    assert reply.status_code < 500, body[:90]
    return int(reply.json["code"])
