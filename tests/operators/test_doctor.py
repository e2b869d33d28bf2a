"""`flask doctor` on broken configurations: each is found, alone, in one line that says what to do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from tests.servers import free_port
from userapp import create_app, passwords, revisions, start_checks
from userapp.extensions import db
from userapp.models import AuditEvent, Message, User, now

SECRET = "b7c1d94e06f2a3585d0c1f3f2a7c4bb09fe8812d"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A database file that is up to date, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    here = {"SECRET_KEY": SECRET, "BASE_URL": "http://localhost", "TRUSTED_HOSTS": ["localhost"]}
    app = create_app({"INSTANCE": folder, **here})
    with app.app_context():
        upgrade(revision="heads")
        db.session.add(User(uname="Ning", uname_key="ning", user_type="admin", password_hash="$argon2id$own"))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return folder / "userapp.sqlite"


@pytest.fixture
def gateway():
    """The port of something that answers in the place of an SMS gateway."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def sound(tmp_path, migrated, smtp_server, gateway, monkeypatch):
    """The settings of a production service that nothing is wrong with."""
    for key in [key for key in os.environ if key.startswith("USERAPP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o700)
    shutil.copy(migrated, folder / "userapp.sqlite")
    return {
        "INSTANCE": folder, "SECRET_KEY": SECRET, "BASE_URL": "https://id.example.com",
        "TRUSTED_HOSTS": ["id.example.com"], "PROXY_HOPS": 1, "SECURITY_PROFILE": "balanced",
        "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp_server.port, "MAIL_DEFAULT_SENDER": "id@example.com",
        "SMS_URL": f"webhook+http://127.0.0.1:{gateway}/sms?secret=hidden-from-everybody", "SMS_TIMEOUT": 5,
        "ARGON2_MEMORY_KIB": 8, "ARGON2_TIME": 1,
    }  # fmt: skip


@pytest.fixture
def examined(sound):
    """Run the doctor on an application with these settings; returns exit status, findings and all it printed."""
    made = []

    def examine(prepare=None, **settings):
        app = create_app({**sound, **settings})
        made.append(app)
        if prepare:
            with app.app_context():
                prepare()
                db.session.commit()
        result = app.test_cli_runner().invoke(args=["doctor", "--json"])
        return result.exit_code, json.loads(result.stdout)["findings"], result.output

    yield examine
    for app in made:
        with app.app_context():
            db.engine.dispose()


def test_nothing_is_wrong_with_a_sound_service(examined):
    status, findings, printed = examined()
    assert status == 0 and {one["verdict"] for one in findings} == {"ok"}, printed
    assert len(findings) >= 13


def add_default_administrator():
    db.session.add(
        User(uname="admin", uname_key="admin", user_type="admin", password_hash=passwords.hash_password("admin"))
    )


def add_event_of_tomorrow():
    db.session.add(AuditEvent(event="sign_in", at=now() + timedelta(days=1)))


def forget_migrations():
    db.session.remove()
    downgrade(revision="base")


BROKEN = {
    "a secret of one word": ({"SECRET_KEY": "changeme" * 5}, None, "secret", "openssl rand"),
    "a former secret of one letter": ({"SECRET_KEY_FALLBACKS": ["x" * 40]}, None, "secret", "FALLBACKS"),
    "a host that is not answered": ({"TRUSTED_HOSTS": ["other.example.com"]}, None, "hosts", "USERAPP_TRUSTED_HOSTS"),
    "no proxy beside https": ({"PROXY_HOPS": 0}, None, "proxies", "USERAPP_PROXY_HOPS"),
    "no mail server": ({"MAIL_SERVER": ""}, None, "mail", "USERAPP_MAIL_SERVER"),
    "a mail server that is away": ({"MAIL_PORT": free_port()}, None, "mail", "ConnectionRefusedError"),
    "a mail server that wants TLS": ({"MAIL_USE_TLS": True}, None, "mail", "_USE_TLS"),
    "a gateway that is away": (
        {"SMS_URL": f"webhook+http://127.0.0.1:{free_port()}/?secret=hidden-from-everybody"}, None, "sms", "firewall",
    ),
    "a gateway that is misspelt": ({"SMS_URL": "aliyum://id:key@?sign=a"}, None, "sms", "names no gateway"),
    "counters that are away": (
        {"RATELIMIT_STORAGE_URI": f"redis://127.0.0.1:{free_port()}"}, None, "limits", "RATELIMIT_STORAGE_URI",
    ),
    "no migrations": ({}, forget_migrations, "migrations", "db upgrade"),
    "a default administrator": ({}, add_default_administrator, "administrators", "users disable admin"),
    "a clock behind the events": ({}, add_event_of_tomorrow, "clock", "set the clock"),
    "no database": (
        {"SQLALCHEMY_DATABASE_URI": f"postgresql://nobody@127.0.0.1:{free_port()}/none?connect_timeout=5"}, None,
        "database", "USERAPP_SQLALCHEMY_DATABASE_URI",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found_alone_in_one_line(examined, case):
    settings, prepare, name, word = BROKEN[case]
    status, findings, printed = examined(prepare, **settings)
    (found,) = [one for one in findings if one["verdict"] == "bad"]
    assert (status, found["name"]) == (1, name) and word in found["says"], printed
    assert "\n" not in found["says"]
    assert "hidden-from-everybody" not in printed and SECRET not in printed


def test_several_workers_that_count_apart_are_found(examined, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    status, findings, _ = examined()
    (found,) = [one for one in findings if one["verdict"] == "bad"]
    assert (status, found["name"]) == (1, "counters") and "4 times" in found["says"]


def test_counters_that_are_shared_are_asked(examined, valkey_url, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert examined(RATELIMIT_STORAGE_URI=valkey_url)[0] == 0


def test_a_store_that_cannot_be_written_is_found(examined, sound):
    (sound["INSTANCE"] / "avatar").write_text("a file where a folder should be", "utf-8")
    status, findings, _ = examined()
    (found,) = [one for one in findings if one["verdict"] == "bad"]
    assert (status, found["name"]) == (1, "store") and "store cannot be used" in found["says"]


def test_files_that_others_can_read_are_found(examined, sound):
    sound["INSTANCE"].chmod(0o755)
    (sound["INSTANCE"] / "userapp.sqlite").chmod(0o644)
    status, findings, _ = examined()
    (found,) = [one for one in findings if one["verdict"] == "bad"]
    assert (status, found["name"]) == (1, "files") and "chmod 600" in found["says"]


def test_an_old_sqlite_is_found(examined, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    status, findings, _ = examined()
    (found,) = [one for one in findings if one["verdict"] == "bad"]
    assert (status, found["name"]) == (1, "database") and "3.35" in found["says"]


def test_a_clock_before_the_installation_is_found(examined):
    with time_machine.travel(datetime(2001, 9, 9, tzinfo=UTC), tick=True):
        status, findings, _ = examined()
    assert status == 1 and [one["name"] for one in findings if one["verdict"] == "bad"] == ["clock"]


def test_tables_of_a_plugin_that_has_gone_are_told_and_hide_no_migration_that_lacks(examined):
    def leave(*those):
        db.session.execute(text("DELETE FROM alembic_version"))
        for revision in those:
            db.session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})

    status, findings, _ = examined(lambda: leave("gone_plugin", *revisions.known()[1]))
    (found,) = [one for one in findings if one["verdict"] != "ok"]
    assert (status, found["name"], found["verdict"]) == (0, "migrations", "note") and "gone_plugin" in found["says"]
    status, findings, _ = examined(lambda: leave("gone_plugin", "0001"))
    (found,) = [one for one in findings if one["verdict"] != "ok"]
    assert (status, found["name"], found["verdict"]) == (1, "migrations", "bad")


def test_hints_name_the_command_there_is(monkeypatch, tmp_path):
    assert start_checks.command() == "flask --app wsgi"
    monkeypatch.setattr(start_checks, "__file__", str(tmp_path / "userapp" / "start_checks.py"))
    assert start_checks.command() == "userapp"


def test_what_is_only_worth_knowing_does_not_fail(examined):
    def forget_everybody():
        db.session.query(User).delete()
        db.session.add(
            Message(kind="mail", recipient="a@b.cn", created_at=now() - timedelta(hours=2), expires_at=now())
        )

    status, findings, _ = examined(
        forget_everybody, SECURITY_PROFILE="documented", SMS_URL="", MAIL_DEFAULT_SENDER="userapp@localhost"
    )
    notes = {one["name"] for one in findings if one["verdict"] == "note"}
    assert status == 0 and notes == {"profile", "administrators", "messages", "sms", "mail"}


def test_a_developers_start_is_judged_as_one_and_people_read_a_line_each(run):
    lines = run("doctor", status=1).stdout.splitlines()
    assert "ok    mail: goes to the outbox" in lines and lines[-1].endswith(" to be repaired")
    assert any(line.startswith("BAD   secret: USERAPP_SECRET_KEY can be guessed") for line in lines)


@pytest.mark.postgresql
def test_the_doctor_knows_postgresql(examined, fresh_postgresql):
    def make():
        db.session.remove()
        upgrade(revision="heads")

    status, findings, printed = examined(make, SQLALCHEMY_DATABASE_URI=fresh_postgresql)
    assert status == 0 and "PostgreSQL" in printed, findings
