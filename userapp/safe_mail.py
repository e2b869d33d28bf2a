"""Flask-Mail with a deadline for the whole conversation and with certificates that are checked."""

import io
import smtplib
import ssl
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

from flask import current_app
from flask_mail import Connection, Mail, Message


class _Socket(Protocol):
    def settimeout(self, value: float | None) -> None: ...

    def recv_into(self, buffer: Any) -> int: ...


class _Deadline:
    """A moment, counted from now, after which every read and write of a conversation fails."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.renew()

    def renew(self) -> None:
        self._end = time.monotonic() + self.seconds

    def limit(self, sock: _Socket) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server takes too long")
        sock.settimeout(left)


class _Reader(io.RawIOBase):
    """Reads a socket within a deadline: a plain timeout starts anew with every byte of a slow server."""

    def __init__(self, sock: _Socket, deadline: _Deadline) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._deadline.limit(self._sock)
        return self._sock.recv_into(buffer)


class _Smtp(smtplib.SMTP):
    def __init__(self, host: str, port: int, deadline: _Deadline, **options: Any) -> None:
        self.deadline = deadline
        super().__init__(host, port, timeout=deadline.seconds, **options)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Reader(self.sock, self.deadline))
        try:
            return super().getreply()
        except smtplib.SMTPServerDisconnected as error:
            # smtplib calls a timeout a lost connection; whoever reads the message needs to know which.
            if isinstance(error.__context__, TimeoutError):
                raise TimeoutError("the mail server takes too long") from None
            raise

    def send(self, s: Any) -> None:
        if self.sock is not None:
            try:
                self.deadline.limit(self.sock)
            except TimeoutError:
                self.close()
                raise
        super().send(s)


class _SmtpSsl(_Smtp, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


def _checking() -> ssl.SSLContext:
    """Certificates are checked; the authorities' are read only for a server that has one to be checked."""
    return ssl.create_default_context(cafile=current_app.config.get("MAIL_CA_FILE") or None)


class SafeConnection(Connection):
    """A connection that cannot hang, and shows its password only to the server it was meant for."""

    def configure_host(self) -> smtplib.SMTP:
        """Connect, secure and sign in as the MAIL_* settings say; debug output stays off, it would print the codes."""
        config = current_app.config
        deadline = _Deadline(float(config.get("MAIL_TIMEOUT") or 5))
        server, port = self.mail.server, self.mail.port
        if self.mail.use_ssl:
            host: smtplib.SMTP = _SmtpSsl(server, port, deadline, context=_checking())
        else:
            host = _Smtp(server, port, deadline)
        try:
            if self.mail.use_tls and not self.mail.use_ssl:
                host.starttls(context=_checking())
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def send(self, message: Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Send one message; each further one on the same connection has the whole time again."""
        if self.num_emails and isinstance(self.host, _Smtp):
            self.host.deadline.renew()
        super().send(message, envelope_from)

    def __exit__(self, exc_type: Any, exc_value: Any, tb: TracebackType | None) -> None:
        """Leave politely after success; after a failure just close, so that the first error is the one reported."""
        if self.host is None:
            return
        if exc_type is None:
            # The mail is accepted by now: a server that stumbles over QUIT must not make us send it again.
            with suppress(OSError):
                self.host.quit()
        self.host.close()


class SafeMail(Mail):
    """Flask-Mail whose every message goes through a SafeConnection."""

    def connect(self) -> SafeConnection:
        """Return a connection for the current application, to be used in a `with` statement."""
        return SafeConnection(current_app.extensions["mail"])
