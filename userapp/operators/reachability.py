"""What `doctor` asks others: the mail server, the SMS gateway, the shared counters, and the store of pictures."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

from flask import current_app

from ..extensions import limiter
from ..extensions import mail as mailer
from ..sms_gateways import gateway
from .findings import Finding, bad, development, kind, note, ok, serious


def mail() -> Iterator[Finding]:
    """Whether the mail server lets this service in; nothing is sent."""
    config = current_app.config
    server = f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    if not config["MAIL_SERVER"]:
        if development():
            yield ok("mail", "goes to the outbox")
        else:
            yield bad("mail", "no mail can be sent, so nobody recovers an account: set USERAPP_MAIL_SERVER")
        return
    try:
        with mailer.connect() as connection:
            answers = connection.host is not None and connection.host.noop()[0] == 250
    except Exception as error:  # smtplib, ssl and socket have no ancestor in common
        says = f"{server} does not let us in ({kind(error)}): check USERAPP_MAIL_SERVER, _PORT, _USE_TLS, _USERNAME"
        yield bad("mail", says)
        return
    if not answers:
        yield bad("mail", f"{server} is no mail server in working order: check USERAPP_MAIL_SERVER")
    elif config["MAIL_DEFAULT_SENDER"].endswith("@localhost"):
        yield note("mail", "mails say they come from localhost, many servers refuse that: USERAPP_MAIL_DEFAULT_SENDER")
    else:
        yield ok("mail", f"{server} answers")


def texts() -> Iterator[Finding]:
    """Whether the SMS gateway can be reached; nothing is sent."""
    url = current_app.config["SMS_URL"]
    if not url or url.startswith("outbox:"):
        yield (
            ok("sms", "goes to the outbox")
            if development()
            else note("sms", "no text can be sent: set USERAPP_SMS_URL")
        )
        return
    try:
        parts = urlsplit(gateway(url).url)
    except ValueError as error:
        yield bad("sms", f"USERAPP_SMS_URL cannot be used: {error}")
        return
    proxy = getproxies().get(parts.scheme) if parts.scheme == "https" else None
    target = urlsplit(proxy) if proxy else parts
    host, port = target.hostname or "", target.port or (443 if target.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), timeout=current_app.config["SMS_TIMEOUT"]).close()
    except OSError as error:
        yield bad("sms", f"{host}:{port} cannot be reached ({kind(error)}): check USERAPP_SMS_URL and the firewall")
    else:
        yield ok("sms", f"{host}:{port} answers")


def shared_counters() -> Iterator[Finding]:
    """Whether the counters of several workers answer."""
    uri = current_app.config["RATELIMIT_STORAGE_URI"]
    if uri.startswith("memory:"):
        return
    target = urlsplit(uri)
    place = f"{target.scheme}://{target.hostname}:{target.port or 6379}"
    if limiter.storage.check():
        yield ok("limits", f"{place} counts")
    else:
        yield bad("limits", f"{place} does not answer: start it, or check USERAPP_RATELIMIT_STORAGE_URI")


def store() -> Iterator[Finding]:
    """Whether what people upload, and this service's own files, can be written."""
    folder = current_app.instance_path
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"ok")
    except OSError as error:
        yield bad("store", f"{folder} cannot be written ({kind(error)}): give it to the service's user")
        return
    for name, probe in current_app.extensions.get("userapp.probes", {}).items():
        try:
            says = probe()
        except Exception as error:
            says = kind(error)
        if says != "ok":
            yield serious(
                "store", f"{name} cannot be used ({says}): check USERAPP_AVATAR_STORE and who may write there"
            )
            return
    yield ok("store", "can be written")
