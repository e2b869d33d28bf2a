"""The endpoints of passwords, recovery, tokens and sessions."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_login import current_user

from .. import web
from ..addresses import client_network
from ..credentials import Caller
from ..described import TOKEN, Maybe, Shape, described
from ..errors import NotFound
from ..extensions import limiter
from ..web import Outcome
from . import password_change, recovery, sessions, tokens
from .errors import CHANGING_PASSWORD, RESETTING, BadParameters, ConfirmTooOld, TokenNotRefreshed
from .forms import ChangePasswordForm, PasswordForm, RefreshForm, ResetForm, SessionsForm
from .views import blueprint, given

MOMENT = "Sat, 21 Nov 2026 08:00:00 GMT"
CREDENTIAL = Shape(
    "Credential",
    {
        "public_id": "1f2e3d4c5b6a7988", "kind": "session", "name": "", "device": "Firefox · Linux",
        "address": "203.0.113.7", "created": MOMENT, "seen": MOMENT, "expires": MOMENT, "current": True,
    },
)  # fmt: skip
EVENT = {"text": "登录", "outcome": "ok", "at": MOMENT, "address": "203.0.113.7"}


@blueprint.route("/password", methods=["GET", "POST"])
@web.signed_in
@web.document("A")
@described(*CHANGING_PASSWORD, data=Maybe(TOKEN))
@web.form_view(PasswordForm, "auth/password.html")
def password(form: PasswordForm) -> Outcome:
    """Change the password (document A)."""
    renewed = change(form.old_password.data, form.new_password.data, with_token=False)
    data = {"token": renewed.token, "expire": renewed.expire} if current_user.kind == "token" else None
    return Outcome("成功地修改了密码", data, goto="auth.security")


@blueprint.route("/change_password", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@described(*CHANGING_PASSWORD, data=TOKEN)
@web.form_view(ChangePasswordForm)
def change_password(form: ChangePasswordForm) -> Outcome:
    """Change the password and return a new token (document B)."""
    renewed = change(form.old_pwd.data, form.new_pwd.data, with_token=True)
    return Outcome(data={"token": renewed.token, "expire": renewed.expire}, goto="auth.security")


def change(old: str, new: str, *, with_token: bool) -> password_change.Renewed:
    """One service for both spellings; the caller's own credential goes on with its new key."""
    caller = current_user._get_current_object()
    renewed = password_change.change_password(
        caller, old, new, client_network(), web.origin(), with_token=with_token
    )  # fmt: skip
    web.renew(renewed.key)
    return renewed


@blueprint.route("/reset", methods=["GET", "POST"])
@limiter.limit("60 per minute", methods=["POST"])
@web.anyone
@web.document("A")
@described(*RESETTING)
@web.form_view(ResetForm, "auth/reset.html")
def reset(form: ResetForm) -> Outcome:
    """Recover an account: ask for a code, then set a new password with it."""
    return finish_reset(form) if form.finishes() else ask_for_reset(form)


def ask_for_reset(form: ResetForm) -> Outcome:
    """The first step: the pending reset is this client's alone, by its cookie."""
    asked = recovery.ask(*form.address(), given(form), client_network())
    web.set_cookie(recovery.COOKIE, asked.holder, recovery.LIFE)
    where = {"email": "已发送恢复码至邮箱", "phone": "已发送恢复码至手机"}
    return Outcome(where[asked.kind], goto="auth.reset")


def finish_reset(form: ResetForm) -> Outcome:
    """The second step; nobody is signed in by it."""
    cookie = request.cookies.get(recovery.COOKIE, "")
    recovery.finish(cookie, form.text("code"), form.new_password.data, given(form))
    web.set_cookie(recovery.COOKIE, "", 0)
    return Outcome("修改成功", goto="auth.login")


@blueprint.context_processor
def pending_reset() -> dict[str, Any]:
    """Whether the recovery page asks for an address or for the code."""
    if request.endpoint != "auth.reset":
        return {}
    cookie = request.cookies.get(recovery.COOKIE, "")
    return {"pending": "restart" not in request.args and bool(cookie) and recovery.is_pending(cookie)}


@blueprint.route("/refresh_token", methods=["GET", "POST"])
@web.token_only
@web.document("B")
@described(ConfirmTooOld, TokenNotRefreshed, data=TOKEN)
@web.form_view(RefreshForm)
def refresh_token(form: RefreshForm) -> Outcome:
    """Exchange the token for a new one (document B)."""
    token, expire = tokens.refresh(current_user._get_current_object(), form.confirm.data)
    web.renew(token)
    return Outcome(data={"token": token, "expire": expire})


@blueprint.route("/set_token_cookie", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@web.changes_on_get
@described()
def set_token_cookie() -> Response:
    """Put the token presented into the cookie `token` (document B); a session is issued one."""
    token = tokens.for_cookie(current_user._get_current_object(), web.origin())
    web.set_cookie("token", token, tokens.cookie_seconds())
    return web.answer(Outcome(goto="auth.security"))


@blueprint.get("/security")
@web.signed_in
@described(data={"credentials": [CREDENTIAL], "events": [EVENT]})
@web.page("auth/security.html")
def security() -> Outcome:
    """Password, sessions, tokens and what happened lately."""
    page = sessions.overview(current_user._get_current_object())
    return Outcome(data=page, page=page)


@blueprint.get("/sessions")
@web.signed_in
@described(data=[CREDENTIAL])
@web.page("auth/security.html")
def sessions_list() -> Outcome:
    """What the account is signed in with."""
    page = sessions.overview(current_user._get_current_object())
    return Outcome(data=page["credentials"], page=page)


@blueprint.post("/sessions", endpoint="sessions")
@web.freshly_signed_in
@described(BadParameters, NotFound, data=Maybe({"token": TOKEN["token"]}))
@web.form_view(SessionsForm)
def change_sessions(form: SessionsForm) -> Outcome:
    """End one, end all others, or make a named token."""
    caller = current_user._get_current_object()
    if name := form.text("create"):
        return made_token(caller, tokens.create(caller, name, web.origin()))
    sessions.end(caller, form.text("end"))
    return Outcome("已结束登录", goto="auth.security")


def made_token(caller: Caller, token: str) -> Outcome:
    """A new token is shown once: in the reply to a program, on the page that answers a browser."""
    page = sessions.overview(caller) | {"new_token": token}
    return Outcome("已创建令牌", {"token": token}, template="auth/security.html", page=page)
