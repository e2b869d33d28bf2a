"""One's own data: the export, the deletion, and what calls it off."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, make_response, request
from flask_login import current_user

from .. import web
from ..described import JSON, Loose, Maybe, described
from ..errors import NotFresh
from ..extensions import limiter
from ..web import Outcome
from . import services
from .errors import NothingToCallOff
from .forms import DeleteForm, KeepForm

FRESH = "OWN_DATA_FRESH_SECONDS"
blueprint = Blueprint("own_data", __name__, template_folder="templates")
DUE = {"deletion_due": Maybe(1790000000)}


@blueprint.app_context_processor
def page_values() -> dict[str, Callable[[], Any]]:
    """What the section of the security page asks for when it is shown."""
    return {"removal_due": lambda: services.due(current_user.user_id)}


@blueprint.get("/user/export")
@blueprint.get("/user/delete")
@web.signed_in
@described(data=DUE)
@web.page("own_data/page.html")
def page() -> Outcome:
    """The section of the security page by itself; as JSON, when the account will be deleted."""
    return Outcome(data=deletion(services.due(current_user.user_id)))


@blueprint.post("/user/export")
@limiter.limit("10 per minute")
@web.freshly_signed_in
@described(
    NotFresh,
    data=Loose({"account": {"uname": "ning"}, "files": {}}),
    media=("application/zip", JSON),
    query={"format": "`zip` for a zip instead of JSON."},
)
def export() -> Response:
    """Everything that is kept of the caller: a zip for browsers and with `format=zip`, JSON else."""
    web.require_fresh(FRESH)
    found = services.export(current_user._get_current_object())
    if web.is_browser() or request.values.get("format") == "zip":
        return download(services.zipped(found))
    files = {name: b64encode(content).decode() for name, content in found.files.items()}
    return web.as_json(Outcome(data=found.data | {"files": files}))


def download(data: bytes) -> Response:
    """A file to save."""
    response = make_response(data)
    response.mimetype = "application/zip"
    response.headers["Content-Disposition"] = "attachment; filename=account.zip"
    return response


@blueprint.post("/user/delete")
@web.freshly_signed_in
@described(NotFresh, data=DUE)
@web.form_view(DeleteForm)
def delete(form: DeleteForm) -> Outcome:
    """Have the account deleted when the waiting time is over."""
    web.require_fresh(FRESH)
    due = services.ask(current_user._get_current_object())
    return Outcome("账号将被删除，在那之前可以撤销", deletion(due), goto="own_data.page")


@blueprint.post("/user/delete/cancel")
@web.signed_in
@described(NothingToCallOff, data=DUE)
@web.form_view(DeleteForm)
def call_off(form: DeleteForm) -> Outcome:
    """Let the account stay."""
    services.call_off(current_user._get_current_object())
    return Outcome("已撤销删除，账号保持不变", deletion(None), goto="own_data.page")


@blueprint.get("/user/delete/keep")
@web.anyone
@described(NothingToCallOff, query={"link": "The signed part of the link."})
@web.page("own_data/keep.html")
def keep_page() -> Outcome:
    """What the mail's link opens: it says what the button does, and does nothing itself."""
    link = request.args.get("link", "")[:1000]
    services.read(link)
    return Outcome(page={"link": link})


@blueprint.post("/user/delete/keep")
@web.anyone
@described(NothingToCallOff)
@web.form_view(KeepForm)
def keep(form: KeepForm) -> Outcome:
    """Let the account stay, asked by whoever read its mail."""
    services.keep(form.text("link"))
    return Outcome("已撤销删除，账号保持不变", goto="system.home")


def deletion(due: Any) -> dict[str, Any]:
    """What JSON says of a deletion: Unix seconds, or null."""
    return {"deletion_due": int(due.timestamp()) if due else None}
