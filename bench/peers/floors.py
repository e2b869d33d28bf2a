"""Bare floors: what Flask, one SELECT and one password hash cost with nothing around them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import people
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask, Response, jsonify, request, session
from nacl.pwhash import argon2id
from sqlalchemy import bindparam, create_engine, event, insert, select

URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
app = Flask(__name__)
app.secret_key = "s" * 40
engine = create_engine(URL)
tables = sa.MetaData()
users = sa.Table(
    "users",
    tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uname", sa.String(30), unique=True),
    sa.Column("email", sa.String(254), unique=True),
    sa.Column("password_hash", sa.String(512)),
    sa.Column("disabled", sa.Boolean),
)
sessions = sa.Table(
    "sessions",
    tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key_hash", sa.LargeBinary(32), unique=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), index=True),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
)
FIND = (
    select(users.c.id, users.c.uname, users.c.email, users.c.disabled)
    .join_from(sessions, users)
    .where(sessions.c.key_hash == bindparam("key_hash"), sessions.c.expires_at > bindparam("now"))
)
RAW = (
    "SELECT u.id, u.uname, u.email, u.disabled FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.key_hash = {0}"
)
hasher = PasswordHasher(people.PASSES, people.MEMORY_KIB, people.LANES)
own = threading.local()


@event.listens_for(engine, "connect")
def set_up(raw: Any, _record: Any) -> None:
    """SQLite as everybody has it here."""
    if isinstance(raw, sqlite3.Connection):
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=NORMAL")


def key_hash() -> bytes:
    """What the session cookie's key is stored as."""
    return hashlib.sha256(session["key"].encode()).digest()


@app.get("/constant")
def constant() -> Response:
    """The same bytes for everybody."""
    return jsonify(people.answer(1, "user0000001", "user0000001@example.com"))


@app.get("/core")
def core() -> Response:
    """Cookie, one SELECT by SQLAlchemy Core."""
    with engine.connect() as connection:
        row = connection.execute(FIND, {"key_hash": key_hash(), "now": datetime.now(UTC)}).one()
    return jsonify(people.answer(row.id, row.uname, row.email))


@app.get("/raw")
def raw() -> Response:
    """Cookie, one SELECT by the driver on a connection of the thread's own."""
    if not hasattr(own, "cursor"):
        pooled = engine.raw_connection()
        pooled.detach()
        if engine.dialect.name == "postgresql":
            pooled.dbapi_connection.autocommit = True
        own.connection, own.cursor = pooled, pooled.cursor()
        own.text = RAW.format("%s" if engine.dialect.name == "postgresql" else "?")
    own.cursor.execute(own.text, (key_hash(),))
    number, uname, email, _disabled = own.cursor.fetchone()
    return jsonify(people.answer(number, uname, email))


@app.post("/hash")
def hash_only() -> Response:
    """One argon2id verification and nothing else."""
    hasher.verify(people.HASH, request.form["password"])
    return jsonify(people.answer(1, "user0000001", "user0000001@example.com"))


@app.post("/make-hash")
def make_hash() -> Response:
    """One argon2id hash and nothing else."""
    hasher.hash(request.form["password"])
    return jsonify(people.answer(1, "user0000001", "user0000001@example.com"))


@app.post("/libsodium/hash")
def libsodium_hash_only() -> Response:
    """The same by libsodium, as userapp has it computed."""
    argon2id.verify(people.HASH.encode(), request.form["password"].encode())
    return jsonify(people.answer(1, "user0000001", "user0000001@example.com"))


@app.post("/libsodium/make-hash")
def make_libsodium_hash() -> Response:
    """One argon2id hash by libsodium."""
    argon2id.str(request.form["password"].encode(), people.PASSES, people.MEMORY_KIB * 1024)
    return jsonify(people.answer(1, "user0000001", "user0000001@example.com"))


@app.post("/enter")
def enter() -> Response:
    """A session cookie without questions asked."""
    session["key"] = request.form["user"] * 4
    return jsonify({"status": True})


def seed(count: int) -> None:
    """Make the accounts, each with a session."""
    tables.create_all(engine)
    later = datetime.now(UTC) + timedelta(days=9)
    with engine.begin() as connection:
        for start in range(1, count + 1, 10000):
            numbers = range(start, min(start + 10000, count + 1))
            made = [{"id": n, "uname": people.name(n), "email": people.address(n)} for n in numbers]
            connection.execute(insert(users), [row | {"password_hash": people.HASH, "disabled": False} for row in made])
            keys = [(n, hashlib.sha256((people.name(n) * 4).encode()).digest()) for n in numbers]
            rows = [{"user_id": n, "key_hash": key, "expires_at": later} for n, key in keys]
            connection.execute(insert(sessions), rows)


if __name__ == "__main__":
    seed(int(sys.argv[1]))
