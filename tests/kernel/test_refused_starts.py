"""What production refuses to start with: one plain line for each reason, and an exit status gunicorn does not retry."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from typing import Any

import pytest
from flask_migrate import downgrade, upgrade

from tests.servers import ROOT
from userapp import create_app, passwords
from userapp.extensions import db
from userapp.models import User

SAFE = {
    "USERAPP_SECRET_KEY": "5d0c1f3f2a7c4bb09f" * 2,
    "USERAPP_BASE_URL": "https://id.example.com",
    "USERAPP_TRUSTED_HOSTS": "id.example.com",
    "USERAPP_ARGON2_MEMORY_KIB": "8",
    "USERAPP_ARGON2_TIME": "1",
}
EIGHT = {
    "no secret": ({"USERAPP_SECRET_KEY": ""}, "USERAPP_SECRET_KEY"),
    "a short secret": ({"USERAPP_SECRET_KEY": "5d0c1f3f2a7c4bb"}, "USERAPP_SECRET_KEY"),
    "debugging": ({"FLASK_DEBUG": "1"}, "DEBUG"),
    "the development plugin": ({"USERAPP_DEVTOOLS": "1"}, "userapp.devtools"),
    "no trusted hosts": ({"USERAPP_TRUSTED_HOSTS": ""}, "USERAPP_TRUSTED_HOSTS"),
    "a base URL without TLS": ({"USERAPP_BASE_URL": "http://id.example.com"}, "https"),
}


@pytest.fixture
def production(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The environment of a sound production start, in a folder of its own."""
    for key in [key for key in os.environ if key.startswith(("USERAPP_", "FLASK_"))]:
        monkeypatch.delenv(key)
    for key, value in {**SAFE, "USERAPP_INSTANCE": str(tmp_path)}.items():
        monkeypatch.setenv(key, value)
    return tmp_path


@pytest.fixture
def migrated(production: Any) -> Any:
    """The same on a database that is up to date; yields an application on it."""
    app = create_app()
    with app.app_context():
        upgrade(revision="heads")
        yield app
        db.engine.dispose()


def start() -> Any:
    """What gunicorn does in a worker."""
    return runpy.run_path(str(ROOT / "wsgi.py"))["app"]


def refused(capsys: Any) -> list[str]:
    """The lines a start was refused with."""
    with pytest.raises(SystemExit) as caught:
        start()
    assert caught.value.code == 3
    marked = [line.partition("userapp does not start: ") for line in capsys.readouterr().err.splitlines()]
    return [line for _before, mark, line in marked if mark]


@pytest.mark.parametrize("case", EIGHT)
def test_a_dangerous_setting_is_refused(production, monkeypatch, capsys, case):
    change, word = EIGHT[case]
    for key, value in change.items():
        monkeypatch.setenv(key, value)
    (line,) = refused(capsys)
    assert word in line


@pytest.mark.parametrize("name,text", [("secret_key", "s" * 64), ("config.py", "MAIL_PASSWORD = 'hidden'")])
def test_a_secret_that_others_can_read_is_refused(production, capsys, name, text):
    path = production / name
    path.write_text(text, "utf-8")
    path.chmod(0o644)
    (line,) = refused(capsys)
    assert str(path) in line and "chmod 600" in line and "hidden" not in line


def test_a_file_without_a_secret_may_be_read_by_anybody(production, capsys):
    path = production / "config.py"
    path.write_text("SITE_NAME = 'school'", "utf-8")
    path.chmod(0o644)
    (line,) = refused(capsys)
    assert "has no tables of ours" in line


def test_a_database_without_its_migrations_is_refused(migrated, capsys):
    with migrated.app_context():
        downgrade(revision="base")
    assert "flask --app wsgi db upgrade" in refused(capsys)[0]


def test_an_administrator_with_a_default_password_is_refused(migrated, capsys):
    with migrated.app_context():
        stored = passwords.hash_password("admin123")
        db.session.add(User(uname="Admin", uname_key="admin", user_type="admin", password_hash=stored))
        db.session.commit()
    (line,) = refused(capsys)
    assert "Admin" in line and "default password" in line


def test_a_sound_start_is_not_refused_nor_is_one_on_a_later_database(migrated):
    with migrated.app_context():
        db.session.add(User(uname="Admin", uname_key="admin", user_type="admin", password_hash="$argon2id$own"))
        db.session.commit()
    assert start()
    with migrated.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'ffff'")
    assert start(), "while the nodes of a cluster are renewed one by one, an old one meets the new tables"


def test_a_database_that_is_away_is_no_reason(production, monkeypatch):
    monkeypatch.setenv("USERAPP_SQLALCHEMY_DATABASE_URI", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=5")
    assert start()


def test_every_reason_is_told_at_once(production, monkeypatch, capsys):
    for key in ("USERAPP_SECRET_KEY", "USERAPP_BASE_URL", "USERAPP_TRUSTED_HOSTS"):
        monkeypatch.setenv(key, "")
    assert [line.split()[0] for line in refused(capsys)] == [
        "USERAPP_SECRET_KEY",
        "USERAPP_BASE_URL",
        "USERAPP_TRUSTED_HOSTS",
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    "command", [["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"], ["deploy/run.py"]]
)
def test_the_server_itself_ends_with_the_plain_line(production, monkeypatch, command):
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("USERAPP_BASE_URL", "http://id.example.com")
    monkeypatch.setenv("USERAPP_DEVTOOLS", "0")
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    assert "userapp does not start: USERAPP_BASE_URL is not https" in ended.stderr
    assert "UnsafeStart" not in ended.stderr, "what gunicorn adds is its own"
