"""Where nobody may learn who has an address: a taken one and a free one are answered, timed and charged alike."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select

from tests.conftest import PASSWORD, Browser
from tests.email_binding.conftest import accepted, refused
from userapp import delivery
from userapp.errors import MailNotSent
from userapp.extensions import db
from userapp.models import Budget, Code, Message, User

TAKEN, FREE = "taken@example.com", "fresh@example.com"
WANTED = "另一个账号"


@pytest.fixture
def app(app):
    """The strict profile's silence, with everything else as documented so that a test can get there."""
    app.config["DISCLOSURE"] = "never"
    return app


@pytest.fixture
def owner(make_user):
    """Somebody who has the address."""
    return make_user("owner", email=TAKEN)


def left_behind(app):
    """How many codes and messages there are, and what was spent in all."""
    with app.app_context():
        tables = (Code, Message)
        counts = [db.session.execute(select(func.count()).select_from(table)).scalar() for table in tables]
        return counts, db.session.execute(select(func.sum(Budget.spent))).scalar()


@pytest.mark.parametrize("address", [TAKEN, FREE])
@pytest.mark.parametrize(("path", "queued"), [("/user/email/new", 0), ("/user/info", 1)])
def test_a_new_address_is_answered_alike_whether_somebody_has_it(app, signed_in, owner, path, queued, address):
    """All of it holds for both addresses: the answer, what is written, what is charged, and what comes after."""
    app.extensions["userapp.courier"].stop()
    client = signed_in("ning", phone="13800138000")
    with app.app_context():  # what the owner's own registration spent
        db.session.execute(delete(Budget))
        db.session.commit()
    (codes, messages), _spent = left_behind(app)
    reply = client.post(path, data={"email": address})
    assert (reply.json["code"], reply.json["status"]) == (0, True)
    assert left_behind(app) == ([codes + 1, messages + queued], 2)
    assert accepted(client.get("/user/email/status")) == {"email": address, "status": 0}
    page = client.get("/user/email", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert address in page and "one-time-code" in page
    accepted(client.post("/email/send", data={"type": "old_send_again"}))
    assert refused(client.post("/user/email/bind", data={"captcha": "AAAAAAAAAA"})) == 10804
    assert client.get("/user/info").json["data"]["email"] is None


@pytest.mark.parametrize("address", [TAKEN, FREE])
def test_a_mail_that_cannot_leave_is_told_alike_and_spends_nothing(
    app, verified, signed_in, owner, monkeypatch, address
):
    """ENUM-03: the mail server's refusal says nothing about who exists."""
    changing, new = verified(), signed_in("ming", phone="13800138000")
    app.extensions["userapp.courier"].stop()
    with app.app_context():
        db.session.execute(delete(Budget))
        db.session.commit()
    original, before = delivery.send_mail, left_behind(app)[0]

    def send(to, *rest):
        if to == address:
            raise MailNotSent(kind="SMTPRecipientsRefused")
        original(to, *rest)

    monkeypatch.setattr(delivery, "send_mail", send)
    assert refused(new.post("/user/email/new", data={"email": address})) == 10901
    assert left_behind(app) == (before, 0)
    assert refused(changing.post("/user/email/unbind", data={"new_email": address})) == 10901
    assert left_behind(app)[0] == before


def test_the_change_of_a_verified_address_is_answered_alike(app, verified, owner, statements):
    client = verified()
    app.config["MESSAGE_GAP"] = 0
    seen = []
    for address in (TAKEN, FREE):
        statements.clear()
        reply = client.post("/user/email/unbind", data={"new_email": address})
        ran = [statement.split()[0] for statement in statements]
        page = client.get("/user/email", headers={"Accept": "text/html"}).get_data(as_text=True)
        assert f"{address[0]}***@example.com" in page
        seen.append((accepted(reply), ran))
    assert seen[0] == seen[1]


def test_the_owner_is_told_and_the_caller_gets_no_code(app, signed_in, owner, outbox):
    client = signed_in("ning", phone="13800138000")
    outbox()  # what the owner's registration queued has left before
    for path, field in (("/user/email/new", "email"), ("/user/info", "email")):
        assert client.post(path, data={field: TAKEN}).json["status"]
        mail = next(mail for mail in outbox() if mail["to"] == TAKEN)
        assert WANTED in mail["text"] and "验证码：" not in mail["text"]
    assert client.get("/user/info").json["data"]["email"] is None
    with app.app_context():
        assert db.session.execute(select(User.uname).filter_by(email=TAKEN)).scalar() == "owner"


def test_the_owner_of_a_wanted_address_is_told_by_the_change_too(app, verified, owner, outbox):
    client = verified()
    accepted(client.post("/user/email/unbind", data={"new_email": TAKEN}))
    accepted(client.post("/user/email/resend", data={"side": "new"}))
    told = [mail for mail in outbox() if mail["to"] == TAKEN and WANTED in mail["text"]]
    assert len(told) == 2 and not any("验证码：" in mail["text"] for mail in told)


def test_a_free_address_becomes_the_accounts_with_its_code(signed_in, code_to, outbox):
    client = signed_in("ning", email="first@example.com")
    accepted(client.post("/user/email/new", data={"email": FREE}))
    assert client.get("/user/info").json["data"]["email"] == "first@example.com"
    accepted(client.post("/user/email/bind", data={"captcha": code_to(FREE)}))
    assert accepted(client.get("/user/email/status")) == {"email": FREE, "status": 1}
    assert any(mail["to"] == "first@example.com" and "f***@example.com" in mail["text"] for mail in outbox())


def test_an_address_that_somebody_got_meanwhile_is_not_taken_away(app, signed_in, code_to, make_user):
    client = signed_in("ning", phone="13800138000")
    accepted(client.post("/user/email/new", data={"email": FREE}))
    code = code_to(FREE)
    make_user("quick", email=FREE)
    assert refused(client.post("/user/email/bind", data={"captcha": code})) == 10809
    assert client.get("/user/info").json["data"]["email"] is None


def test_the_page_of_an_address_that_is_waited_for(signed_in, code_to):
    browser = signed_in("ning", Browser, phone="13800138000")
    assert browser.post("/user/email/new", data={"email": FREE}).status_code == 303
    page = browser.get("/user/email").get_data(as_text=True)
    assert FREE in page and "未验证" in page
    assert browser.post("/user/email/bind", data={"captcha": code_to(FREE)}).status_code == 303
    assert "已验证" in browser.get("/user/email").get_data(as_text=True)


def test_giving_up_the_phone_needs_more_than_an_address_that_is_waited_for(signed_in):
    client = signed_in("ning", phone="13800138000")
    assert client.post("/user/info", data={"phone": "", "email": FREE}).json["code"] == 10010
    assert client.login("13800138000", PASSWORD).json["status"]
