"""What operators ask a node: is it alive, can it serve and why not, what did it count."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask_migrate import upgrade
from sqlalchemy import text

from userapp.extensions import db
from userapp.system import readiness

STRANGER = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def client(app, client, monkeypatch):
    """Answers are not kept for a second: each question of a test is a new one."""
    monkeypatch.setattr(readiness, "KEPT", -1)
    with app.app_context():
        db.drop_all()
        upgrade()
    return client


def test_a_node_with_everything_is_ready(client):
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json["status"]) == (200, True)
    assert reply.json["data"] == {"database": "ok", "migrations": "ok", "store": "ok"}
    assert client.get("/readyz", environ_base=STRANGER).json["data"] == "ready"


def test_a_database_behind_is_not_ready_and_one_ahead_is(app, client):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    assert client.get("/readyz").status_code == 200
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json["code"], reply.json["status"]) == (503, 503, False)
    assert reply.json["data"]["migrations"].startswith("the database is at nothing, this code needs 0")
    assert client.get("/readyz", environ_base=STRANGER).json["data"] == "not ready"


def test_a_part_that_fails_or_hangs_is_named(app, client, monkeypatch):
    def broken():
        raise OSError("the cable is out")

    monkeypatch.setitem(app.extensions["userapp.probes"], "store", broken)
    assert client.get("/readyz").json["data"]["store"] == "OSError: the cable is out"
    monkeypatch.setattr(readiness, "PATIENCE", 0.2)
    monkeypatch.setitem(app.extensions["userapp.probes"], "store", lambda: __import__("time").sleep(0.5) or "ok")
    assert client.get("/readyz").json["data"]["store"].startswith("no answer within")


def test_a_folder_that_cannot_be_written_is_named(make_app, monkeypatch):
    app = make_app()
    (Path(app.instance_path) / "avatar").write_text("in the way")
    assert "store" in app.extensions["userapp.probes"]
    assert "FileExistsError" in app.test_client().get("/readyz").json["data"]["store"]


def test_metrics_are_for_operators(app, client):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base=STRANGER).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403, "an unknown proxy"
    app.config["METRICS_TOKEN"] = "open-sesame"
    for token, status in (("open-sesame", 200), ("open-sesam", 403), ("密", 403)):
        headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
        assert client.get("/metrics", headers=headers, environ_base=STRANGER).status_code == status
    app.config["METRICS_ALLOW"] = ["203.0.113.0/24"]
    assert client.get("/metrics", environ_base=STRANGER).status_code == 200


def test_probes_may_ask_by_address(client):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/", headers={"Host": "10.1.2.3:8000"}).status_code == 400


def value(client, name):
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_what_happens_is_counted(client, make_user, outbox):
    names = {
        'userapp_requests_total{endpoint="auth.login",outcome="10101"}': 2,
        'userapp_requests_total{endpoint="none",outcome="404"}': 1,
        'userapp_request_seconds_count{endpoint="auth.login"}': 2,
        'userapp_events_total{event="sign_in",outcome="refused"}': 2,
        'userapp_codes_total{outcome="issued",purpose="email"}': 1,
    }
    before = {name: value(client, name) for name in names}
    make_user()
    for _ in range(2):
        client.login("ning", "wrong-horse-9")
    client.get("/nowhere")
    assert {name: value(client, name) - before[name] for name in names} == names
    assert value(client, "userapp_hash_queue ") == 0
