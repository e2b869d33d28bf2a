"""AZ-01: every role before every route and method, and before other ways of writing an address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.conftest import HTML, PASSWORD, Json
from tests.security.conftest import ROLES
from tests.security.surface import Door, doors

NOT_SIGNED_IN, NOT_ALLOWED = -2, 4030
# Who gets through which mark; others are told to sign in, or that they are no administrators.
OPEN_TO = {
    "anyone": set(ROLES),
    "signed_in": {"session", "token", "admin"},
    "freshly_signed_in": {"session", "token", "admin"},
    "token_only": {"token"},
    "admin": {"admin"},
}
ENDING = ("/user/logout", "/user/refresh_token", "/user/login", "/user/register", "/user/sessions")


def number(client: Json, door: Door, **more: object) -> int:
    """The number a program is told at a door; 0 for what is no JSON."""
    reply = client.open(door.path, method=door.method, **more)
    assert reply.status_code < 500 or door.path == "/readyz", (str(door), reply.status)
    return int(reply.json.get("code", 0)) if reply.is_json else 0


def expected(door: Door, role: str) -> int | None:
    """The refusal a role meets, if its mark refuses it."""
    if role in OPEN_TO[door.access]:
        return None
    outside = role in ("stranger", "disabled") or door.access == "token_only"
    return NOT_SIGNED_IN if outside else NOT_ALLOWED


def in_fast_suite(*roles: str) -> list[object]:
    """Every role; those not named are left to the long suite."""
    return [role if role in roles else pytest.param(role, marks=pytest.mark.long) for role in ROLES]


@pytest.mark.parametrize("role", in_fast_suite("stranger", "session"))
def test_every_role_before_every_route(app: Flask, as_role: Callable[[str], Json], role: str) -> None:
    client, wrong = as_role(role), []
    for door in doors(app):
        asking = as_role(role) if door.rule in ENDING else client  # what it is signed in with may end at that door
        found, refusal = number(asking, door), expected(door, role)
        postponed = door.method == "GET" and found == 10108  # a GET where only POST does anything says nothing else
        if found != refusal if refusal and not postponed else found in (NOT_SIGNED_IN, NOT_ALLOWED):
            wrong.append((str(door), role, found, refusal))
    assert wrong == []


@pytest.mark.parametrize("role", in_fast_suite("stranger"))
def test_head_and_options_open_nothing(app: Flask, as_role: Callable[[str], Json], role: str) -> None:
    client = as_role(role)
    for door in doors(app):
        if door.method == "POST" or door.rule in ENDING:
            continue
        got, head = client.get(door.path), client.head(door.path)
        assert (head.status_code, head.data) == (got.status_code, b""), str(door)
        asked = client.options(door.path)
        assert asked.status_code == 200 and asked.data == b"", str(door)
        assert set(asked.headers["Allow"].split(", ")) <= {"GET", "HEAD", "OPTIONS", "POST"}, str(door)


@pytest.mark.long
def test_other_methods_are_no_way_in(app: Flask, as_role: Callable[[str], Json]) -> None:
    client = as_role("admin")
    for path in {door.path for door in doors(app)}:
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            reply = client.open(path, method=method)
            assert reply.status_code < 500 and reply.is_json and reply.json["status"] is False, (method, path)


def other_spellings(path: str) -> list[str]:
    """Addresses that a careless check or proxy could take for this one."""
    head, _, last = path.rpartition("/")
    return [
        path + "/", path + "//", "/" + path, path.replace("/", "//"), path.upper(), path.title(),
        path.replace("/", "%2f"), f"{head}%2F{last}", f"{head}/./{last}", f"{head}/x/../{last}", f"{head}/%2e/{last}",
        path + "%20", path + "%00", path + ";a=b", path + "?/..", path + ".json", path + "/.", f"{head}\\{last}",
        f"//localhost{path}", f"/{path.strip('/')}\u200b",
    ]  # fmt: skip


@pytest.mark.long
def test_another_spelling_of_an_address_opens_no_door(app: Flask, as_role: Callable[[str], Json]) -> None:
    """A stranger who writes the address of a guarded route otherwise meets nothing, or the same refusal."""
    client, tried = as_role("stranger"), 0
    for door in doors(app):
        if expected(door, "stranger") is None:
            continue
        for spelling in other_spellings(door.path):
            reply = client.open(spelling, method=door.method)
            tried += 1
            found = reply.json.get("code") if reply.is_json else None
            moved = reply.status_code == 308 and reply.location.startswith("http://localhost/")
            assert moved or found in (400, 404, NOT_SIGNED_IN, 10108), (door.method, spelling, reply.status, found)
    assert tried > 900


def test_a_browser_without_a_session_is_led_to_the_sign_in_page(app: Flask, client: Json) -> None:
    for door in doors(app):
        if expected(door, "stranger") and door.method == "GET":
            reply = client.get(door.path, headers={"Accept": HTML})
            assert (reply.status_code, reply.location.partition("?")[0]) == (303, "/user/login"), str(door)


@pytest.mark.parametrize("kind", ["session", "token"])
def test_what_belongs_to_somebody_else_stays_theirs(app: Flask, as_role: Callable[[str], Json], kind: str) -> None:
    """Objects: another person's sessions, picture and account are out of reach, though their names are known."""
    victim, attacker = as_role("admin"), as_role(kind)
    mine = victim.get("/user/sessions").json["data"]
    theirs = victim.get("/user/info").json["data"]
    for row in mine:
        assert attacker.post("/user/sessions", data={"end": row["public_id"]}).json["code"] == 404
    assert victim.get("/user/info").json["data"] == theirs
    named = {"id": theirs["id"], "uid": theirs["uid"], "user_id": theirs["id"], "uname": theirs["uname"]}
    attacker.post("/user/info", data=named | {"intro": "taken"})
    more = {"intro": "taken", "user_type": "admin", "disabled": False, "generation": 9}
    attacker.post("/user/info", json=named | more)
    attacker.post("/user/avatar/remove", data=named)
    attacker.post("/user/password", data=named | {"old_password": "wrong-horse-9", "new_password": "battery-staple-7"})
    for path in ("", "/disable", "/delete", "/reset", "/uid", "/user_type"):
        address = f"/admin/users/{theirs['id']}{path}"
        assert attacker.open(address, method="POST" if path else "GET", data=named).json["code"] == NOT_ALLOWED
    assert victim.get("/user/info").json["data"] == theirs
    assert attacker.get("/user/info").json["data"]["user_type"] == "student"
    assert app.test_client().login(theirs["uname"], PASSWORD).json["code"] == 0  # type: ignore[attr-defined]
