"""`/`, `/server_status/time`, and what operators ask: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

from datetime import datetime

import click
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug import Response as WerkzeugResponse

from .. import web
from ..addresses import client_address
from ..described import Loose, described
from ..errors import NotAllowed
from ..extensions import limiter
from ..purge import purge
from ..web import Outcome
from . import services

blueprint = Blueprint("system", __name__)


@blueprint.get("/")
@blueprint.get("/user/")
@web.anyone
@described()
@web.page("home.html")
def home() -> Outcome:
    """The account home, or a welcome for strangers."""
    return Outcome()


@blueprint.route("/server_status/time", methods=["GET", "POST"])
@web.anyone
@web.document("B")
@described(data={"millis": 1790000000123, "second": 1790000000, "utc": "CST", "utcOffset": 28800000, "utcNum": 8.0})
def time() -> Response:
    """The clock `confirm` of `/user/refresh_token` is compared with (document B refers to it)."""
    here = datetime.now().astimezone()
    offset = int((here.utcoffset() or here - here).total_seconds() * 1000)
    millis = int(here.timestamp() * 1000)
    data = {"millis": millis, "second": millis // 1000, "utc": here.tzname(), "utcOffset": offset}
    return web.as_json(Outcome(data=data | {"utcNum": offset / 3600000}))


@blueprint.get("/.well-known/change-password")
@web.anyone
@described(media=(), also={303: "The page that changes a password is there."})
def change_password() -> WerkzeugResponse:
    """Where password managers look for the page that changes a password."""
    return redirect(url_for("auth.password"), 303)


@blueprint.get("/healthz")
@limiter.exempt
@web.anyone
@described(data="ok")
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return web.as_json(Outcome(data="ok"))


@blueprint.get("/readyz")
@limiter.exempt
@web.anyone
@described(data=Loose("ready"), also={503: "Not ready, or overloaded."})
def readyz() -> Response:
    """Whether this node can serve; why not is told to operators only."""
    status, said = services.readiness_of_node(_by_operator())
    return web.as_json(Outcome(data=said, status=status))


@blueprint.get("/metrics")
@limiter.exempt
@web.anyone
@described(NotAllowed, media=("text/plain",))
def metrics() -> Response:
    """What all workers of this node counted, for Prometheus; operators only."""
    return Response(services.metrics_of_node(_by_operator()), content_type=services.CONTENT_TYPE)


def _by_operator() -> bool:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded"))
    return services.is_operator(client_address(), token, forwarded)


@blueprint.cli.command("purge")
def purge_command() -> None:
    """Delete what has expired, as `flask --app wsgi system purge`; for cron."""
    gone = purge()
    for table, rows in gone.items():
        click.echo(f"{table}: {rows}")
    if not gone:
        click.echo("another node is at it")
