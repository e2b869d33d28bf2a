"""`flask users …`: accounts made, shown, disabled, and what they are signed in with ended."""

from __future__ import annotations

from datetime import timedelta

import time_machine

from tests.conftest import PASSWORD
from userapp import messages
from userapp.extensions import db
from userapp.models import AuditEvent, Message, User, now


def event(app):
    with app.app_context():
        found = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
        return found.event, found.user_id, found.actor_id


def test_there_is_no_account_before_somebody_makes_one(app):
    with app.app_context():
        assert db.session.query(User).count() == 0


def test_a_made_account_cannot_be_signed_in_to_before_its_link_was_used(app, client, told):
    made = told("users", "create", "boss", "--admin", "--email", "Boss@Example.com")
    assert made["link"].startswith("http://localhost/user/setup?link=")
    assert client.login("boss", "").json["status"] is False and client.login("boss", PASSWORD).json["code"] == 10101
    shown = told("users", "show", "boss")
    assert (shown["user_type"], shown["email"], shown["has_password"]) == ("admin", "boss@example.com", False)
    assert [one["event"] for one in shown["events"]][-2:] == ["start_reset", "register"]


def test_what_is_printed_for_people_holds_the_link_once(run):
    lines = run("users", "create", "boss").stdout.splitlines()
    assert "no password" in lines[0] and "24 hours" in lines[1] and lines[2].startswith("http://localhost/user/setup")


def test_a_name_that_is_taken_or_malformed_is_refused_in_one_line(run, make_user):
    make_user("ning", email="ning@example.com")
    for args, words in (
        (["Ning"], "case or width"),
        (["ning"], "uname belongs to account"),
        (["13812345678"], "uname must be"),
        (["other", "--email", "ning@example.com", "--phone", "12"], "phone must be"),
        (["other", "--uid", "13812345678"], "uid must be"),
    ):
        result = run("users", "create", *args, status=1)
        assert words in result.stderr and len(result.stderr.splitlines()) == 1


def test_an_account_is_found_by_each_of_its_names(told, make_user):
    user = make_user("ning", email="ning@example.com", phone="13812345678")
    for who in ("NING", user["uid"], "138 1234 5678", "Ning@Example.com", f"id:{user['id']}"):
        assert told("users", "show", who)["id"] == user["id"]


def test_nobody_is_one_line(run):
    for command in ("show", "disable", "enable", "link"):
        assert run("users", command, "nobody", status=1).stderr == "Error: there is no such account\n"


def test_disabling_ends_the_session_and_enabling_lets_sign_in_again(app, client, told, signed_in):
    person = signed_in()
    assert told("users", "disable", "ning")["changed"]
    assert event(app) == ("disable", 1, 0)
    assert person.get("/user/info").json["code"] == -2 and client.login("ning").json["code"] == 10109
    assert not told("users", "disable", "ning")["changed"]
    assert told("users", "enable", "ning")["changed"] and client.login("ning").json["status"]


def test_somebody_becomes_an_administrator(app, told, signed_in):
    person = signed_in()
    assert told("users", "type", "ning", "admin")["changed"] and not told("users", "type", "ning", "admin")["changed"]
    assert person.get("/user/info").json["code"] == -2, "who may do more signs in anew"
    assert told("users", "show", "ning")["user_type"] == "admin"


def test_a_removed_account_is_gone_and_a_person_is_asked_first(app, run, client, make_user):
    make_user()
    with app.app_context():
        asked = app.test_cli_runner().invoke(args=["users", "remove", "ning"], input="n\n")
    assert asked.exit_code == 1 and "Delete account 1 (ning)?" in asked.stderr
    assert client.login("ning").json["status"]
    assert run("users", "remove", "ning", "--yes").stdout == "account 1 (ning) is deleted\n"
    assert client.login("ning").json["msg"] == "无此用户"
    run("users", "remove", "ning", "--yes", status=1)


def test_the_list_is_paged_and_filtered(told, run, make_user):
    for name in ("ann", "ben", "cem"):
        make_user(name)
    told("users", "disable", "ben")
    first = told("users", "list", "--limit", "2")
    assert [user["uname"] for user in first["users"]] == ["ann", "ben"]
    assert [user["uname"] for user in told("users", "list", "--after", str(first["after"]))["users"]] == ["cem"]
    assert [user["uname"] for user in told("users", "list", "--disabled")["users"]] == ["ben"]
    assert told("users", "list", "--type", "admin") == {"users": [], "after": None}
    assert "ben\tstudent\tben@example.com\t-\tdisabled" in run("users", "list").stdout


def test_no_command_prints_a_hash(app, run, told, make_user):
    make_user()
    with app.app_context():
        stored = db.session.query(User.password_hash).scalar()
    for args in (["list"], ["show", "ning"], ["export", "-"]):
        assert stored not in run("users", *args).output and "argon2" not in run("users", *args).output


def test_sessions_of_one_account_or_of_all_are_ended(told, run, signed_in):
    ann, ben = signed_in("ann"), signed_in("ben")
    assert told("users", "sessions", "end", "ann") == {"ended": 2}
    assert ann.get("/user/info").json["code"] == -2 and ben.get("/user/info").json["status"]
    assert told("users", "sessions", "end", "--all") == {"ended": 2}
    assert ben.get("/user/info").json["code"] == -2
    assert run("users", "sessions", "end", status=2) and run("users", "sessions", "end", "ann", "--all", status=2)


def test_a_message_that_waits_for_long_is_sent_now_and_one_that_may_be_on_its_way_is_not(app, told, make_user, outbox):
    make_user()
    before = len(outbox())
    with app.app_context():
        user = db.session.query(User).one()
        for _message in range(2):
            messages.queue_notice(user, user.email, "密码已更改", "您账号的密码刚刚被更改。")
        db.session.info.pop("messages_waiting")
        db.session.flush()
        waiting = db.session.query(Message).filter_by(done="").all()
        waiting[0].next_try_at, waiting[1].next_try_at = now() + messages.lease() * 20, now() + messages.lease() / 2
        db.session.commit()
    assert told("users", "messages", "retry") == {"sent": 1, "waiting": 1}
    assert len(outbox()) == before + 1


def test_purging_is_at_hand_here_too(told, signed_in):
    signed_in()
    with time_machine.travel(now() + timedelta(hours=2), tick=False):
        assert told("users", "purge")["spent_challenges"] == 2
