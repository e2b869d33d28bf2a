"""How a mail or a text leaves: the mail server, an SMS gateway, or the outbox folder where nothing leaves."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

from flask import current_app
from flask_mail import Message as Mail

from . import budgets, metrics, sms, tallies
from .errors import MailNotSent, SmsNotSent
from .extensions import mail
from .threads import waiting


@tallies.counted("mail")
def send_mail(to: str, subject: str, text: str, html: str) -> None:
    """Hand a mail to the server (or the outbox); raises MailNotSent with the kind of failure, never its text."""
    if not current_app.config["MAIL_SERVER"]:
        if not outbox_used():
            raise MailNotSent(kind="NotConfigured")
        put_in_outbox("mail", to, subject, text, html)
        return
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    try:
        with waiting():
            mail.send(Mail(subject, recipients=[to], body=text, html=html, sender=sender))
        metrics.messages.labels("mail", "sent").inc()
    except Exception as error:  # smtplib, ssl, socket and Flask-Mail have no ancestor in common
        current_app.logger.warning("mail not sent: %s", type(error).__name__)
        metrics.messages.labels("mail", type(error).__name__).inc()
        raise MailNotSent(kind=type(error).__name__) from error


@tallies.counted("sms")
def send_sms(number: str, text: str, params: dict[str, str]) -> None:
    """Hand a text to the gateway or outbox; raises SmsNotSent, also where country or the day's share forbid it."""
    countries = current_app.config["SMS_COUNTRIES"]
    if countries and not number.startswith(tuple(f"+{country.lstrip('+')}" for country in countries)):
        raise SmsNotSent()
    if budgets.charge("sms", "all", current_app.config["SMS_PER_DAY"], 86400):
        raise SmsNotSent()
    url = current_app.config["SMS_URL"]
    if url.startswith("outbox:") or not url:
        if not outbox_used() and not url:
            raise SmsNotSent()
        put_in_outbox("sms", number, "", text, "")
        return
    try:
        with waiting():
            sms.send(number, text, params)
    except SmsNotSent:
        metrics.messages.labels("sms", "refused").inc()
        raise
    metrics.messages.labels("sms", "sent").inc()


def outbox_used() -> bool:
    """Only beside devtools does a message that cannot leave go to the outbox."""
    return "userapp.devtools" in current_app.config["PLUGINS"]


def outbox_folder() -> Path:
    """Where the outbox keeps one file a message."""
    return Path(current_app.instance_path) / "outbox"


def put_in_outbox(kind: str, to: str, subject: str, text: str, html: str) -> None:
    """Write a message as a file of its own; a half-written one is never seen."""
    folder = outbox_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    values = {"id": name, "kind": kind, "to": to, "subject": subject, "text": text, "html": html}
    values["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    part = folder / f"{name}.part"
    part.write_text(json.dumps(values, ensure_ascii=False), "utf-8")
    part.rename(folder / f"{name}.json")


def outbox() -> list[dict[str, Any]]:
    """The messages of the outbox, newest first, two hundred at most."""
    files = sorted(outbox_folder().glob("*.json"), reverse=True)[:200]
    return [json.loads(path.read_text("utf-8")) for path in files]
