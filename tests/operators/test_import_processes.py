"""Imports as processes of their own: killed and begun again, and with more people than fit into a test's memory."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from random import Random

import pytest

from tests.operators.conftest import generated, password_of
from tests.servers import ROOT
from userapp.extensions import db
from userapp.models import User


def environment(folder):
    """What a command of its own process needs; cheap hashes, so that the test is about the rest."""
    values = {key: value for key, value in os.environ.items() if not key.startswith("USERAPP_")}
    return values | {
        "USERAPP_INSTANCE": str(folder), "USERAPP_SECRET_KEY": "5d0c1f3f2a7c4bb09f" * 2,
        "USERAPP_BASE_URL": "http://localhost", "USERAPP_TRUSTED_HOSTS": "localhost",
        "USERAPP_ARGON2_MEMORY_KIB": "8", "USERAPP_ARGON2_TIME": "1", "USERAPP_DEVTOOLS": "1",
        "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_CAPTCHA_ANSWER": "ACEHJ", "USERAPP_MESSAGE_GAP": "0",
    }  # fmt: skip


def flask(folder, *args):
    """Start `flask --app wsgi …` as a process."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *args]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(process, seconds=3000):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def asked(folder, question):
    """What the database of another process says."""
    connection = sqlite3.connect(f"file:{folder}/userapp.sqlite?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(question).fetchone()
    finally:
        connection.close()


def stored(folder):
    """How many accounts it has committed so far."""
    return asked(folder, "SELECT count(*) FROM users")[0]


def kill_once_it_has(folder, process, more):
    """SIGKILL an import at some moment after it has stored `more` accounts; False if it was faster."""
    wanted, end = stored(folder) + more, time.monotonic() + 300
    while process.poll() is None and time.monotonic() < end:
        if stored(folder) >= wanted:
            time.sleep(Random(wanted).random() / 5)
            process.kill()
            return process.wait(30) == -signal.SIGKILL
        time.sleep(0.02)
    return False


def killed_and_resumed(folder, path, people, kills, step):
    """Import `path` through SIGKILLs: everybody is there once, and the position says so."""
    assert finished(flask(folder, "db", "upgrade", "heads"))[0] == 0
    killed = 0
    for _time in range(kills):
        with flask(folder, "users", "import", str(path)) as process:
            killed += kill_once_it_has(folder, process, step)
            process.kill()
    assert killed, "the import was too fast to be killed"
    code, _out, err = finished(flask(folder, "users", "import", str(path), "--json"))
    assert code == 0 or "imported already" in err, err
    assert stored(folder) == people
    assert asked(folder, "SELECT created, refused, finished FROM imports") == (people, 0, 1)


@pytest.mark.long
def test_a_killed_process_leaves_nothing_out_and_nothing_twice(tmp_path, table):
    killed_and_resumed(tmp_path / "instance", table(generated(6000)), 6000, kills=3, step=500)


@pytest.mark.huge
def test_a_hundred_thousand_people(tmp_path, table, make_app):
    path, folder = table(generated(100_000)), tmp_path / "instance"
    killed_and_resumed(folder, path, 100_000, kills=5, step=3000)
    app = make_app(INSTANCE=folder)
    client = app.test_client()
    for n in Random(7).sample(range(100_000), 50):
        password = password_of(n)
        for _time in range(2):  # the second time on the new hash
            assert client.get("/user/captcha").status_code == 200
            values = {"user": f"person-{n}", "password": password, "captcha": "ACEHJ"}
            assert client.post("/user/login", data=values).json["status"], n
        with app.app_context():
            found = db.session.query(User.password_hash).filter_by(uname_key=f"person-{n}").scalar()
        assert found.startswith("$argon2id$")


@pytest.mark.huge
@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_memory_does_not_grow_with_the_file(tmp_path, table, count):
    """Prints rate and peak memory for docs/command-line.md."""
    path, folder = table(generated(count)), tmp_path / "instance"
    assert finished(flask(folder, "db", "upgrade", "heads"))[0] == 0
    for args in (["--dry-run"], []):
        code, out, err = finished(flask(folder, "users", "import", str(path), "--json", *args), 3600)
        assert code == 0, err
        print(out)
        assert json.loads(out)["created"] == count and json.loads(out)["peak_mib"] < 250
