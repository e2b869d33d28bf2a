"""`users purge`, `users sessions end` and `users messages retry`."""

from __future__ import annotations

import click
from sqlalchemy import delete, func, select, update

from .. import accounts, audit
from .. import messages as queue
from ..accounts import OPERATOR
from ..extensions import db, reading
from ..models import Credential, Message, now
from ..purge import purge
from .output import bar, json_option, plainly, say
from .overview import find

STEP, FEW = 1000, 10


@click.command("purge")
@json_option
@plainly
def purge_command(as_json: bool) -> None:
    """Delete what has expired; for cron. The same as `flask --app wsgi system purge`."""
    gone = purge()
    say(gone, [f"{table}: {rows}" for table, rows in gone.items()] or "another node is at it", as_json)


@click.group("sessions")
def sessions() -> None:
    """What accounts are signed in with."""


@sessions.command("end")
@click.argument("who", required=False)
@click.option("--all", "everybody", is_flag=True, help="Those of every account.")
@json_option
@plainly
def end_command(who: str | None, everybody: bool, as_json: bool) -> None:
    """End every session and token of an account, or of all."""
    if bool(who) == everybody:
        raise click.UsageError("name one account, or say --all")
    ended = _end_all() if everybody else accounts.end_everything(find(str(who)).id, OPERATOR)
    say({"ended": ended}, f"{ended} sessions and tokens ended", as_json)


def _end_all() -> int:
    """In steps, so that people can go on signing in meanwhile; begun again it goes on with what is left."""
    with reading() as connection:
        last, total = connection.execute(select(func.max(Credential.id), func.count())).one()
    ended = 0
    with bar(total, "sessions") as progress:
        while True:
            some = select(Credential.id).where(Credential.id <= (last or 0)).order_by(Credential.id).limit(STEP)
            gone = len(
                db.session.execute(delete(Credential).where(Credential.id.in_(some)).returning(Credential.id)).all()
            )
            if not gone:
                audit.record("end_everything", None, actor_id=OPERATOR, ended=ended)
            db.session.commit()
            ended += gone
            progress.update(gone)
            if not gone:
                return ended


@click.group("messages")
def messages() -> None:
    """Mails and texts that wait to be sent."""


@messages.command("retry")
@json_option
@plainly
def retry_command(as_json: bool) -> None:
    """Send now what waits for a later try."""
    waiting = (Message.done == "", Message.expires_at > now())
    later = Message.next_try_at > now() + queue.lease()  # what comes sooner may be on its way at this moment
    db.session.execute(update(Message).where(*waiting, later).values(next_try_at=now()))
    db.session.commit()
    due = select(func.count()).select_from(Message).where(*waiting)
    with reading() as connection:
        total = connection.execute(due.where(Message.next_try_at <= now())).scalar_one()
    sent = 0
    with bar(total, "messages") as progress:
        for _step in range(0, total, FEW):
            sent += queue.deliver_due(FEW)
            progress.update(FEW)
    with reading() as connection:
        left = connection.execute(due).scalar_one()
    say({"sent": sent, "waiting": left}, f"{sent} sent, {left} go on waiting", as_json)
