"""The servers that tests bring along are what they say they are."""

from __future__ import annotations

import smtplib
import socket
import ssl
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
import redis

from deploy import run as start
from tests.servers import LiveServer, S3Server, free_port, unavailable
from tests.smtp_server import SmtpServer


def mail(subject: str = "你好") -> EmailMessage:
    """A mail from a to b."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@example.com", "b@example.com"
    message.set_content("正文")
    return message


@pytest.mark.postgresql
def test_each_postgresql_database_is_new_and_empty(fresh_postgresql: str) -> None:
    with psycopg.connect(fresh_postgresql) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        connection.execute("CREATE TABLE t (x int)")
        assert connection.info.server_version >= 130000


def test_valkey_counts(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        assert client.incr("test-servers") >= 1
        client.delete("test-servers")


def test_mail_arrives_parsed(smtp_server: SmtpServer) -> None:
    with smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client:
        client.send_message(mail())
    assert [message["Subject"] for message in smtp_server.messages] == ["你好"]
    assert smtp_server.recipients == ["b@example.com"]


def test_mail_is_refused_on_demand(smtp_server: SmtpServer) -> None:
    smtp_server.refuse_with = 550
    client = smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5)
    with client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.send_message(mail())
    assert smtp_server.messages == []


def test_the_secure_mail_server_asks_for_tls_and_a_password(secure_smtp_server: SmtpServer) -> None:
    server = secure_smtp_server
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.send_message(mail())
        client.starttls(context=ssl.create_default_context(cafile=server.ca_file))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(server.user, "wrong")
        client.login(server.user, server.password)
        client.send_message(mail())
    assert len(server.messages) == 1


def test_s3_keeps_an_object(s3_server: S3Server) -> None:
    obstore = pytest.importorskip("obstore")
    store = obstore.store.S3Store(
        s3_server.bucket,
        endpoint=s3_server.url,
        access_key_id=s3_server.access_key,
        secret_access_key=s3_server.secret_key,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=5)},
    )
    obstore.put(store, "a/b.webp", b"picture")
    assert bytes(obstore.get(store, "a/b.webp").bytes()) == b"picture"


@pytest.mark.long
def test_the_application_answers_and_keeps_to_its_folder(live_server: Callable[..., LiveServer]) -> None:
    server = live_server()
    with urllib.request.urlopen(server.url + "/healthz", timeout=5) as answer:
        assert answer.status == 200
    secret = server.instance / "secret_key"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_text("ascii").strip()) == 64
    assert server.url in server.log


def test_a_free_port_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_service_fails_under_ci_only(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome):
        unavailable("nothing here")


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    first = start.secret_key(tmp_path / "secret_key")
    assert start.secret_key(tmp_path / "secret_key") == first
    assert len(first) == 64


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")])
def test_an_address_is_written_as_urls_are(host: str, url: str) -> None:
    assert start.address(host, "80") == url


def test_the_start_leaves_what_the_configuration_file_sets(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("BASE_URL = 'https://example.com'\nif True:\n    SECRET_KEY = 'x' * 32\n")
    assert start.settings_in(tmp_path / "config.py") == {"BASE_URL", "SECRET_KEY"}
    assert start.settings_in(tmp_path / "none.py") == set()


@pytest.mark.long
@pytest.mark.postgresql
def test_postgresql_databases_do_not_see_each_other(fresh_postgresql: str, postgresql_url: str) -> None:
    with psycopg.connect(fresh_postgresql) as connection:
        connection.execute("CREATE TABLE only_here (x int)")
    with psycopg.connect(postgresql_url) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM only_here")
