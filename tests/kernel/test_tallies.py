"""Counts by the hour: kept in memory, added up in the database, never lost to a failure of it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from userapp import tallies
from userapp.errors import MailNotSent
from userapp.extensions import db
from userapp.models import Tally, now


@pytest.fixture
def counts(app):
    """What stands in the database after this process added its own, summed over the hours."""
    app.extensions["userapp.courier"].stop()

    def look():
        with app.app_context():
            tallies.flush()
            found: dict[str, int] = {}
            for (_hour, name), times in tallies.since(now() - timedelta(days=2)).items():
                found[name] = found.get(name, 0) + times
            return found

    return look


def test_what_happens_is_counted(client, make_user, counts):
    make_user("ning")
    client.login("ning")
    client.login("ning", "wrong-password-1")
    client.login("ning", captcha="WRONG")
    found = counts()
    assert found["register.ok"] == found["sign_in.ok"] == found["sign_in.refused"] == found["captcha.failed"] == 1
    assert found["captcha.ok"] == 3


def test_a_mail_that_fails_is_counted_as_one(app, counts):
    from userapp import delivery

    app.config["PLUGINS"] = [name for name in app.config["PLUGINS"] if name != "userapp.devtools"]
    with app.app_context(), pytest.raises(MailNotSent):
        delivery.send_mail("a@example.com", "subject", "text", "html")
    assert counts()["mail.failed"] == 1


def test_hours_are_kept_apart_and_added_to(app, counts):
    with app.app_context():
        for hours in (0, 1, 1):
            with time_machine.travel(now() - timedelta(hours=hours), tick=False):
                tallies.count("x")
                tallies.flush()
        assert sorted(row.times for row in db.session.query(Tally)) == [1, 2]


def test_threads_lose_nothing(app, counts):
    def work():
        with app.app_context():
            for _ in range(500):
                tallies.count("x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts()["x"] == 2000


def test_what_could_not_be_written_is_kept(app, counts, monkeypatch):
    def away(_taken):
        raise OperationalError("away", None, Exception())

    with app.app_context():
        tallies.count("x")
        with monkeypatch.context() as broken:
            broken.setattr(tallies, "_store", away)
            with pytest.raises(OperationalError):
                tallies.flush()
    assert counts()["x"] == 1
