"""`/`, `/server_status/time` and `/healthz`."""

from __future__ import annotations

from datetime import datetime

import click
from flask import Blueprint, Response, redirect, url_for
from werkzeug import Response as WerkzeugResponse

from .. import web
from ..purge import purge
from ..web import Outcome

blueprint = Blueprint("system", __name__)


@blueprint.get("/")
@blueprint.get("/user/")
@web.anyone
@web.page("home.html")
def home() -> Outcome:
    """The account home, or a welcome for strangers."""
    return Outcome()


@blueprint.route("/server_status/time", methods=["GET", "POST"])
@web.anyone
@web.document("B")
def time() -> Response:
    """The clock `confirm` of `/user/refresh_token` is compared with (document B refers to it)."""
    here = datetime.now().astimezone()
    offset = int((here.utcoffset() or here - here).total_seconds() * 1000)
    millis = int(here.timestamp() * 1000)
    data = {"millis": millis, "second": millis // 1000, "utc": here.tzname(), "utcOffset": offset}
    return web.as_json(Outcome(data=data | {"utcNum": offset / 3600000}))


@blueprint.get("/.well-known/change-password")
@web.anyone
def change_password() -> WerkzeugResponse:
    """Where password managers look for the page that changes a password."""
    return redirect(url_for("auth.password"), 303)


@blueprint.get("/healthz")
@web.anyone
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return web.as_json(Outcome(data="ok"))


@blueprint.cli.command("purge")
def purge_command() -> None:
    """Delete what has expired, as `flask --app wsgi system purge`; for cron."""
    for table, rows in purge().items():
        click.echo(f"{table}: {rows}")
