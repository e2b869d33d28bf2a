"""What codes cannot do: outlive their time, cross accounts or purposes, be tried for ever; and what races come to."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import time_machine
from sqlalchemy import delete, func, select, update

from tests.conftest import PASSWORD, Json
from tests.email_binding.conftest import NEW, OLD, accepted, refused
from userapp import codes
from userapp.extensions import db, reading, writing
from userapp.models import Code, EmailChange, LostMailbox, User

WRONG = "AAAAAAAAAA"
CONFIRM = "/user/email/unbind_confirm"


def later(**span):
    """The clock moved on."""
    return time_machine.travel(datetime.now(UTC) + timedelta(**span))


def user_of(uname):
    """The account as the services see it."""
    with reading() as connection:
        return connection.execute(select(*User.__table__.c).where(User.uname == uname)).one()


def test_a_code_expires_after_half_an_hour(signed_in, code_to):
    client = signed_in("ning", email=OLD)
    code = code_to(OLD)
    with later(minutes=30, seconds=1):
        assert refused(client.post("/user/email/bind", data={"captcha": code})) == 10802
    accepted(client.post("/user/email/bind", data={"captcha": code}))


def test_a_change_expires_after_half_an_hour(changing):
    client, right = changing()
    with later(minutes=29):
        assert CONFIRM in client.get("/user/email", headers={"Accept": "text/html"}).get_data(as_text=True)
    with later(minutes=30, seconds=1):
        assert refused(client.post(CONFIRM, data=right)) == 10802
        assert CONFIRM not in client.get("/user/email", headers={"Accept": "text/html"}).get_data(as_text=True)


def test_a_change_dies_with_its_session_and_with_a_new_password(app, changing, token_of):
    client, right = changing()
    with app.app_context(), writing() as connection:
        connection.execute(update(User).values(generation=User.generation + 1))
    again = app.test_client(use_cookies=False)
    headers = {"token": token_of("ning")}
    assert refused(again.post(CONFIRM, data=right, headers=headers)) == 10802
    assert refused(client.post(CONFIRM, data=right)) == -2
    accepted(again.post("/user/email/unbind", data={"new_email": "third@example.com"}, headers=headers))
    again.post("/user/logout", headers=headers)
    with app.app_context(), reading() as connection:
        assert connection.execute(select(func.count(EmailChange.user_id))).scalar() == 0


def test_five_wrong_tries_end_a_code_even_for_the_right_one(app, signed_in, code_to):
    client = signed_in("ning", email=OLD)
    code = code_to(OLD)
    for _ in range(app.config["CODE_TRIES"]):
        assert refused(client.post("/user/email/bind", data={"captcha": WRONG})) == 10804
    assert refused(client.post("/user/email/bind", data={"captcha": code})) == 10802


def test_a_code_works_once(changing):
    client, right = changing()
    accepted(client.post(CONFIRM, data=right))
    assert refused(client.post(CONFIRM, data=right)) == 10802


LONG = pytest.mark.long
PURPOSES = ("email", "email-old", "email-new", "email-lost", "reset")
COMBINATIONS = list(product(PURPOSES, ("ning", "else"), (OLD, NEW, "third@example.com")))
DOORS = {  # where a code is given, and the one combination that is right there
    "email": ("ning", OLD, "/user/email/bind", "captcha"),
    "email-old": ("ning", OLD, CONFIRM, "old_captcha"),
    "email-new": ("ning", NEW, CONFIRM, "new_captcha"),
    "email-lost": ("ning", NEW, "/user/email/lost_confirm", "new_captcha"),
}


@pytest.mark.parametrize(
    "door", ["email-new", *(pytest.param(door, marks=LONG) for door in DOORS if door != "email-new")]
)
def test_codes_do_not_cross_purposes_accounts_or_addresses(app, changing, make_user, door):
    app.config.update(CODE_TRIES_PER_HOUR=1000, LOST_MAILBOX="yes")
    client, right = changing()
    make_user("else", email="else@example.com")
    if door == "email-lost":
        ask = {"password": PASSWORD, "new_email": NEW}
        assert client.post("/user/email/lost", data=ask).json["status"]
    with app.app_context(), writing() as connection:
        connection.execute(update(User).where(User.uname == "ning").values(email_verified=door != "email"))
    owner, target, path, field = DOORS[door]
    for purpose, uname, address in COMBINATIONS:
        if (purpose, uname, address) == (door, owner, target):
            continue
        with app.app_context():
            db.session.execute(delete(Code).where(Code.purpose.in_([purpose, door])))
            if purpose != door:
                codes.issue(door, target, user_of("ning"))
            code = codes.issue(purpose, address, user_of(uname))
            db.session.commit()
        reply = client.post(path, data={**right, field: code})
        assert reply.json["code"] in (10802, 10804, 10813, 10814), (purpose, uname, address)
    with app.app_context():
        assert user_of("ning").email == OLD and user_of("ning").email_verified is (door != "email")
        assert db.session.query(LostMailbox.user_id).filter_by(proven=True).count() == 0


def test_ten_messages_a_day_and_no_more(app, signed_in):
    client = signed_in("ning", email=OLD)  # the activation mail was the first
    send = {"type": "old_send_again"}
    assert [client.post("/email/send", data=send).json["code"] for _ in range(11)] == [0] * 9 + [10817] * 2
    with later(hours=24, seconds=5):
        accepted(client.post("/email/send", data=send))


@pytest.mark.parametrize("spelling", ["data", "json"])
def test_a_taken_address_is_told_however_lately_its_owner_was_mailed(app, verified, signed_in, make_user, spelling):
    """Contract 6: 10809, 10815, not 10817: nothing is to be sent, so nothing is charged to the owner's address."""
    client, other = verified(), signed_in("first")
    app.config["MESSAGE_GAP"] = 60
    make_user("owner", email="taken@example.com")
    for _ in range(6):
        assert refused(other.post("/user/email/new", **{spelling: {"email": "taken@example.com"}})) == 10809
        assert refused(client.post("/user/email/unbind", **{spelling: {"new_email": "taken@example.com"}})) == 10815
    answer = {"email": "taken@example.com", "captcha": client.captcha()}
    assert client.post("/user/reset", data=answer).json["msg"] == "已发送恢复码至邮箱"
    accepted(client.post("/user/email/unbind", **{spelling: {"new_email": NEW}}))


def test_how_often_an_account_may_ask_for_taken_addresses_is_limited(app, signed_in, make_user):
    """Contract 7: after 20 such answers in an hour; else it would be a directory of who has an account."""
    client = signed_in("first")
    make_user("owner", email="taken@example.com")
    asked = [client.post("/user/email/new", data={"email": "taken@example.com"}) for _ in range(21)]
    assert [reply.json["code"] for reply in asked] == [10809] * 20 + [10817]


def test_two_who_want_a_free_address_are_one_mail_a_minute(app, signed_in):
    """Contract 5: per target address at most one message a minute."""
    first, second = signed_in("first"), signed_in("second")
    app.config["MESSAGE_GAP"] = 60
    accepted(first.post("/user/email/new", data={"email": "free@example.com"}))
    accepted(first.post("/user/email/new", data={"email": "other@example.com"}))
    assert refused(second.post("/user/email/new", data={"email": "free@example.com"})) == 10817


def test_thirty_sends_at_once_are_one_mail(app, signed_in, outbox):
    client = signed_in("ning", email=OLD)
    before = len(outbox())
    app.config["MESSAGE_GAP"] = 60
    cookie = client.get_cookie("session")
    answers = at_once(app, [("/email/send", {"type": "old_send_again"}, cookie.value)] * 30)
    assert sorted(answers) == [0] + [10817] * 29
    assert len(outbox()) == before + 1


def test_two_users_race_to_one_free_address(app, changing):
    people = [changing("ning"), changing("ming", old="ming@example.com")]
    calls = [(CONFIRM, right, client.get_cookie("session").value) for client, right in people]
    assert sorted(at_once(app, calls)) == [0, 10815]
    with app.app_context():
        found = {user_of("ning").email, user_of("ming").email}
    assert NEW in found and len(found & {OLD, "ming@example.com"}) == 1


def test_one_pair_confirmed_twenty_times_at_once_moves_once(app, changing):
    app.config["CODE_TRIES"], app.config["CODE_TRIES_PER_HOUR"] = 100, 1000
    client, right = changing()
    answers = at_once(app, [(CONFIRM, right, client.get_cookie("session").value)] * 20)
    assert answers.count(0) == 1 and set(answers) <= {0, 10802, 10816}


def at_once(app, calls):
    """Post all calls at the same moment, each with a client of its own; the numbers they were answered."""
    start, answers = threading.Barrier(len(calls)), []

    def post(path, values, cookie):
        client = Json(app)
        client.set_cookie("session", cookie)
        start.wait()
        answers.append(client.post(path, data=values).json["code"])

    app.test_client_class = Json
    threads = [threading.Thread(target=lambda call=call: post(*call)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_change_and_a_reset_to_the_old_address_are_never_both(app, changing):
    client, right = changing()
    with app.app_context():
        codes.issue("reset", OLD, user_of("ning"), "holder")
        db.session.commit()
    accepted(client.post(CONFIRM, data=right))
    with app.app_context():
        assert codes.pending("reset", holder="holder") is None
    assert client.login("ning", PASSWORD).json["status"]


def test_an_undo_link_is_good_for_a_week_and_never_acts_on_get(app, changing, outbox):
    client, right = changing()
    accepted(client.post(CONFIRM, data=right))
    notice = next(mail for mail in outbox() if mail["to"] == OLD)
    path = re.search(r"http://localhost(/user/email/undo\?link=\S+)", notice["text"])[1]
    page = {"Accept": "text/html"}
    assert client.get(path, headers=page).status_code == 200 and client.get(path, headers=page).status_code == 200
    assert client.get(path[:-2] + "xx", headers=page).status_code == 410
    with later(days=7, seconds=5):
        assert app.test_client().get(path, headers=page).status_code == 410
    assert client.get("/user/info").json["data"]["email"] == NEW


def test_only_the_first_of_two_owners_keeps_an_account(app, changing, outbox, code_to):
    client, right = changing()
    accepted(client.post(CONFIRM, data=right))
    with later(minutes=2):
        accepted(client.post("/user/email/unbind", data={"new_email": "third@example.com"}))
        again = {"old_captcha": code_to(NEW), "new_captcha": code_to("third@example.com")}
        accepted(client.post(CONFIRM, data=again))
        links = {
            mail["to"]: match[1]
            for mail in outbox()
            if (match := re.search(r"/user/email/undo\?link=(\S+)", mail["text"]))
        }
        stranger = app.test_client(use_cookies=False)
        assert stranger.post("/user/email/undo", data={"link": links[OLD]}).json["status"]
        assert stranger.post("/user/email/undo", data={"link": links[NEW]}).status_code == 410
        with app.app_context():
            assert user_of("ning").email == OLD
