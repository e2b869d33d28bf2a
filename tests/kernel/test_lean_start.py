"""What a server's start leaves alone: modules that only some requests, commands or settings need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from flask_migrate import upgrade

from tests.servers import ROOT
from userapp import revisions
from userapp.extensions import db, reading

NOT_LOADED = (
    "alembic",
    "boto3",
    "captcha",
    "email_validator",
    "flask_migrate",
    "mako",
    "obstore",
    "phonenumbers",
    "psycopg",
    "pygments",
    "redis",
    "zxcvbn",
)
START = "import sys, wsgi; print(*sorted(set(sys.argv[1:]) & set(sys.modules)))"


@pytest.mark.long
def test_a_start_loads_nothing_that_only_others_need(tmp_path):
    values = {"INSTANCE": str(tmp_path), "DEVTOOLS": "1", "SECRET_KEY": "s" * 40, "BASE_URL": "http://127.0.0.1"}
    environment = {"PATH": os.environ["PATH"], "USERAPP_TRUSTED_HOSTS": "127.0.0.1"}
    environment |= {f"USERAPP_{key}": value for key, value in values.items()}
    command = [sys.executable, "-c", START, *NOT_LOADED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []


def test_the_revisions_are_alembics_own(make_app):
    app = make_app()
    with app.app_context():
        db.drop_all()
        script = app.extensions["migrate"].migrate.get_config(app.extensions["migrate"].directory)
        from alembic.script import ScriptDirectory

        found = ScriptDirectory.from_config(script)
        every = {one.revision for one in found.walk_revisions()}
        assert revisions.known() == (every, set(found.get_heads()))
        with reading() as connection:
            assert revisions.present(connection) == set()
        upgrade(revision="heads")
        with reading() as connection:
            assert revisions.present(connection) == set(found.get_heads())
