"""What is mailed and texted, one function per message; and the queue for what no caller waits for."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from . import delivery, tallies
from .errors import MailNotSent, SmsNotSent
from .extensions import count_connections, db, reading, writing
from .languages import page_language, translate
from .models import Message, now
from .purge import purge
from .signals import serving

log = logging.getLogger("userapp.messages")
PURGE_EVERY = 300
# Seconds from a commit to the delivery of what it queued: only a known address has something to deliver, and what that
# takes would be felt in the reply under way. From one moment to another, so that nobody knows when to listen either.
REST = (0.1, 0.5)
BACK_OFF = (5, 15, 60, 300, 900, 3600)
WANTED = ("更换邮箱", "有人想把这个邮箱绑定到另一个账号，它仍属于您的账号。")


def send_reset_code(user: Any, target: str, code: str, minutes: int) -> None:
    """The code of a password reset, by mail or by text; raises MailNotSent or SmsNotSent."""
    send_code(user.language, target, "找回密码", "您正在找回密码。", code, minutes)


def send_code(language: str, target: str, subject: str, reason: str, code: str, minutes: int) -> None:
    """A code somebody waits for, sent at once; raises MailNotSent or SmsNotSent."""
    values = written(language, subject, reason, code=code, minutes=minutes)
    if "@" in target:
        delivery.send_mail(target, values["subject"], values["text"], values["html"])
    else:
        delivery.send_sms(target, values["text"], {"code": code, "minutes": str(minutes)})


def queue_activation(user: Any, target: str | None, code: str, minutes: int) -> None:
    """The code that verifies an address just given; queued, its failure undoes nothing."""
    life = timedelta(minutes=minutes)
    queue(user, target, "激活邮箱", "请验证您的邮箱地址。", code=code, minutes=minutes, life=life)


def send_wanted(owner: Any, target: str) -> None:
    """Tell who has an address that somebody else wanted it, where that other may not learn it; raises MailNotSent."""
    values = written(owner.language, *WANTED)
    delivery.send_mail(target, values["subject"], values["text"], values["html"])


def queue_wanted(owner: Any, target: str) -> None:
    """The same where nobody waits for it."""
    queue_notice(owner, target, *WANTED)


def queue_reset_code(user: Any, target: str, code: str, minutes: int) -> None:
    """The code of a reset where the reply must not wait for it; for nobody (None) as much work, and nothing leaves."""
    life = timedelta(minutes=minutes)
    message = queue(user, target, "找回密码", "您正在找回密码。", code=code, minutes=minutes, life=life)
    if user is None and message is not None:
        message.recipient, message.done = "", "void"  # the text stays for a while: as many bytes are written


def queue_notice(user: Any, target: str | None, subject: str, text: str, **values: Any) -> Message | None:
    """Tell an account's owner what happened to it; never holds a secret."""
    return queue(user, target, subject, text, life=timedelta(days=3), **values)


def written(language: str, subject: str, reason: str, **values: Any) -> dict[str, str]:
    """Subject, text and HTML of a message in a language; `values` may hold `code`, `minutes`, `link` and more."""
    tongue = language or page_language()  # who has not chosen gets what the page was in

    def say(text: str) -> str:
        return translate(text, tongue)

    site = current_app.config["SITE_NAME"]
    reason = say(reason).format(**values)
    page = {"say": say, "site": site, "reason": reason, "base_url": current_app.config["BASE_URL"], "tongue": tongue}
    return {
        "subject": f"{site} - {say(subject)}",
        "text": rendered("mail/message.txt", **page, **values),
        "html": rendered("mail/message.html", **page, **values),
    }


def rendered(template: str, **values: Any) -> str:
    """A template with nothing but these values: no request's page data, so it works from a command too."""
    return current_app.jinja_env.get_template(template).render(**values)


def queue(user: Any, target: str | None, subject: str, reason: str, life: timedelta, **values: Any) -> Message | None:
    """Write a message into the transaction under way and return it; it leaves after the commit, and only then."""
    if not target:
        return None
    content = written(user.language if user else "", subject, reason, **values)
    kind = "mail" if "@" in target else "sms"
    message = Message(kind=kind, recipient=target, expires_at=now() + life, **content)
    db.session.add(message)
    db.session.info["messages_waiting"] = True
    return message


def deliver_due(limit: int = 1000) -> int:
    """Send what is due, each claimed by one conditional statement so that no two workers send the same; how many."""
    sent = 0
    with reading() as connection:
        waiting = connection.execute(_due(limit)).scalars().all()
    for message_id in waiting:
        if (message := _claim(message_id)) is not None:
            sent += _deliver(message)
    _expire()
    return sent


def _due(limit: int) -> Any:
    waiting = select(Message.id).where(Message.done == "", Message.next_try_at <= now(), Message.expires_at > now())
    return waiting.order_by(Message.next_try_at).limit(limit)


def _claim(message_id: int) -> Any:
    """Take a message by moving its next try on: if this process dies here it is tried again, not lost."""
    with writing() as connection:
        statement = (
            update(Message)
            .where(Message.id == message_id, Message.done == "", Message.next_try_at <= now())
            .values(tries=Message.tries + 1, next_try_at=now() + lease())
        )
        return connection.execute(statement.returning(*Message.__table__.c)).one_or_none()


def lease() -> timedelta:
    """Longer than any delivery may take: only a process that died leaves a claim behind for so long."""
    config = current_app.config
    return timedelta(seconds=10 + 2 * max(config["MAIL_TIMEOUT"], config["SMS_TIMEOUT"]))


def _deliver(message: Any) -> int:
    try:
        if message.kind == "mail":
            delivery.send_mail(message.recipient, message.subject, message.text, message.html)
        else:
            delivery.send_sms(message.recipient, message.text, {})
    except Exception as error:  # whatever is wrong with this one, those behind it must leave
        log.warning("message %s waits: %s", message.id, _reason(error))
        pause = BACK_OFF[min(message.tries, len(BACK_OFF)) - 1]
        _settle(message.id, next_try_at=now() + timedelta(seconds=pause))
        return 0
    _settle(message.id, done="sent", text="", html="")
    return 1


def _reason(error: Exception) -> str:
    """What may be logged: our own refusals name a kind only, the text of any other may hold the message."""
    return str(error) if isinstance(error, MailNotSent | SmsNotSent) else type(error).__name__


def _settle(message_id: int, **values: Any) -> None:
    with writing() as connection:
        connection.execute(update(Message).where(Message.id == message_id).values(**values))


def _expire() -> None:
    late = (Message.done == "", Message.expires_at <= now())
    with reading() as connection:  # looked at every few seconds: the write lock is taken only where there is work
        if connection.execute(select(Message.id).where(*late).limit(1)).scalar() is None:
            return
    with writing() as connection:
        connection.execute(update(Message).where(*late).values(done="expired", text="", html=""))


class Courier:
    """The thread of a worker that delivers after each commit, and looks again for what was left over."""

    def __init__(self, app: Flask) -> None:
        self.app, self.wake = app, threading.Event()
        self.thread: threading.Thread | None = None
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.purge_at, self.announced = time.monotonic() + PURGE_EVERY, False

    def begin(self) -> None:
        """Start the thread unless it runs, never before a fork; it first delivers what a dead worker left behind."""
        if self.stopped.is_set() or (self.thread is not None and self.thread.is_alive()):
            return
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.wake.set()
                self.thread = threading.Thread(target=self._run, name="courier", daemon=True)
                self.thread.start()

    def call(self) -> None:
        """Have the queue looked at now."""
        self.wake.set()
        self.begin()

    def stop(self) -> None:
        """End the thread; what is queued stays queued."""
        self.stopped.set()
        self.wake.set()
        if self.thread is not None:
            self.thread.join(timeout=10)

    def _run(self) -> None:
        while not self.stopped.is_set():
            if self.wake.wait(timeout=5) and self.stopped.wait(secrets.SystemRandom().uniform(*REST)):
                return
            self.wake.clear()
            try:
                with self.app.app_context():
                    deliver_due()
                    tallies.flush()
                    count_connections()
                    self._purge_at_times()
                    self._announce()
            except Exception as error:  # the database may be away: the next round tries again
                log.warning("courier: %s", type(error).__name__)

    def _announce(self) -> None:
        if not self.announced:
            serving.send(self.app)
            self.announced = True

    def _purge_at_times(self) -> None:
        if time.monotonic() >= self.purge_at:
            self.purge_at = time.monotonic() + PURGE_EVERY
            purge(thorough=False)


def connect(app: Flask) -> None:
    """Deliver queued messages after the commit that wrote them, and from a worker's first request on."""
    courier = app.extensions["userapp.courier"] = Courier(app)
    app.before_request(courier.begin)
    with app.app_context():  # one session for all applications of a process, so one listener
        if not event.contains(db.session, "after_commit", _after_commit):
            event.listen(db.session, "after_commit", _after_commit)


def _after_commit(session: Session) -> None:
    if session.info.pop("messages_waiting", False):
        current_app.extensions["userapp.courier"].call()
