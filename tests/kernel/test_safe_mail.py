"""Mail against real SMTP servers, honest, wrong and silent ones."""

from __future__ import annotations

import datetime
import ipaddress
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask_mail import Message

from tests.servers import free_port
from tests.smtp_server import Tidy
from userapp.safe_mail import SafeMail

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@dataclass
class Server:
    """What a running server was told."""

    port: int
    mails: list[Any] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    reject: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail, or refuse it."""
        self.mails.append(envelope)
        return self.reject or "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Note who signs in and let in the right one."""
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start SMTP servers, and stop them afterwards."""
    running: list[Tidy] = []

    def start(**options: Any) -> Server:
        server = Server(free_port())
        if "tls_context" in options:
            options |= {"require_starttls": True, "authenticator": server.login, "auth_required": True}
        controller = Tidy(server, hostname="127.0.0.1", port=server.port, **options)
        controller.start()
        running.append(controller)
        return server

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def silent() -> Iterator[Callable[[bytes, float], int]]:
    """Start servers that accept and then drip some bytes, or say nothing at all."""
    stop = threading.Event()
    sockets: list[socket.socket] = []

    def start(text: bytes = b"", pause: float = 0.1) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def run() -> None:
            connection, _ = listener.accept()
            sockets.append(connection)
            for byte in text:
                if stop.wait(pause):
                    return
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return

        threading.Thread(target=run, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    stop.set()
    for sock in sockets:
        sock.close()


def certificate(folder: Path, name: str = "127.0.0.1") -> Path:
    """Write a self-signed certificate with its key, good for one address or host name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    alternative: x509.GeneralName = x509.DNSName(name)
    if name[0].isdigit():
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 7, now - day, now + day)
    builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def context(path: Path) -> ssl.SSLContext:
    """The server's side of a certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def send(port: int, times: int = 1, **settings: Any) -> None:
    """Send the mail all tests send."""
    app = Flask(__name__)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port, MAIL_DEFAULT_SENDER="a@example.com", MAIL_TIMEOUT=20)
    app.config.update(settings)
    mail = SafeMail()
    mail.init_app(app)
    with app.app_context(), mail.connect() as connection:
        for _ in range(times):
            connection.send(Message("恢复码", recipients=["b@example.com"], body="123456", html="<p>123456</p>"))


SECURE: dict[str, Any] = {"MAIL_USE_TLS": True, "MAIL_USERNAME": "me", "MAIL_PASSWORD": "right"}


def test_a_plain_server_gets_the_mail(serve: Serve) -> None:
    server = serve()
    send(server.port)
    assert server.mails[0].rcpt_tos == ["b@example.com"]
    assert b"=?utf-8?" in server.mails[0].content


def test_a_self_signed_certificate_is_refused_before_the_password_is_shown(serve: Serve, tmp_path: Path) -> None:
    server = serve(tls_context=context(certificate(tmp_path)))
    with pytest.raises(ssl.SSLCertVerificationError):
        send(server.port, **SECURE)
    assert (server.logins, server.mails) == ([], [])


def test_with_its_authority_named_the_server_gets_password_and_mail(serve: Serve, tmp_path: Path) -> None:
    path = certificate(tmp_path)
    server = serve(tls_context=context(path))
    send(server.port, MAIL_CA_FILE=str(path), **SECURE)
    assert server.logins == [(b"me", b"right")]
    assert len(server.mails) == 1


def test_a_wrong_password_is_told(serve: Serve, tmp_path: Path) -> None:
    path = certificate(tmp_path)
    server = serve(tls_context=context(path))
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(server.port, MAIL_CA_FILE=str(path), **(SECURE | {"MAIL_PASSWORD": "wrong"}))
    assert server.mails == []


def test_a_certificate_for_another_host_is_refused(serve: Serve, tmp_path: Path) -> None:
    path = certificate(tmp_path, "mail.example.com")
    server = serve(tls_context=context(path))
    with pytest.raises(ssl.SSLCertVerificationError):
        send(server.port, MAIL_CA_FILE=str(path), **SECURE)


def test_a_server_without_starttls_gets_nothing(serve: Serve) -> None:
    server = serve()
    with pytest.raises(smtplib.SMTPNotSupportedError):
        send(server.port, **SECURE)
    assert (server.logins, server.mails) == ([], [])


def test_tls_from_the_first_byte_checks_the_certificate_too(serve: Serve, tmp_path: Path) -> None:
    path = certificate(tmp_path)
    # The controller tries its own server out, with a context that must trust it.
    server = serve(ssl_context=context(path))
    send(server.port, MAIL_USE_SSL=True, MAIL_CA_FILE=str(path))
    assert len(server.mails) == 1
    with pytest.raises(ssl.SSLCertVerificationError):
        send(server.port, MAIL_USE_SSL=True)


def test_a_refused_connection_is_told_at_once() -> None:
    with pytest.raises(ConnectionRefusedError):
        send(free_port())


@pytest.mark.parametrize("use_ssl", [False, True])
def test_a_silent_server_times_out(silent: Callable[..., int], use_ssl: bool) -> None:
    with pytest.raises(TimeoutError):
        send(silent(), MAIL_USE_SSL=use_ssl, MAIL_TIMEOUT=0.3)


def test_a_server_that_drips_has_no_more_time_than_a_silent_one(silent: Callable[..., int]) -> None:
    with pytest.raises(TimeoutError):
        send(silent(b"220-welcome\r\n" * 3), MAIL_TIMEOUT=0.3)


def test_a_refused_mail_is_told_and_not_hidden_by_the_good_bye(serve: Serve) -> None:
    server = serve()
    server.reject = "550 no such user"
    with pytest.raises(smtplib.SMTPDataError):
        send(server.port)


def test_a_server_that_vanishes_after_accepting_has_the_mail(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()

    def vanish(self: smtplib.SMTP) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "quit", vanish)
    send(server.port)
    assert len(server.mails) == 1


def test_many_mails_share_a_connection_and_each_has_its_own_time(serve: Serve) -> None:
    server = serve()
    send(server.port, times=5)
    assert len(server.mails) == 5


def test_suppressed_mail_goes_nowhere() -> None:
    send(free_port(), MAIL_SUPPRESS_SEND=True)
