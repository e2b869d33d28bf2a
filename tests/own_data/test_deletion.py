"""Deleting one's account: a waiting time, two ways to undo, and an end that no race can spoil."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.callers import at_once
from tests.conftest import Browser, Json
from userapp import accounts, removals, signals
from userapp.extensions import db
from userapp.models import Removal, User
from userapp.purge import purge

KEEP = "/user/delete/keep"


def in_days(days, **more):
    return time_machine.travel(datetime.now(UTC) + timedelta(days=days, **more))


def purged(app):
    with app.app_context():
        return purge().get("removals", 0)  # nothing where another is at it


def accounts_left(app):
    with app.app_context():
        return db.session.query(User).count(), db.session.query(Removal).count()


def link_in(outbox):
    return next(match[1] for mail in outbox() if (match := re.search(KEEP + r"\?link=(\S+)", mail["text"])))


def test_everything_works_until_the_service_deletes_it(app, signed_in):
    client = signed_in()
    due = client.post("/user/delete").json["data"]["deletion_due"]
    assert abs(due - datetime.now(UTC).timestamp() - 14 * 86400) < 60
    with in_days(1):
        assert client.post("/user/info", data={"intro": "still here"}).json["status"]
        assert client.get("/user/delete").json["data"] == {"deletion_due": due}
    with in_days(13, hours=23):
        assert purged(app) == 0
    with in_days(14, minutes=1):
        assert purged(app) == 1
        assert client.get("/user/info").json["code"] == -2
        assert client.login("ning").json["code"] == 10100


def test_the_services_own_thread_does_it(make_app):
    app = make_app(DELETION_DAYS=0)
    app.test_client_class = Json
    client, courier = app.test_client(), app.extensions["userapp.courier"]
    client.register("ning", email="ning@example.com")
    assert client.post("/user/delete").json["status"]
    end = time.monotonic() + 60
    while accounts_left(app) != (0, 0) and time.monotonic() < end:
        courier.purge_at = 0.0  # as if five minutes had passed
        courier.call()
        time.sleep(0.1)
    assert accounts_left(app) == (0, 0)


def test_asking_again_does_not_move_the_day(signed_in, outbox):
    client = signed_in()
    due = client.post("/user/delete").json["data"]["deletion_due"]
    with in_days(0, minutes=5):
        assert client.post("/user/delete").json["data"]["deletion_due"] == due
    assert len([mail for mail in outbox() if "账号将被删除" in mail["subject"]]) == 1


def test_undone_by_button(app, signed_in, outbox):
    client = signed_in()
    client.post("/user/delete")
    assert client.post("/user/delete/cancel").json["status"]
    again = client.post("/user/delete/cancel")
    assert (again.status_code, again.json["code"]) == (410, 11100)
    assert client.get("/user/delete").json["data"] == {"deletion_due": None}
    assert any("不会被删除" in mail["subject"] for mail in outbox())
    with in_days(15):
        assert purged(app) == 0 and accounts_left(app) == (1, 0)


def test_undone_by_the_mails_link_which_never_acts_on_get(app, signed_in, outbox):
    signed_in().post("/user/delete")
    link = link_in(outbox)
    reader = Browser(app)
    for _ in range(2):
        assert reader.get(f"{KEEP}?link={link}").status_code == 200
    assert accounts_left(app) == (1, 1)
    for wrong in ("", "x", link[:-2] + "xx"):
        assert reader.post(KEEP, data={"link": wrong}).status_code == 410
    assert reader.post(KEEP, data={"link": link}).status_code == 303
    assert reader.get(f"{KEEP}?link={link}").status_code == 410
    assert accounts_left(app) == (1, 0)


def test_the_security_page_shows_one_state_at_a_time(signed_in):
    browser = signed_in("ning", Browser)
    page = browser.get("/user/security").get_data(as_text=True)
    assert 'action="/user/export"' in page and 'action="/user/delete"' in page and "/user/delete/cancel" not in page
    assert browser.post("/user/delete").status_code == 303
    page = browser.get("/user/security").get_data(as_text=True)
    assert 'action="/user/delete/cancel"' in page and 'action="/user/delete"' not in page
    assert browser.post("/user/delete/cancel").status_code == 303


def test_without_the_feature_the_security_page_has_no_such_section(make_app):
    rest = [f"userapp.{name}" for name in ("system", "auth", "profile")]
    app = make_app(PLUGINS=rest)
    app.test_client_class = Browser
    browser = app.test_client()
    browser.register("ning", email="ning@example.com")
    assert "/user/delete" not in browser.get("/user/security").get_data(as_text=True)


def test_a_process_that_died_half_way_is_finished_by_the_next_purge(app, signed_in, monkeypatch):
    signed_in().post("/user/delete")
    with in_days(15), monkeypatch.context() as patch, app.app_context():
        patch.setattr(removals, "remove", lambda user_id, by: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            removals.finish()
    assert accounts_left(app) == (1, 1)
    with app.app_context():
        assert not removals.call_off(1), "what has begun is not called off"
        db.session.rollback()
    assert purged(app) == 1


def test_a_feature_that_cannot_drop_its_part_now_is_asked_again(app, signed_in, outbox):
    signed_in()
    asked = []

    def stubborn(_app, user_id):
        asked.append(user_id)
        if len(asked) < 3:
            raise OSError("store away")

    with signals.account_removed.connected_to(stubborn, app), app.app_context():
        accounts.remove(1, accounts.OPERATOR)
        outbox()
        for times in (2, 3, 3):
            purge()
            assert len(asked) == times
    assert accounts_left(app) == (0, 0)


def test_of_an_undo_and_two_purges_at_once_one_side_wins(app, signed_in, outbox):
    client = signed_in()
    client.post("/user/delete")
    cookie, link = client.get_cookie("session").value, link_in(outbox)
    with in_days(14, minutes=1):

        def cancelled():
            mine = Json(app)
            mine.set_cookie("session", cookie)
            return mine.post("/user/delete/cancel").json["code"]

        calls = {
            "one": lambda: purged(app),
            "two": lambda: purged(app),
            "button": cancelled,
            "link": lambda: app.test_client().post(KEEP, data={"link": link}).json["code"],
        }
        results = at_once(calls)
    removed, kept = results["one"] + results["two"], [results["button"], results["link"]].count(0)
    assert removed + kept == 1, results
    assert accounts_left(app)[0] == (0 if removed else 1)


def test_an_account_without_address_is_told_by_text(signed_in, outbox):
    signed_in("phoned", phone="13800138000").post("/user/delete")
    assert any(message["kind"] == "sms" and KEEP in message["text"] for message in outbox())
