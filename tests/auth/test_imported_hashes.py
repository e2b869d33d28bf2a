"""Passwords of other systems: each kind signs its owner in once, and is argon2id from then on."""

from __future__ import annotations

import base64
import hashlib

import bcrypt
import pytest
from werkzeug.security import generate_password_hash

from tests.conftest import PASSWORD, Json
from userapp import passwords
from userapp.extensions import db
from userapp.models import User


def django(password: str) -> str:
    """A hash as Django writes it (PBKDF2PasswordHasher)."""
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"seasalt", 1000)
    return f"pbkdf2_sha256$1000$seasalt${base64.b64encode(digest).decode()}"


KINDS = {
    "django-pbkdf2": django,
    "werkzeug-scrypt": lambda p: generate_password_hash(p, "scrypt:1024:8:1"),
    "werkzeug-pbkdf2": lambda p: generate_password_hash(p, "pbkdf2:sha256:1000"),
    "bcrypt": lambda p: bcrypt.hashpw(p.encode(), bcrypt.gensalt(4)).decode(),
    "md5": lambda p: hashlib.md5(p.encode()).hexdigest(),
    "sha1": lambda p: hashlib.sha1(p.encode()).hexdigest(),
    "sha256": lambda p: hashlib.sha256(p.encode()).hexdigest(),
}


@pytest.fixture
def imported(app, make_user):
    """Give ning the hash another system had."""
    make_user()

    def give(kind, password=PASSWORD):
        with app.app_context():
            bare = KINDS[kind](password)
            user = db.session.query(User).filter_by(uname="ning").one()
            user.password_hash = passwords.wrap_legacy(bare)
            db.session.commit()
        return bare

    return give


@pytest.fixture
def stored(app):
    """The hash ning has now."""

    def look():
        with app.app_context():
            return db.session.query(User.password_hash).filter_by(uname="ning").scalar()

    return look


@pytest.mark.parametrize("kind", KINDS)
def test_an_imported_hash_verifies_and_is_hashed_anew(app, client, imported, stored, kind):
    bare = imported(kind)
    if kind in ("md5", "sha1", "sha256"):
        assert bare not in stored(), "a bare digest must not be stored"
    before = stored()
    assert client.login("ning", "wrong-wrong").json["msg"] == "密码错误"
    assert stored() == before
    assert client.login("ning", PASSWORD).json["msg"] == "登录成功"
    after = stored()
    assert after.startswith("$argon2id$") and after != before
    assert client.login("ning", PASSWORD).json["status"] and stored() == after
    assert client.login("ning", "wrong-wrong").json["msg"] == "密码错误"


@pytest.mark.parametrize("kind", KINDS)
def test_an_imported_hash_is_enough_to_change_the_password(app, client, imported, stored, kind):
    assert client.login("ning").json["status"]
    imported(kind)
    reply = client.post("/user/password", data={"old_password": PASSWORD, "new_password": "another-horse-7"})
    assert reply.json["msg"] == "成功地修改了密码" and stored().startswith("$argon2id$")


def test_a_change_during_the_first_sign_in_is_not_undone_by_the_new_hash(app, client, imported, stored, monkeypatch):
    imported("django-pbkdf2")
    new = "$argon2id$new"

    def changed_meanwhile(_password):
        with app.app_context(), db.engine.begin() as connection:
            values = {"password_hash": new, "generation": User.generation + 1}
            connection.execute(db.update(User).where(User.uname == "ning").values(values))
        return "$argon2id$old-password"

    monkeypatch.setattr(passwords, "hash_password", changed_meanwhile)
    client.login("ning")
    assert stored() == new
    assert client.get("/user/info").json["code"] == -2, "what was issued on the old password must be dead"


def test_a_password_beyond_bcrypts_72_bytes_is_one_of_ours_after_the_first_sign_in(make_app):
    app = make_app(PASSWORD_MAX=128)
    app.test_client_class = Json
    client, long = app.test_client(), "Long-horse-" + "x" * 70
    client.register("ning", long, email="ning@example.com")
    with app.app_context():
        user = db.session.query(User).filter_by(uname="ning").one()
        user.password_hash = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
        db.session.commit()
    assert client.login("ning", long).json["status"]
    assert client.login("ning", long[:-1]).json["msg"] == "密码错误"
