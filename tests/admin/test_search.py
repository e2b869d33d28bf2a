"""Accounts found by the beginning of a name, filtered, a page at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from tests.conftest import HTML
from userapp import identifiers
from userapp.admin import paging
from userapp.extensions import db
from userapp.models import User

PEOPLE = [
    {"uname": "ning", "name": "宁静", "uid": "2021001", "phone": "+8613800138000", "email": "ning@example.com"},
    {"uname": "Ningbo", "name": "李宁", "uid": "2021002", "phone": "+8613800138001", "email": "bo@example.com"},
    {"uname": "100%_sure", "name": "%_", "uid": "a_b", "phone": None, "email": "a_b%c@example.com"},
    {"uname": "李雷", "name": "李雷", "uid": "13", "phone": "+447400123456", "email": "lilei@xn--fiqs8s.example"},
]


@pytest.fixture
def people(app, admin):
    """Some people beside the administrator, who is 1."""
    add(app, PEOPLE)


def add(app, people):
    rows = [{"uname_key": identifiers.folded(one["uname"]), "generation": 0, **one} for one in people]
    for row in rows:
        row.setdefault("phone", None)
        row.setdefault("email", None)
    with app.app_context():
        db.session.execute(insert(User), rows)
        db.session.commit()


@pytest.fixture
def found(admin):
    """The user names a search finds, in their order, and by which kind of name."""

    def search(**query):
        data = admin.get("/admin/users", query_string=query).json["data"]
        return [user["uname"] for user in data["users"]], data["by"]

    return search


LIKELY = [
    ("", ["李雷", "100%_sure", "Ningbo", "ning", "root"], ""),
    ("NING", ["ning", "Ningbo"], "uname"),
    ("ｎｉｎｇ", ["ning", "Ningbo"], "uname"),
    ("李", ["李雷"], "uname"),
    ("宁", ["ning"], "name"),
    ("2021", ["ning", "Ningbo"], "uid"),
    ("2021002", ["Ningbo"], "uid"),
    ("138", ["ning", "Ningbo"], "phone"),
    ("138 0013 8000", ["ning"], "phone"),
    ("+86 138", ["ning", "Ningbo"], "phone"),
    ("+44", ["李雷"], "phone"),
    ("ning@", ["ning"], "email"),
    ("NING@EXAMPLE.COM", ["ning"], "email"),
    ("bo@example", ["Ningbo"], "email"),
    ("%", ["100%_sure"], "name"),
    ("_", [], "uname"),
    ("n_ng", [], "uname"),
    ("ning'; --", [], "uname"),
    ("nobody", [], "uname"),
]
CHOSEN = [
    ("name", "李", ["Ningbo", "李雷"]),
    ("email", "ning", ["ning"]),
    ("email", "a_b%", ["100%_sure"]),
    ("email", "a_%", []),
    ("uid", "a_", ["100%_sure"]),
    ("uid", "1", ["root", "李雷"]),
    ("phone", "13800138001", ["Ningbo"]),
    ("uname", "2021", []),
]


def test_a_beginning_is_found_by_the_likely_name(people, found):
    assert [(query, *found(q=query)) for query, _unames, _by in LIKELY] == LIKELY


def test_the_name_to_search_by_can_be_chosen(people, found):
    assert [(by, query, found(q=query, by=by)[0]) for by, query, _unames in CHOSEN] == CHOSEN


def test_filters_alone_and_with_a_search(app, people, found):
    with app.app_context():
        for uname, values in {"ning": {"disabled": True}, "李雷": {"disabled": True, "user_type": "teacher"}}.items():
            db.session.query(User).filter_by(uname=uname).update(values)
        db.session.commit()
    assert found(user_type="admin")[0] == ["root"]
    assert found(state="disabled")[0] == ["李雷", "ning"]
    assert found(state="disabled", user_type="teacher")[0] == ["李雷"]
    assert found(state="active", user_type="student")[0] == ["100%_sure", "Ningbo"]
    assert found(state="active")[0] == ["100%_sure", "Ningbo", "root"]
    assert found(q="ning", state="disabled")[0] == ["ning"]
    assert found(q="ning", user_type="teacher")[0] == []


NO_QUERIES = [
    {"user_type": "root"},
    {"state": "odd"},
    {"by": "password_hash"},
    {"after": "x"},
    {"after": "-1"},
    {"after": str(2**64)},
    {"q": "a\x00b"},
    {"q": "x" * 300},
    {"q": "x", "by": "name", "after": "x:y"},
]


def test_a_query_that_is_none_is_refused(admin):
    for query in NO_QUERIES:
        reply = admin.get("/admin/users", query_string=query)
        assert (reply.status_code, reply.json["code"]) == (422, 12007), query
        assert admin.get("/admin/users", query_string=query, headers={"Accept": HTML}).status_code == 422


def walk(admin, **query):
    """Everybody a list leads to, page after page; and how many pages there were."""
    seen, after, pages = [], "", 0
    while after is not None:
        data = admin.get("/admin/users", query_string={**query, "after": after}).json["data"]
        seen += [user["uname"] for user in data["users"]]
        after, pages = data["next"], pages + 1
    return seen, pages


def test_pages_lead_through_everything_once(app, admin, monkeypatch):
    monkeypatch.setattr(paging, "PAGE", 3)
    add(app, [{"uname": f"person{n}", "name": "same"} for n in range(10)])
    name = {"q": "same", "by": "name"}
    for query in ({}, {"q": "p"}, name, {"user_type": "student"}, {"q": "p", "state": "active"}):
        seen, pages = walk(admin, **query)
        assert sorted(set(seen) - {"root"}) == sorted(f"person{n}" for n in range(10)), query
        assert len(seen) == len(set(seen)) and pages == 4, query


def test_a_rare_condition_is_looked_for_a_window_at_a_time(app, admin, monkeypatch):
    monkeypatch.setattr(paging, "WINDOW", 4)
    add(app, [{"uname": f"person{n}", "disabled": n == 7} for n in range(10)])
    assert walk(admin, q="p", state="disabled") == (["person7"], 3)


def test_events_by_account_actor_and_name(admin, make_user):
    make_user("ning")
    admin.post("/admin/users/2/disable")

    def listed(**query):
        return [event["event"] for event in admin.get("/admin/events", query_string=query).json["data"]["events"]]

    assert listed() == ["disable", "register", "sign_in", "set_type", "register"]
    assert listed(user="2") == ["disable", "register"]
    assert listed(actor="1") == ["disable", "sign_in", "register"]
    assert listed(actor="0") == ["set_type"]
    assert listed(event="register", user="2") == ["register"]
    assert admin.get("/admin/events?user=x").json["code"] == 12007
