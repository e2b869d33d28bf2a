"""The pages administrators read: figures, accounts, one account, events."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from .. import described as api
from .. import replies, web
from ..errors import NotFound, NotFresh
from ..web import Outcome
from . import dashboard as figures
from . import events, search
from .errors import WrongFilter
from .forms import EventsForm, UsersForm

blueprint = Blueprint("admin", __name__, template_folder="templates")
MORE = {"email_verified": True, "disabled": False, "created_at": "2026-11-21T08:00:00+00:00"}
PERSON = api.Shape("Person", {**api.USER, **MORE})
EVENT = api.Loose({"id": 7, "at": "2026-11-21T08:00:00+00:00", "event": "sign_in", "user_id": 31, "outcome": "ok"})


@blueprint.get("/")
@web.admin
@api.described(data=api.Loose({"by": "hour"}), query={"by": "`hour` or `day`."})
@web.page("admin/dashboard.html")
def dashboard() -> Outcome:
    """Registrations, sign-ins, mails and captchas by the hour or, with `by=day`, by the day."""
    found = figures.figures("day" if request.args.get("by") == "day" else "hour")
    return Outcome(data=figures.plain(found), page=found)


@blueprint.get("/users")
@web.admin
@api.described(
    WrongFilter,
    data={"users": [PERSON], "by": "uname", "next": api.Maybe("31")},
    query=UsersForm,
    links={"get_admin_users_user_id": {"user_id": "/data/users/0/id"}},
)
@web.page("admin/users.html")
def users() -> Outcome:
    """Accounts, the newest first, or those whose names begin with `q`."""
    form = asked(UsersForm)
    found, by = search.find(search.Wanted(*(form.text(name) for name in ("q", "by", "user_type", "state", "after"))))
    data = {"users": [described(row) for row in found.rows], "by": by, "next": found.next or None}
    return Outcome(data=data, page={"rows": found.rows, "by": by, "next": found.next, "asked": form})


@blueprint.get("/users/<int:user_id>")
@web.admin
@api.described(NotFound, data={"user": PERSON, "credentials": [api.Loose({"kind": "session"})], "events": [EVENT]})
@web.page("admin/user.html")
def user(user_id: int) -> Outcome:
    """One account: information, sessions, tokens, latest events."""
    found = events.person(user_id)
    told = [events.described(row) for row in found["events"]]
    data = {"user": described(found["user"]), "credentials": found["credentials"], "events": told}
    return Outcome(data=data, page={"who": found})


@blueprint.get("/events")
@web.admin
@api.described(WrongFilter, data={"events": [EVENT], "next": api.Maybe("7")}, query=EventsForm)
@web.page("admin/events.html")
def event_list() -> Outcome:
    """Security events, the latest first; of an account (`user`), by somebody (`actor`), of a name (`event`)."""
    form = asked(EventsForm)
    found = events.latest(*(form.text(name) for name in ("user", "actor", "event", "before")))
    data = {"events": [events.described(row) for row in found.rows], "next": found.next or None}
    return Outcome(data=data, page={"found": found, "names": events.names_of(found.rows), "asked": form})


def asked(form_class: Any) -> Any:
    """The query of the address as a form; raises WrongFilter (12007)."""
    form = form_class(formdata=request.args)
    form.check()
    return form


def described(row: Any) -> dict[str, Any]:
    """An account for JSON: what everybody knows of their own, and what only administrators see."""
    more = {"email_verified": row.email_verified, "disabled": row.disabled, "created_at": row.created_at.isoformat()}
    return replies.user_fields(row) | more


@blueprint.context_processor
def page_values() -> dict[str, Any]:
    """What the pages ask for when they are shown: the account an action was about, and whether one may act."""
    return {
        "person": lambda: events.person((request.view_args or {})["user_id"]),
        "fresh": is_fresh,
        "avatar_url": replies.avatar_url,
        "EVENTS": events.NAMES,
    }


def is_fresh() -> bool:
    """Whether this administrator's password was given lately enough to change something."""
    try:
        web.require_fresh("ADMIN_FRESH_SECONDS")
    except NotFresh:
        return False
    return True
