"""Mail through real servers: codes arrive, failures are told in time, and what nobody waits for arrives once."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.conftest import ON_POSTGRESQL, Json
from tests.servers import free_port, running_application
from tests.smtp_server import run_smtp
from userapp import messages
from userapp.extensions import db, writing
from userapp.models import Message, User, now

ADDRESS = "ning@example.com"


@pytest.fixture
def service(make_app):
    """An application that mails through a server, and somebody whose registration mailed nothing."""

    def start(port, **settings):
        app = make_app(**{"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": port, "MAIL_TIMEOUT": 20, **settings})
        app.test_client_class = Json
        with app.app_context():
            db.session.add(User(uname="ning", uname_key="ning", uid="1", email=ADDRESS, password_hash="x"))
            db.session.commit()
        return app

    return start


def ask(app):
    client = app.test_client()
    return client, client.post("/user/reset", data={"captcha": client.captcha(), "email": ADDRESS})


def wait_over(app):
    """Let the time pass until everything queued is tried again."""
    with app.app_context(), writing() as connection:
        connection.execute(db.update(Message).values(next_try_at=now() - timedelta(seconds=1)))


def deliver(app):
    """What a courier does; how many messages left."""
    with app.app_context():
        return messages.deliver_due()


def later(app):
    """Deliver when the time has come."""
    wait_over(app)
    return deliver(app)


def test_a_reset_code_arrives_through_starttls_and_auth(service, secure_smtp_server):
    server = secure_smtp_server
    app = service(
        server.port, MAIL_USE_TLS=True, MAIL_USERNAME=server.user, MAIL_PASSWORD=server.password,
        MAIL_CA_FILE=server.ca_file,
    )  # fmt: skip
    client, reply = ask(app)
    assert reply.json["msg"] == "已发送恢复码至邮箱"
    assert server.recipients == [ADDRESS] and server.messages[0]["To"] == ADDRESS
    body = server.messages[0].get_body(("plain",)).get_content()
    code = re.search(r"\b\d{6}\b", body)[0]
    assert code in server.messages[0].get_body(("html",)).get_content()
    fields = {"captcha": client.captcha(), "code": code, "new_password": "another-horse-7"}
    assert client.post("/user/reset", data=fields).json["msg"] == "修改成功"


@contextmanager
def listener(speak):
    """A TCP server that does to each connection what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve():
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=speak, args=(connection, over), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)


def silent(connection, over):
    """Says nothing for far longer than the timeout: without one, the failure would be of another kind."""
    with connection:
        over.wait(60)


def slow(connection, over):
    with connection:
        for byte in b"220 a very slow server is ready to serve\r\n" * 5:
            if over.wait(0.1):
                return
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return


def failed(reply, kind):
    assert (reply.status_code, reply.json["code"], reply.json["msg"]) == (403, 10901, f"发送邮件失败：{kind}")


@pytest.fixture
def closed_port():
    """A port nobody listens on, and nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_发送邮件失败_when_the_server_refuses_the_connection(service, closed_port):
    client = service(closed_port).test_client()
    fields = {"captcha": client.captcha(), "email": ADDRESS}
    failed(client.post("/user/reset", data=fields), "ConnectionRefusedError")


@pytest.mark.parametrize("speak", [silent, slow])
def test_发送邮件失败_within_the_timeout_for_a_black_hole_and_a_slow_server(service, speak):
    with listener(speak) as port:
        failed(ask(service(port, MAIL_TIMEOUT=0.4))[1], "TimeoutError")


def test_发送邮件失败_for_a_550(service, smtp_server):
    smtp_server.refuse_with = 550
    client, reply = ask(service(smtp_server.port))
    failed(reply, "SMTPRecipientsRefused")
    assert "550" not in reply.get_data(as_text=True) and client.get_cookie("reset") is None


def test_发送邮件失败_for_a_self_signed_certificate(service, secure_smtp_server):
    server = secure_smtp_server
    app = service(server.port, MAIL_USE_TLS=True, MAIL_USERNAME=server.user, MAIL_PASSWORD=server.password)
    failed(ask(app)[1], "SSLCertVerificationError")
    assert server.messages == []


def test_发送邮件失败_for_a_wrong_mail_password(service, secure_smtp_server):
    server = secure_smtp_server
    app = service(
        server.port, MAIL_USE_TLS=True, MAIL_USERNAME=server.user, MAIL_PASSWORD="wrong", MAIL_CA_FILE=server.ca_file
    )  # fmt: skip
    failed(ask(app)[1], "SMTPAuthenticationError")


def test_a_mail_that_no_server_took_spends_nothing(service, closed_port):
    app = service(closed_port, MESSAGE_GAP=60)
    assert [ask(app)[1].json["code"] for _ in range(3)] == [10901] * 3


@pytest.mark.parametrize("people", [10, pytest.param(100, marks=pytest.mark.long)])
def test_registrations_while_the_mail_server_is_away_are_all_mailed_once_it_is_back(service, people):
    port = free_port()
    app = service(port)
    for number in range(people):
        reply = app.test_client().register(f"person{number}", email=f"person{number}@example.com")
        assert reply.json["status"], reply.json
    app.extensions["userapp.courier"].stop()
    assert later(app) == 0
    with app.app_context():
        assert db.session.query(User).count() == people + 1
    with run_smtp(port, secure=False) as server:
        wait_over(app)
        couriers = [threading.Thread(target=deliver, args=(app,)) for _ in range(3)]
        for courier in couriers:
            courier.start()
        for courier in couriers:
            courier.join()
        later(app)
        assert sorted(server.recipients) == sorted(f"person{number}@example.com" for number in range(people))


def test_one_message_that_cannot_be_sent_does_not_hold_the_others_up(service, smtp_server, monkeypatch):
    app = service(smtp_server.port)
    app.extensions["userapp.courier"].stop()
    for number in range(3):
        assert app.test_client().register(f"person{number}", email=f"person{number}@example.com").json["status"]
    send = messages.delivery.send_mail

    def stumble(to, *rest):
        if to.startswith("person0"):
            raise RuntimeError("something nobody thought of")
        send(to, *rest)

    monkeypatch.setattr(messages.delivery, "send_mail", stumble)
    assert later(app) == 2
    monkeypatch.undo()
    assert later(app) == 1
    assert sorted(smtp_server.recipients) == [f"person{number}@example.com" for number in range(3)]


@pytest.mark.long
@pytest.mark.skipif(ON_POSTGRESQL, reason="one database is enough for this")
def test_what_a_dead_worker_left_queued_leaves_with_the_first_request_of_the_next(tmp_path, make_app):
    port = free_port()
    settings = {
        "USERAPP_SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'kept.sqlite'}", "USERAPP_SECRET_KEY": "k" * 40,
        "USERAPP_CAPTCHA_ANSWER": "ACEHJ", "USERAPP_MAIL_SERVER": "127.0.0.1", "USERAPP_MAIL_PORT": str(port),
        "USERAPP_MAIL_TIMEOUT": "1", "USERAPP_SMS_TIMEOUT": "1",
    }  # fmt: skip
    with running_application(settings) as server:
        from tests.burst import post
        from userapp.auth import captcha

        signer = make_app(SECRET_KEY="k" * 40, SQLALCHEMY_DATABASE_URI="sqlite://")
        with signer.app_context():
            challenge = captcha.issue()
        fields = {"uname": "ning", "password": "correct-horse-9", "email": ADDRESS, "captcha": "ACEHJ"}
        assert post(server.port, "/user/register", fields, Cookie=f"captcha={challenge}").json["status"]
        os.killpg(server.process.pid, signal.SIGKILL)  # perhaps in the middle of a try
        server.process.wait()
    with run_smtp(port, secure=False) as mails, running_application(settings) as after:
        end = time.monotonic() + 40  # its first request is the health check; the next try is due in seconds
        while not mails.recipients and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.5)
        assert mails.recipients == [ADDRESS], after.log


def test_queued_mail_leaves_when_the_reply_is_long_out(make_app, monkeypatch):
    """Where nobody may learn who exists, delivering is felt in no reply: it begins a moment later."""
    monkeypatch.setattr(messages, "REST", (3600, 3600))
    app = make_app()
    app.test_client_class = Json
    assert app.test_client().register("ning", email=ADDRESS).json["status"]
    courier = app.extensions["userapp.courier"]
    assert courier.thread.is_alive()
    courier.stop()
    assert not courier.thread.is_alive(), "who rests can still be stopped"
    with app.app_context():
        assert db.session.query(Message.id).filter_by(done="").count() == 1
