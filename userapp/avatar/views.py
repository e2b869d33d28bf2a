"""Uploading (one service, both documents' spellings), removing, and the pictures themselves."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug import Response as AnyResponse
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from .. import web
from ..described import USER, described
from ..errors import NotFound
from ..extensions import limiter
from ..forms import BaseForm
from ..replies import Outcome, user_fields
from . import services
from .default_picture import draw
from .errors import UPLOADING, RowNotUpdated
from .forms import AvatarForm

blueprint = Blueprint("avatar", __name__, template_folder="templates")

# A picture is data: whoever opens it as a page gets nothing that runs, and front ends elsewhere may show it.
PUBLIC = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "cross-origin"}


@blueprint.route("/user/avatar", methods=["GET", "POST"])
@web.signed_in
@web.document("A")
@described(*UPLOADING, NotFound, data=USER)
@web.form_view(AvatarForm, "avatar/avatar.html")
def upload(form: AvatarForm) -> Outcome:
    """Change the picture: document A, and the page."""
    row = services.change_avatar(current_user.user_id, form.picture, form.square())
    return Outcome("成功地修改了头像", data=user_fields(row), goto="avatar.upload")


@blueprint.route("/user/upload_avatar", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@described(*UPLOADING, NotFound, data=USER)
@web.form_view(AvatarForm, "avatar/avatar.html")
def upload_avatar(form: AvatarForm) -> Outcome:
    """Change the picture: document B, and the same page."""
    row = services.change_avatar(current_user.user_id, form.picture, form.square())
    return Outcome(data=user_fields(row), goto="avatar.upload")


@blueprint.post("/user/avatar/remove")
@web.signed_in
@described(RowNotUpdated, NotFound, data=USER)
@web.form_view(BaseForm)
def remove(form: BaseForm) -> Outcome:
    """Go back to the default picture."""
    row = services.remove_avatar(current_user.user_id)
    return Outcome("已移除头像", data=user_fields(row), goto="avatar.upload")


@blueprint.get("/avatar/<any(large, middle, small):size>/<shelf>/<int:user_id>.png")
@limiter.exempt
@web.anyone
@described(
    media=("image/png", "image/webp"),
    also={302: "There is none: the default one is there.", 304: "The one the client has."},
    query={"_t": "The second of the change; with the present one the picture may be kept for a day."},
)
def picture(size: str, shelf: str, user_id: int) -> AnyResponse:
    """Show the picture the account's row names, or lead to the default one."""
    if shelf != f"{user_id % 1000:03d}" or user_id >= 2**63:
        raise NotFound()
    row, kind, found = services.find_avatar(user_id, size, _kinds())
    if found is None:
        response = redirect(url_for("avatar.default", size=size, user_id=user_id, name=row.uname[:1]), 302)
        response.headers["Cache-Control"] = "no-cache"
    else:
        named = request.args.get("_t") == str(row.avatar_changed_at)
        response = _cached(found, f"image/{kind}", 86400 if named else 0)
    response.vary.add("Accept")
    return response


@blueprint.get("/avatar/default/<any(large, middle, small):size>/<int:user_id>.svg")
@limiter.exempt
@web.anyone
@described(media=("image/svg+xml",), also={304: "The one the client has."}, query={"name": "The letter it shows."})
def default(size: str, user_id: int) -> AnyResponse:
    """Draw an initial; everything it shows is in its address, so that nothing is looked up."""
    drawn = draw(user_id, request.args.get("name", ""), services.workshop().sizes[size])
    return _cached(drawn.encode(), "image/svg+xml", 86400)


def _kinds() -> tuple[str, ...]:
    """WebP to those who name it: `*/*` is said by those, too, who cannot show it."""
    asked = parse_accept_header(request.headers.get("Accept"), MIMEAccept)
    webp = any(kind == "image/webp" and quality > 0 for kind, quality in asked)
    return ("webp", "png") if webp else ("png",)


def _cached(data: bytes, kind: str, seconds: int) -> AnyResponse:
    response = Response(data, mimetype=kind, headers=PUBLIC)
    response.headers["Cache-Control"] = f"public, max-age={seconds}" if seconds else "no-cache"
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    return response.make_conditional(request)


@blueprint.app_context_processor
def page_values() -> dict[str, int]:
    """Tell the page how large a file may be, and how small a picture."""
    return {"max_bytes": current_app.config["AVATAR_MAX_BYTES"], "min_side": current_app.config["AVATAR_MIN_SIDE"]}


for _view in (upload, upload_avatar):
    setattr(_view, "body_limit", "AVATAR_MAX_BYTES")  # noqa: B010 - the kernel reads the mark before a body is read
