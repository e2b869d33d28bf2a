"""Flask-Security as a production service would be tuned: no roles joined, nothing tracked, one hash scheme."""

from __future__ import annotations

import os
import sqlite3
import sys
import uuid
from typing import Any

import people
from flask import Flask, Response, jsonify
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event, insert, text

app = Flask(__name__)
app.config.update(
    SECRET_KEY="s" * 40,
    SECURITY_PASSWORD_SALT="1" * 40,
    SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"),
    SECURITY_PASSWORD_SCHEMES=["argon2"],
    SECURITY_PASSWORD_HASH="argon2",
    SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
    SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
        "argon2__time_cost": people.PASSES,
        "argon2__memory_cost": people.MEMORY_KIB,
        "argon2__parallelism": people.LANES,
    },
    SECURITY_JOIN_USER_ROLES=False,
    SECURITY_TRACKABLE=False,
    SECURITY_REGISTERABLE=True,
    SECURITY_SEND_REGISTER_EMAIL=False,
    SECURITY_USE_REGISTER_V2=True,
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    WTF_CSRF_ENABLED=False,  # a JSON API, as userapp's callers here are
    SESSION_REFRESH_EACH_REQUEST=False,
)
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    """Flask-Security's own model."""


class User(db.Model, fsqla.FsUserMixin):
    """Flask-Security's own model, with the name the answer tells."""

    uname = db.Column(db.String(30), unique=True)


with app.app_context():

    @event.listens_for(db.engine, "connect")
    def set_up(raw: Any, _record: Any) -> None:
        """SQLite as everybody has it here."""
        if isinstance(raw, sqlite3.Connection):
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA synchronous=NORMAL")


security = Security(app, SQLAlchemyUserDatastore(db, User, Role))


@app.get("/me")
@auth_required("token", "session")
def me() -> Response:
    """Who am I."""
    return jsonify(people.answer(current_user.id, current_user.uname, current_user.email))


def seed(count: int) -> None:
    """Make the accounts."""
    with app.app_context():
        db.create_all()
        for start in range(1, count + 1, 10000):
            numbers = range(start, min(start + 10000, count + 1))
            rows = [
                {
                    "id": n, "uname": people.name(n), "email": people.address(n), "password": people.HASH,
                    "active": True, "fs_uniquifier": uuid.uuid4().hex, "fs_token_uniquifier": uuid.uuid4().hex,
                }
                for n in numbers
            ]  # fmt: skip
            db.session.execute(insert(User), rows)
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("SELECT setval(pg_get_serial_sequence('\"user\"', 'id'), :last)"), {"last": count})
        db.session.commit()


if __name__ == "__main__":
    seed(int(sys.argv[1]))
