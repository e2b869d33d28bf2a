"""Who lost the old mailbox: password, a code to the new one, and a wait in which the old one can stop it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.callers import at_once
from tests.conftest import PASSWORD, Browser, Json
from tests.email_binding.conftest import NEW, OLD
from userapp.email_binding import lost_mailbox
from userapp.extensions import db, writing
from userapp.models import LostMailbox, User
from userapp.purge import purge

LOST, CONFIRM, KEEP = "/user/email/lost", "/user/email/lost_confirm", "/user/email/keep"
ASK = {"password": PASSWORD, "new_email": NEW}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def app(app):
    """An installation that has switched it on."""
    app.config["LOST_MAILBOX"] = "yes"
    return app


@pytest.fixture
def waiting(verified, code_to):
    """A client whose wish is proven and waits."""

    def make(uname="ning", kind=Json, old=OLD, new=NEW):
        client = verified(uname, kind, old)
        asked = client.post(LOST, data={"password": PASSWORD, "new_email": new})
        assert asked.status_code == 303 or asked.json["status"], asked.json
        proven = client.post(CONFIRM, data={"new_captcha": code_to(new)})
        assert proven.status_code == 303 or proven.json["status"], proven.json
        return client

    return make


def in_days(days, **more):
    return time_machine.travel(datetime.now(UTC) + timedelta(days=days, **more))


def address(app, uname="ning"):
    with app.app_context():
        return db.session.execute(select(User.email).filter_by(uname=uname)).scalar()


def purged(app):
    with app.app_context():
        return purge().get("lost_mailboxes", 0)  # nothing where another is at it


def link_in(outbox, path):
    found = [re.search(path + r"\?link=(\S+)", mail["text"]) for mail in outbox() if mail["to"] == OLD]
    return next(match[1] for match in found if match)


def code_of(reply):
    return reply.status_code, reply.json["code"]


def test_the_service_moves_the_address_when_the_wait_is_over_and_nobody_comes_back(app, waiting, outbox):
    client = waiting()
    state = client.get("/user/email").json["data"]
    assert (state["email"], state["status"], state["state"]) == (OLD, 1, "waiting")
    assert abs(state["lost"]["due"] - datetime.now(UTC).timestamp() - 7 * 86400) < 60
    assert state["lost"]["new_masked"] == "n***@example.com" and NEW not in str(state)
    with in_days(6, hours=23):
        assert purged(app) == 0 and address(app) == OLD
    with in_days(7, seconds=5):
        assert (purged(app), purged(app)) == (1, 0)
        assert address(app) == NEW
        notice = next(mail for mail in outbox() if mail["to"] == OLD)
        assert "/user/email/undo?link=" in notice["text"] and NEW not in notice["text"]
        assert any(mail["to"] == NEW and "已更改" in mail["text"] for mail in outbox())
        undo = app.test_client().post("/user/email/undo", data={"link": link_in(outbox, "/user/email/undo")})
        assert undo.json["status"] and address(app) == OLD


def test_the_old_mailbox_is_told_at_once_and_stops_it_by_a_button_never_by_opening_the_link(app, waiting, outbox):
    waiting()
    announced = [mail for mail in outbox() if mail["to"] == OLD and KEEP in mail["text"]]
    assert len(announced) == 1 and "n***@example.com" in announced[0]["text"] and NEW not in announced[0]["text"]
    assert "忽略" not in announced[0]["text"], "only the mail of a code may be ignored"
    link = link_in(outbox, KEEP)
    app.test_client_class = Browser
    reader = app.test_client()
    for _ in range(3):
        page = reader.get(f"{KEEP}?link={link}")
        assert page.status_code == 200 and "o***@example.com" in page.get_data(as_text=True)
    with app.app_context():
        assert db.session.execute(select(LostMailbox.user_id)).scalar() is not None
    assert reader.post(KEEP, data={"link": link}).status_code == 303
    assert reader.post(KEEP, data={"link": link}).status_code == 410
    assert reader.get(f"{KEEP}?link={link}").status_code == 410
    assert any(mail["to"] == NEW and "阻止" in mail["text"] for mail in outbox())
    with in_days(8):
        assert purged(app) == 0 and address(app) == OLD


def test_a_link_of_somebody_else_or_none_stops_nothing(app, waiting, outbox):
    waiting()
    link = link_in(outbox, KEEP)
    for wrong in ("", "x", link[:-2] + "xx", link.replace(".", "")):
        assert code_of(app.test_client().post(KEEP, data={"link": wrong})) == (410, 10802)
    with in_days(8, seconds=5):
        assert code_of(app.test_client().post(KEEP, data={"link": link})) == (410, 10802)
    assert app.test_client().post(KEEP, data={"link": link}).json["status"]


def test_off_in_documented_and_on_elsewhere(make_app, verified):
    for profile, days in (("documented", False), ("balanced", True), ("strict", True)):
        with make_app(SECURITY_PROFILE=profile).app_context():
            assert lost_mailbox.offered() is days
    with make_app(SECURITY_PROFILE="strict", LOST_MAILBOX="no").app_context():
        assert not lost_mailbox.offered()


def test_where_it_is_off_there_is_nothing(app, verified):
    app.config["LOST_MAILBOX"] = ""
    client = verified("ning", Browser)
    assert LOST not in client.get("/user/email").get_data(as_text=True)
    assert "现在不能这样更换邮箱" in client.get(LOST).get_data(as_text=True)
    assert client.post(LOST, data=ASK).status_code == 404


@pytest.mark.parametrize("kind", [Json, pytest.param(Browser, marks=pytest.mark.long)])
def test_what_is_refused(app, verified, signed_in, make_user, kind):
    client = verified("ning", kind)
    make_user("owner", email="taken@example.com")
    cases = [
        ({"password": "wrong-horse-9", "new_email": NEW}, 10101, "密码错误"),
        ({"new_email": NEW}, 10101, "密码错误"),
        ({**ASK, "new_email": "a@b"}, 10806, "当前邮箱格式不正确"),
        ({**ASK, "new_email": OLD.upper()}, 10807, "不允许与当前邮箱相同"),
        ({**ASK, "new_email": "taken@example.com"}, 10815, "新的邮箱已被注册，请更换"),
    ]
    for values, number, text in cases:
        reply = client.post(LOST, data=values)
        assert reply.status_code >= 400 and text in reply.get_data(as_text=True)
        assert kind is Browser or reply.json["code"] == number
    other = signed_in("other", kind, email="other@example.com")
    assert "必须为已验证的邮箱" in other.post(LOST, data=ASK).get_data(as_text=True)


@pytest.mark.long
def test_wrong_passwords_are_counted_with_those_of_a_password_change(verified):
    client = verified()
    for _ in range(3):
        assert client.post(LOST, data={**ASK, "password": "wrong-horse-9"}).json["code"] == 10101
    for _ in range(2):
        wrong = {"old_password": "wrong-horse-9", "new_password": "another-horse-7"}
        assert client.post("/user/password", data=wrong).json["code"] == 10203
    assert code_of(client.post(LOST, data=ASK)) == (429, 10110)


@pytest.mark.long
def test_five_a_day_so_that_nobody_fills_the_old_mailbox(verified):
    client = verified()
    numbers = [
        client.post(LOST, data={**ASK, "new_email": f"new{n}@example.com"}).json["code"] for n in range(6)
    ]  # fmt: skip
    assert numbers == [0] * 5 + [10817]


def test_without_the_new_mailboxs_code_nothing_moves(app, verified, code_to):
    client = verified()
    assert client.post(LOST, data=ASK).json["status"]
    assert client.get("/user/email").json["data"]["state"] == "proving"
    for code in ("", "AAAAAAAAAA"):
        assert client.post(CONFIRM, data={"new_captcha": code}).json["code"] == 10814
    with in_days(0, minutes=31):
        assert client.post(CONFIRM, data={"new_captcha": code_to(NEW)}).json["code"] == 10802
        assert client.get("/user/email").json["data"]["state"] == "verified"
    with in_days(8):
        assert purged(app) == 0 and address(app) == OLD
    with app.app_context():
        assert db.session.execute(select(LostMailbox.user_id)).scalar() is None


def change_password(app, client, outbox):
    assert client.post("/user/password", data={"old_password": PASSWORD, "new_password": "another-horse-7"}).json[
        "status"
    ]


def reset(app, client, outbox):
    stranger = Json(app)
    stranger.post("/user/reset", data={"email": OLD, "captcha": stranger.captcha()})
    code = re.search(r"\b\d{6}\b", next(mail for mail in outbox() if mail["to"] == OLD)["text"])[0]
    answer = {"code": code, "new_password": PASSWORD + "9", "captcha": stranger.captcha()}
    assert stranger.post("/user/reset", data=answer).json["status"]


def cancel(app, client, outbox):
    assert client.post("/user/email/cancel").json["status"]


def begin_the_usual_way(app, client, outbox):
    assert client.post("/user/email/unbind", data={"new_email": "third@example.com"}).json["status"]


def disable(app, client, outbox):
    with app.app_context(), writing() as connection:
        connection.execute(update(User).values(disabled=True))


def move_there_and_back(app, client, outbox):
    with app.app_context(), writing() as connection:
        connection.execute(update(User).values(email="third@example.com"))
    purged(app)
    with app.app_context(), writing() as connection:
        connection.execute(update(User).values(email=OLD))


@pytest.mark.parametrize(
    "what",
    [change_password, reset, cancel, begin_the_usual_way, disable, move_there_and_back],
    ids=lambda f: f.__name__,
)
def test_it_dies_with(app, waiting, outbox, what):
    client = waiting()
    what(app, client, outbox)
    with in_days(8):
        assert purged(app) == 0 and address(app) == OLD
    with app.app_context():
        assert db.session.execute(select(LostMailbox.user_id)).scalar() is None


@pytest.mark.long
def test_it_dies_with_an_undo(app, waiting, outbox, changing):
    client, right = changing()
    assert client.post("/user/email/unbind_confirm", data=right).json["status"]
    with in_days(0, minutes=2):
        assert client.post(LOST, data={**ASK, "new_email": "third@example.com"}).json["status"]
        link = link_in(outbox, "/user/email/undo")
        assert app.test_client().post("/user/email/undo", data={"link": link}).json["status"]
    with app.app_context():
        assert db.session.execute(select(LostMailbox.user_id)).scalar() is None


@pytest.mark.long
def test_the_address_is_somebody_elses_by_then(app, waiting, make_user):
    waiting()
    with in_days(7, seconds=5):
        make_user("quick", email=NEW)
        assert purged(app) == 0 and (address(app), address(app, "quick")) == (OLD, NEW)
    with app.app_context():
        assert db.session.execute(select(LostMailbox.user_id)).scalar() is None


def test_two_workers_a_cancel_and_a_link_at_once_come_to_one_end(app, waiting, outbox):
    client = waiting()
    cookie, link = client.get_cookie("session").value, link_in(outbox, KEEP)
    with in_days(7, seconds=5):

        def cancelled():
            mine = Json(app)
            mine.set_cookie("session", cookie)
            return mine.post("/user/email/cancel").json["code"]

        calls = {
            "one": lambda: purged(app),
            "two": lambda: purged(app),
            "cancel": cancelled,
            "link": lambda: app.test_client().post(KEEP, data={"link": link}).json["code"],
        }
        results = at_once(calls)
        moved, stopped = results["one"] + results["two"], [results["cancel"], results["link"]].count(0)
        assert moved + stopped == 1, results
        assert address(app) == (NEW if moved else OLD)


def test_the_whole_way_as_a_person_without_scripts(app, verified, code_to):
    browser = verified("ning", Browser)
    assert f'href="{LOST}"' in browser.get("/user/email").get_data(as_text=True)
    form = browser.get(LOST).get_data(as_text=True)
    assert 'name="password"' in form and 'name="new_email"' in form
    assert browser.post(LOST, data=ASK).status_code == 303
    proving = browser.get("/user/email").get_data(as_text=True)
    assert CONFIRM in proving and "n***@example.com" in proving and "one-time-code" in proving
    wrong = browser.post(CONFIRM, data={"new_captcha": "AAAAAAAAAA"})
    assert wrong.status_code == 422 and "新邮箱的验证码不正确" in wrong.get_data(as_text=True)
    assert browser.post(CONFIRM, data={"new_captcha": code_to(NEW).lower()}).status_code == 303
    shown = browser.get("/user/email").get_data(as_text=True)
    assert "等待中" in shown and CONFIRM not in shown and "/user/email/cancel" in shown
    assert browser.post("/user/email/cancel").status_code == 303
    assert "new_email" in browser.get("/user/email").get_data(as_text=True)


def test_in_strict_the_owner_of_a_taken_address_is_told_and_no_code_leaves(make_app, verified, make_user, outbox, app):
    app.config["DISCLOSURE"] = "never"
    client = verified()
    make_user("owner", email="taken@example.com")
    assert client.post(LOST, data={**ASK, "new_email": "taken@example.com"}).json["status"]
    mails = [mail["text"] for mail in outbox() if mail["to"] == "taken@example.com" and "更换邮箱" in mail["subject"]]
    assert len(mails) == 1 and "另一个账号" in mails[0] and "验证码：" not in mails[0]
