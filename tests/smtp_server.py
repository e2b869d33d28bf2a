"""A real SMTP server in a thread that keeps the mails it is sent, or refuses them on demand."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class SmtpServer:
    """Where the server listens, what it got, and what it is to answer."""

    host: str = "127.0.0.1"
    port: int = 0
    user: str = ""
    password: str = ""
    ca_file: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuse_with: int | None = None

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Accept every recipient, or none while `refuse_with` is set."""
        if self.refuse_with:
            return f"{self.refuse_with} refused"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep the parsed mail and whom it was for."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.recipients.extend(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Whether the client gave the server's user and password."""
        right = LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=data == right, handled=False)  # aiosmtpd writes the refusal


class Tidy(Controller):
    """aiosmtpd's controller, which forgets connections that are open when it stops: here they are closed with it."""

    def factory(self) -> SMTP:
        """One protocol for each connection, remembered."""
        protocol = super().factory()
        self.protocols = [*getattr(self, "protocols", ()), protocol]
        return protocol

    def cancel_tasks(self, stop_loop: bool = True, turns: int = 5) -> None:
        """Listen no more and abort what is connected; a few turns of the loop later all sockets are closed."""
        self.server.close()
        for protocol in getattr(self, "protocols", ()):
            if protocol.transport is not None:
                protocol.transport.abort()
        if turns:
            self.loop.call_later(0.01, self.cancel_tasks, stop_loop, turns - 1)
        else:
            super().cancel_tasks(stop_loop)


@contextmanager
def run_smtp(port: int, *, secure: bool) -> Iterator[SmtpServer]:
    """Start a server on `port`; `secure` asks for STARTTLS and AUTH."""
    with tempfile.TemporaryDirectory(prefix="smtp-") as folder:
        server = SmtpServer(port=port)
        options: dict[str, Any] = {}
        if secure:
            server.user, server.password = "mailer", "mail-secret"
            server.ca_file = str(Path(folder) / "certificate.pem")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*write_certificate(Path(folder)))
            options = {
                "tls_context": context,
                "require_starttls": True,
                "authenticator": server.authenticate,
                "auth_required": True,
            }
        controller = Tidy(server, hostname=server.host, port=port, **options)
        controller.start()
        try:
            yield server
        finally:
            controller.stop()


def write_certificate(folder: Path) -> tuple[str, str]:
    """Write a self-signed certificate for localhost and 127.0.0.1; returns its path and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(private)
    return str(folder / "certificate.pem"), str(folder / "key.pem")
