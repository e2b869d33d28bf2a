"""What operators do to an account: it takes effect at once, once, and leaves an event that says who did it."""

from __future__ import annotations

import pytest

from tests.conftest import PASSWORD
from userapp import accounts
from userapp.errors import NotFound
from userapp.extensions import db
from userapp.models import AuditEvent, Code, Credential, User


@pytest.fixture
def done_to(app):
    """Do one of the verbs to an account."""

    def do(verb, *args):
        with app.app_context():
            return getattr(accounts, verb)(*args)

    return do


def latest(app):
    with app.app_context():
        event = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
        return event.event, event.user_id, event.actor_id, event.detail


def test_a_disabled_account_is_out_at_once_and_back_when_enabled(app, client, signed_in, token_of, done_to):
    person, token = signed_in(), token_of()
    user_id = person.get("/user/info").json["data"]["id"]
    assert done_to("disable", user_id, accounts.OPERATOR)
    assert latest(app) == ("disable", user_id, 0, {"before": {"disabled": False}, "after": {"disabled": True}})
    assert person.get("/user/info").json["code"] == -2
    assert client.get("/user/info", headers={"token": token}).json["code"] == -2
    assert client.login("ning").json["code"] == 10109
    assert not done_to("disable", user_id, accounts.OPERATOR)
    assert done_to("enable", user_id, 7) and latest(app)[2] == 7
    assert person.get("/user/info").json["code"] == -2, "what ended stays ended"
    assert client.login("ning", PASSWORD).json["status"]


def test_a_change_of_type_signs_in_anew(app, signed_in, done_to):
    person = signed_in()
    user_id = person.get("/user/info").json["data"]["id"]
    assert done_to("set_type", user_id, "teacher", accounts.OPERATOR)
    assert person.get("/user/info").json["code"] == -2
    assert not done_to("set_type", user_id, "teacher", accounts.OPERATOR)
    assert latest(app)[3] == {"before": {"user_type": "student"}, "after": {"user_type": "teacher"}}
    with pytest.raises(ValueError, match="student, teacher, admin"):
        done_to("set_type", user_id, "root", accounts.OPERATOR)


def test_ending_everything_ends_sessions_tokens_and_codes_of_that_account_only(app, signed_in, done_to):
    person, other = signed_in("ning"), signed_in("other")
    user_id = person.get("/user/info").json["data"]["id"]
    assert done_to("end_everything", user_id, accounts.OPERATOR) == 2
    assert person.get("/user/info").json["code"] == -2 and other.get("/user/info").json["status"]
    with app.app_context():
        assert db.session.query(Credential).filter_by(user_id=user_id).count() == 0
        assert db.session.query(Code).filter_by(user_id=user_id).count() == 0


def test_a_removed_account_is_gone_and_its_number_is_not_given_again(app, client, signed_in, make_user, done_to):
    person = signed_in()
    user_id = person.get("/user/info").json["data"]["id"]
    done_to("remove", user_id, accounts.OPERATOR)
    assert person.get("/user/info").json["code"] == -2
    assert client.login("ning").json["msg"] == "无此用户"
    assert make_user("ning")["id"] > user_id
    with app.app_context():
        assert db.session.get(User, user_id) is None


@pytest.mark.parametrize(
    "verb,more", [("disable", ()), ("enable", ()), ("set_type", ("admin",)), ("end_everything", ()), ("remove", ())]
)
def test_nobody_is_not_found(done_to, verb, more):
    with pytest.raises(NotFound):
        done_to(verb, 404, *more, accounts.OPERATOR)
