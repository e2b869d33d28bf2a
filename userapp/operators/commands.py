"""`flask --app wsgi users …`: accounts made, shown, disabled and enabled."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app
from sqlalchemy.exc import IntegrityError

from .. import accounts, audit
from ..accounts import OPERATOR, TYPES
from ..extensions import db, reading
from . import overview, setup_links
from .columns import account
from .creating import Candidate, create, judge
from .output import json_option, plainly, say
from .transfer import export_command, import_command
from .upkeep import messages, purge_command, sessions


@click.group()
def users() -> None:
    """Accounts: made, shown, disabled, imported, exported, and what they are signed in with."""


for command in (import_command, export_command, purge_command, sessions, messages):
    users.add_command(command)


@users.command("create")
@click.argument("uname")
@click.option("--email", default="", help="E-mail address.")
@click.option("--phone", default="", help="Phone number.")
@click.option("--name", default="", help="Real name.")
@click.option("--uid", default="", help="Account number; by default the id.")
@click.option("--type", "user_type", type=click.Choice(TYPES), default=TYPES[0], show_default=True)
@click.option("--admin", is_flag=True, help="The same as --type admin.")
@json_option
@plainly
def create_command(as_json: bool, admin: bool, **values: Any) -> None:
    """Make an account without a password and print the link that sets one, once."""
    if admin:
        values["user_type"] = "admin"
    one = Candidate(0, values, *account(values))
    user_id = _create(one)
    link = setup_links.link(user_id)
    hours = current_app.config["SETUP_LINK_HOURS"]
    lines = [
        f"Account {user_id} ({one.stored['uname']}, {one.stored['user_type']}) has no password yet.",
        f"This link sets it, once, within {hours} hours; it is shown only here:",
        link,
    ]
    say({"id": user_id, "uname": one.stored["uname"], "link": link, "hours": hours}, lines, as_json)


def _create(one: Candidate) -> int:
    """Store one account, or say what speaks against it."""
    made: list[int] = []
    if not one.problems:
        try:
            with reading() as connection:
                judge(connection, [one])
            if not one.problems:
                made = create([one.stored])
                audit.record("register", made[0], actor_id=OPERATOR, by="command")
                db.session.commit()
        except IntegrityError:  # somebody was faster
            db.session.rollback()
            raise click.ClickException("one of the names was taken in this moment") from None
    if one.problems:
        raise click.ClickException("; ".join(problem.says for problem in one.problems))
    return made[0]


@users.command("link")
@click.argument("who")
@json_option
@plainly
def link_command(who: str, as_json: bool) -> None:
    """Print a one-time link that sets a new password; all the account is signed in with ends."""
    user = overview.find(who)
    link = setup_links.link(user.id)
    say({"id": user.id, "link": link}, link, as_json)


@users.command("list")
@click.option("--type", "user_type", type=click.Choice(TYPES), help="Only accounts of this type.")
@click.option("--disabled/--enabled", default=None, help="Only accounts that are, or are not, disabled.")
@click.option("--after", default=0, metavar="ID", help="Begin behind this id.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
@json_option
@plainly
def list_command(user_type: str | None, disabled: bool | None, after: int, limit: int, as_json: bool) -> None:
    """Accounts in the order of their ids."""
    rows = overview.page(user_type, disabled, after, limit)
    lines = [
        "\t".join(
            str(row[name] or "-") for name in ("id", "uid", "uname", "user_type", "email", "phone")
        ) + ("\tdisabled" if row["disabled"] else "")
        for row in rows
    ]  # fmt: skip
    following = rows[-1]["id"] if len(rows) == limit else None
    if following:
        lines.append(f"more: --after {following}")
    say({"users": rows, "after": following}, lines, as_json)


@users.command("show")
@click.argument("who")
@json_option
@plainly
def show_command(who: str, as_json: bool) -> None:
    """One account: by user name, account number, phone or e-mail, or id:12."""
    found = overview.one(who)
    lines = [f"{name}: {'' if value is None else value}" for name, value in found.items() if name != "events"]
    lines += [f"{event['at']}  {event['event']}  {event['outcome']}" for event in found["events"]]
    say(found, lines, as_json)


@users.command("disable")
@click.argument("who")
@json_option
@plainly
def disable_command(who: str, as_json: bool) -> None:
    """Let nobody sign in to an account; all it is signed in with ends at once."""
    _switch(who, accounts.disable, "disabled", as_json)


@users.command("enable")
@click.argument("who")
@json_option
@plainly
def enable_command(who: str, as_json: bool) -> None:
    """Let the owner of a disabled account sign in again."""
    _switch(who, accounts.enable, "enabled", as_json)


def _switch(who: str, verb: Any, state: str, as_json: bool) -> None:
    user = overview.find(who)
    changed = verb(user.id, OPERATOR)
    line = f"account {user.id} ({user.uname}) is {state}" + ("" if changed else " already")
    say({"id": user.id, "uname": user.uname, "changed": changed}, line, as_json)


@users.command("type")
@click.argument("who")
@click.argument("user_type", type=click.Choice(TYPES))
@json_option
@plainly
def type_command(who: str, user_type: str, as_json: bool) -> None:
    """Make an account a student, teacher or administrator; it signs in anew."""
    _switch(who, lambda user_id, by: accounts.set_type(user_id, user_type, by), f"of type {user_type}", as_json)


@users.command("remove")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@plainly
def remove_command(who: str, yes: bool, as_json: bool) -> None:
    """Delete an account and what belongs to it, at once and for good."""
    user = overview.find(who)
    if not yes:
        click.confirm(f"Delete account {user.id} ({user.uname})?", abort=True, err=True)
    accounts.remove(user.id, OPERATOR)
    say({"id": user.id, "uname": user.uname}, f"account {user.id} ({user.uname}) is deleted", as_json)
