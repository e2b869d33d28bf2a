"""SQLite's file after many accounts grew, shrank and went: rows that it moved between pages leave no copies behind."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from userapp import accounts, removals
from userapp.extensions import db, writing
from userapp.models import AuditEvent, Message, Removal, User, now

pytestmark = pytest.mark.long
PEOPLE, GONE = 400, 40


@pytest.fixture
def app(make_app):
    """An installation on SQLite, whatever the other tests run on."""
    app = make_app(SQLALCHEMY_DATABASE_URI="")
    app.extensions["userapp.courier"].stop()
    return app


def settle(numbers, chance):
    """People whose rows have every length, with an event and a mail each."""
    for number in numbers:
        mark = f"needle{number:04d}"
        intro = f"{mark} " * chance.randint(0, 40)
        with writing() as connection:
            values = {"uname": mark, "uname_key": mark, "email": f"{mark}@example.com", "intro": intro}
            connection.execute(insert(User).values(id=number, **values))
            connection.execute(insert(AuditEvent).values(event="register", user_id=number, detail={"was": mark}))
            text = f"hello {mark} " * chance.randint(1, 200)
            mail = {"kind": "mail", "recipient": values["email"], "text": text, "expires_at": now() + timedelta(days=1)}
            connection.execute(insert(Message).values(mail))


def test_nothing_of_forty_among_four_hundred_is_in_the_file(app):
    chance = random.Random(8)  # with secure_delete alone a copy of one of them stayed
    people = range(1, PEOPLE + 1)
    with app.app_context():
        settle(people, chance)
        for _ in range(PEOPLE):
            number = chance.choice(people)
            mark = f"needle{number:04d} "
            values = {"intro": mark * chance.randint(0, 45), "name": mark * chance.randint(0, 4)}
            with writing() as connection:
                connection.execute(update(User).where(User.id == number).values(values))
        gone = chance.sample(people, GONE)
        for number in gone:
            accounts.remove(number, accounts.OPERATOR)
        with writing() as connection:  # every farewell has left
            connection.execute(update(Message).where(Message.done == "").values(done="sent", text="", html=""))
        removals.finish()
        assert db.session.execute(select(Removal.user_id)).scalars().all() == []
        db.session.remove()
    content = b"".join(path.read_bytes() for path in Path(app.instance_path).glob("userapp.sqlite*"))
    assert [number for number in gone if b"needle%04d" % number in content] == []
    assert sum(b"needle%04d@" % number in content for number in people) == PEOPLE - GONE
