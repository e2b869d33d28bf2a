"""What administrators do to an account: it takes effect at once and leaves who, what, before and after."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from sqlalchemy import select

from tests.conftest import Browser, Json
from userapp import accounts
from userapp.admin import services
from userapp.errors import NotAllowed
from userapp.extensions import db
from userapp.models import AuditEvent, Message, User

ME, NING = 1, 2
USERS = (User.id, User.generation)


@pytest.fixture
def ning(admin, signed_in):
    """Somebody with a session; the administrator is 1, they are 2."""
    return signed_in("ning", email="ning@example.com")


@pytest.fixture
def latest(app):
    """The last event: (name, actor, target, before, after)."""

    def look():
        with app.app_context():
            row = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
            return row.event, row.actor_id, row.user_id, row.detail.get("before"), row.detail.get("after")

    return look


@pytest.fixture
def act(admin):
    """Do something to ning; returns the reply."""
    return lambda action, user_id=NING, **fields: admin.post(f"/admin/users/{user_id}/{action}", data=fields)


def test_a_disabled_account_is_out_at_once_and_back_when_enabled(client, ning, token_of, act, latest):
    headers = {"token": token_of("ning")}
    reply = act("disable")
    assert (reply.status_code, reply.json["msg"], reply.json["data"]["disabled"]) == (200, "账号已停用", True)
    assert latest() == ("disable", ME, NING, {"disabled": False}, {"disabled": True})
    assert ning.get("/user/info").json["code"] == client.get("/user/info", headers=headers).json["code"] == -2
    assert client.login("ning").json["code"] == 10109
    assert not act("enable").json["data"]["disabled"]
    assert latest() == ("enable", ME, NING, {"disabled": True}, {"disabled": False})
    assert client.login("ning").json["status"]


def test_ending_one_session_or_all(app, admin, client, ning, token_of, act, latest):
    headers = {"token": token_of("ning")}
    listed = admin.get(f"/admin/users/{NING}").json["data"]["credentials"]
    token = next(item["public_id"] for item in listed if item["kind"] == "token")
    assert act("sessions", end=token).json["status"]
    assert latest()[:3] == ("end_credential", ME, NING)
    assert not client.get("/user/info", headers=headers).json["status"]
    assert ning.get("/user/info").json["status"]
    assert act("sessions", end=token).status_code == 404
    assert act("sessions").json["status"]
    assert latest()[:3] == ("end_everything", ME, NING)
    assert not ning.get("/user/info").json["status"]
    assert admin.get(f"/admin/users/{NING}").json["data"]["credentials"] == []


def test_a_session_of_somebody_else_is_not_ended_by_the_way(admin, ning, make_admin, act):
    other = make_admin("other")
    listed = admin.get("/admin/users/3").json["data"]["credentials"]
    assert act("sessions", end=listed[0]["public_id"]).status_code == 404
    assert other.get("/user/info").json["status"]


def test_a_reset_voids_the_password_and_its_owner_sets_the_next(app, client, ning, act, latest, outbox):
    assert act("reset").json["status"]
    assert latest() == ("start_reset", ME, NING, {"password": True}, {"password": False})
    assert not ning.get("/user/info").json["status"]
    assert client.login("ning").json["code"] == 10101
    mail = next(one for one in outbox() if "重新设置密码" in one["subject"])
    assert mail["to"] == "ning@example.com" and "http://localhost/user/reset" in mail["text"]
    client.post("/user/reset", data={"email": "ning@example.com", "captcha": client.captcha()})
    code = next(one["text"] for one in outbox() if "找回密码" in one["subject"]).split("验证码：")[1][:6]
    new = {"code": code, "captcha": client.captcha(), "new_password": "battery-staple-7"}
    assert client.post("/user/reset", data=new).json["status"]
    assert client.login("ning", "battery-staple-7").json["status"]


def test_an_account_nobody_can_write_to_is_not_reset(app, ning, act):
    with app.app_context():
        db.session.get_one(User, NING).email = None
        db.session.commit()
    assert (act("reset").status_code, act("reset").json["code"]) == (422, 10010)
    assert ning.get("/user/info").json["status"]


def test_no_reply_holds_a_password_or_a_key(app, admin, ning, act):
    with app.app_context():
        stored = db.session.get_one(User, NING).password_hash
    for reply in (
        act("reset"),
        admin.get(f"/admin/users/{NING}"),
        admin.get("/admin/users"),
        admin.get("/admin/events"),
    ):
        assert "password_hash" not in reply.text and stored not in reply.text and "argon2" not in reply.text


def test_account_number_and_real_name(client, ning, act, latest):
    assert act("uid", uid=" ２０２１-A.7 ").json["data"]["uid"] == "2021-A.7"
    assert latest() == ("set_uid", ME, NING, {"uid": "2"}, {"uid": "2021-A.7"})
    assert act("name", name="张三").json["data"]["name"] == "张三"
    assert latest() == ("set_name", ME, NING, {"name": ""}, {"name": "张三"})
    assert ning.get("/user/info").json["data"]["name"] == "张三", "these end no session"
    login = {"uid": "2021-A.7", "password": "correct-horse-9", "captcha": client.captcha()}
    assert client.post("/user/login", data=login).json["status"]


def test_a_number_or_name_that_is_none_or_somebody_has(ning, act):
    for uid in ("", "a b", "x" * 31, "a@b.cn", "13800138000", "a\x01b", "名/字", "%"):
        assert (act("uid", uid=uid).status_code, act("uid", uid=uid).json["code"]) == (422, 12000), uid
    assert (act("uid", uid="1").status_code, act("uid", uid="1").json["code"]) == (409, 12001)
    for name in ("x" * 61, "a\nb"):
        assert act("name", name=name).json["code"] == 12003


def test_a_type_ends_what_was_signed_in(ning, act, latest):
    assert act("user_type", user_type="teacher").json["data"]["user_type"] == "teacher"
    assert latest() == ("set_type", ME, NING, {"user_type": "student"}, {"user_type": "teacher"})
    assert not ning.get("/user/info").json["status"]
    assert act("user_type", user_type="root").json["code"] == 12004


def test_verifying_the_address_one_saw(app, ning, act, latest):
    assert act("verify_email", email="old@example.com").json["code"] == 12006
    assert act("verify_email", email="ning@example.com").json["data"]["email_verified"]
    assert latest() == ("verify_email", ME, NING, {"verified": False}, {"verified": True})
    assert act("verify_email", email="ning@example.com").status_code == 409
    assert act("verify_email").json["code"] == 12006


def test_deleting_takes_everything_but_that_it_was(app, admin, client, ning, act, latest):
    assert act("delete", uname="somebody").json["code"] == 12005
    assert act("delete", uname="ning").json == {"status": True, "code": 0, "msg": "账号已删除", "data": None}
    assert latest() == ("remove", ME, NING, {"user_type": "student", "disabled": False}, None)
    assert not ning.get("/user/info").json["status"]
    assert client.login("ning").json["code"] == 10100
    assert admin.get(f"/admin/users/{NING}").status_code == 404
    assert act("disable").status_code == 404
    with app.app_context():
        assert db.session.query(Message).filter_by(recipient="ning@example.com").count() == 1, "the farewell"
        events = db.session.query(AuditEvent).filter_by(user_id=NING, actor_id=NING).all()
        assert events and not any(row.address or row.detail for row in events)


def test_the_picture_goes_with_the_account(app, client, ning, act):
    data = io.BytesIO()
    Image.new("RGB", (200, 200), "red").save(data, "PNG")
    data.seek(0)
    url = ning.post("/user/avatar", data={"avatar": (data, "me.png")}).json["data"]["avatar"]
    files = Path(app.instance_path, "avatar").rglob(f"{NING}.png")
    assert client.get(url).status_code == 200 and list(files)
    act("disable")
    assert client.get(url).status_code == 404
    act("delete", uname="ning")
    assert client.get(url).status_code == 404
    assert not list(Path(app.instance_path, "avatar").rglob(f"{NING}.png"))


def test_nobody_shuts_themselves_out(admin, act):
    for action in ("disable", "reset", "sessions", "user_type", "delete"):
        reply = act(action, user_id=ME, uname="root", user_type="student")
        assert (reply.status_code, reply.json["code"]) == (409, 12002), action
    assert admin.get("/user/info").json["data"]["user_type"] == "admin"


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_of_two_who_demote_each_other_one_remains(request, make_app, database):
    uri = request.getfixturevalue("fresh_postgresql") if database == "postgresql" else ""
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    app.test_client_class = Json
    for uname in ("first", "second"):
        assert app.test_client().register(uname, email=f"{uname}@example.com").json["status"]
    with app.app_context():
        for user_id in (1, 2):
            accounts.set_type(user_id, "admin", accounts.OPERATOR)
        callers = {row.id: SimpleNamespace(user_id=row.id, user=row) for row in db.session.execute(select(*USERS))}
    ready, verdicts = threading.Barrier(2), []

    def demote(me, other):
        with app.app_context():
            ready.wait(30)
            try:
                services.set_type(callers[me], other, "student")
                verdicts.append("done")
            except NotAllowed:
                verdicts.append("refused")

    threads = [threading.Thread(target=demote, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdicts) == ["done", "refused"]
    with app.app_context():
        assert db.session.query(User).filter_by(user_type="admin").count() == 1


def test_an_action_needs_the_csrf_token_of_a_page(make_admin, make_user):
    make_user("ning")
    browser = make_admin("root", kind=Browser)
    assert browser.post("/admin/users/1/disable", csrf=False).status_code == 403
    assert browser.post("/admin/users/1/disable", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    found = browser.get("/admin/users/1", headers={"Accept": "application/json"}).json["data"]
    assert not found["user"]["disabled"]
