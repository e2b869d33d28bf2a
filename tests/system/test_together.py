"""Several processes at once: migrations run once, purging is done by one, limits hold over every edge."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from tests.servers import ROOT
from userapp import create_app
from userapp.auth import guesses
from userapp.errors import AppError
from userapp.extensions import db, writing
from userapp.models import SpentChallenge, now
from userapp.purge import purge
from userapp.turns import turn

SETTINGS = {"SECRET_KEY": "s" * 40, "BASE_URL": "http://localhost", "TRUSTED_HOSTS": "localhost"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def both(request, make_app):
    """An application with its tables, on each database."""
    uri = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else ""
    return make_app(SQLALCHEMY_DATABASE_URI=uri, ADDRESS_LIMITS=True)


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_two_nodes_that_start_at_once_migrate_once(database, request, tmp_path):
    uri = request.getfixturevalue("fresh_postgresql") if database == "postgresql" else ""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("USERAPP_")}
    environment |= {f"USERAPP_{key}": value for key, value in SETTINGS.items()}
    environment |= {"USERAPP_INSTANCE": str(tmp_path), "USERAPP_SQLALCHEMY_DATABASE_URI": uri}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    nodes = [subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [node.communicate(timeout=120)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0] * 2, told
    assert sum("Running upgrade  -> 0001" in said for said in told) == 1, told
    app = create_app({**SETTINGS, "INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": uri, "TRUSTED_HOSTS": ["localhost"]})
    with app.app_context():
        assert db.session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
        db.session.remove()
        db.engine.dispose()


def test_one_has_the_turn_and_the_others_do_not_wait(both):
    with both.app_context():
        with turn(db.engine, "purge") as first, turn(db.engine, "purge") as second, turn(db.engine, "other") as other:
            assert (first, second, other) == (True, False, True)
            assert purge() == {}
        with turn(db.engine, "purge") as again:
            assert again


def test_who_waits_has_the_turn_next(both):
    order = []

    def second():
        with both.app_context(), turn(db.engine, "migration", wait=True) as mine:
            order.append(("second", mine))

    with both.app_context(), turn(db.engine, "migration", wait=True):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        order.append(("first", True))
    waiting.join(30)
    assert order == [("first", True), ("second", True)]


def test_purging_takes_many_rows_in_short_transactions(both, monkeypatch):
    monkeypatch.setattr("userapp.purge.BATCH", 10)
    with both.app_context():
        old, new = now() - timedelta(days=1), now() + timedelta(days=1)
        db.session.add_all([SpentChallenge(nonce=str(i), expires_at=new if i % 5 == 0 else old) for i in range(50)])
        db.session.commit()
        assert purge(thorough=False)["spent_challenges"] == 40
        assert db.session.query(SpentChallenge).count() == 10
        db.session.remove()


def granted(number, network="203.0.113.9", known=False):
    """How many of so many guesses, each on an account of its own, are let through."""
    count = 0
    for _ in range(number):
        try:
            guesses.charge(os.urandom(8).hex(), network, known)
        except AppError:
            continue
        count += 1
    return count


def test_no_five_minutes_hold_more_than_thirty_guesses_of_an_address(both):
    with both.app_context(), time_machine.travel(300 * 10**6 + 290, tick=False) as clock:
        assert granted(40) == 30
        clock.shift(20)  # over the edge of a window
        assert granted(40) == 0
        clock.shift(300)
        assert granted(40) == 30
        clock.shift(600)
        for _ in range(20):  # one a minute is never held against anybody
            clock.shift(60)
            assert granted(1) == 1


def test_the_service_takes_a_thousand_guesses_and_known_devices_go_on(make_app, make_user):
    app = make_app(ADDRESS_LIMITS=True, ALL_LOGIN_TRIES=12)
    with app.app_context(), time_machine.travel(300 * 10**6, tick=False) as clock:
        assert sum(granted(1, f"198.51.100.{i}") for i in range(20)) == 12
        assert granted(1, "198.51.100.200", known=True) == 1
        clock.shift(301)
        assert granted(1) == 1
        for i in range(30):  # right passwords cost nothing
            assert granted(1, f"198.51.100.{i}") == 1
            with writing() as connection:
                guesses.succeed(connection, f"198.51.100.{i}")
