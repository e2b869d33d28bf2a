"""The endpoints of captcha, registration, sign-in and sign-out."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, request, session
from flask_login import current_user

from .. import credentials, replies, web
from ..addresses import client_network
from ..credentials import Caller, Issued
from ..described import JSON, TOKEN, USER, Loose, Shape, Sometimes, described
from ..errors import NotFound
from ..extensions import limiter
from ..web import Outcome
from . import captcha as challenges
from . import devices, picture, services, speech
from .errors import REGISTERING, SIGNING_IN
from .forms import ClientForm, LoginForm, RegisterForm

blueprint = Blueprint("auth", __name__, template_folder="templates")
ACCOUNT = Shape("Account", {**USER, "token": Sometimes(TOKEN["token"]), "expire": Sometimes(TOKEN["expire"])})


@blueprint.get("/captcha")
@limiter.limit("60 per minute")
@web.anyone
@web.document("A")
@described(
    NotFound,
    data=Loose({"work": "…"}),
    media=("image/png", "audio/wav", JSON),
    query={"format": "`audio` for a WAV, `work` for something to compute, instead of a PNG."},
)
def captcha() -> Response:
    """A new challenge as a picture; `format=audio` speaks the one the client has, `format=work` lets it compute."""
    if (wanted := request.args.get("format")) in ("audio", "work"):
        nonce = challenges.unspent(request.cookies.get(challenges.COOKIE, "")) or _new_challenge()
        return _spoken(nonce) if wanted == "audio" else web.as_json(Outcome(data=challenges.work_for(nonce)))
    return _media(picture.draw(challenges.answers(_new_challenge())[0]), "image/png")


def _new_challenge() -> str:
    cookie = challenges.issue()
    web.set_cookie(challenges.COOKIE, cookie, challenges.LIFE)
    return challenges.nonce_of(cookie) or ""


def _spoken(nonce: str) -> Response:
    with limiter.limit("10 per minute"):
        return _media(speech.speak(challenges.answers(nonce)[0]), "audio/wav")


def _media(data: bytes, kind: str) -> Response:
    response = make_response(data)
    response.mimetype = kind
    return response


@blueprint.route("/login", methods=["GET", "POST"])
@web.anyone
@web.document("A")
@described(*SIGNING_IN, data=ACCOUNT, flat=True)
@web.form_view(LoginForm, "auth/login.html")
def login(form: LoginForm) -> Outcome:
    """Sign in by user name, account number, phone or e-mail."""
    kind, identifier = form.identifier()
    issued = services.sign_in(kind, identifier, form.password.data, given(form), client(form))
    return entered(issued, "登录成功")


@blueprint.route("/register", methods=["GET", "POST"])
@web.anyone
@web.document("A")
@described(*REGISTERING, data=ACCOUNT, flat=True)
@web.form_view(RegisterForm, "auth/register.html")
def register(form: RegisterForm) -> Outcome:
    """Make an account and sign it in."""
    names = form.text("uname"), form.text("phone"), form.text("email")
    issued = services.register(*names, form.password.data, given(form), client(form))
    return entered(issued, "注册成功")


@blueprint.route("/logout", methods=["GET", "POST"])
@web.anyone
@web.document("A")
@web.changes_on_get
@described()
def logout() -> Response:
    """End the session or token this request came with, and forget it on this device."""
    for caller in carried():
        services.sign_out(caller)
    web.leave()
    response = web.answer(Outcome("已清除登录信息", goto="auth.login"))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def carried() -> list[Caller]:
    """All this request came with: what decided who asks, and what stands in the cookies that are taken away."""
    decided, cookies = current_user._get_current_object(), request.cookies
    found = {decided.key: decided} if isinstance(decided, Caller) else {}
    for kind, key in (("session", session.get("_user_id", "")), ("token", cookies.get("token", "").lower())):
        if key not in found and (caller := credentials.find(key, kind)):
            found[key] = caller
    return list(found.values())


def given(form: ClientForm) -> challenges.Given:
    """The captcha as this request answers it."""
    cookie = request.cookies.get(challenges.COOKIE, "")
    return challenges.Given(cookie, form.captcha.data, waived=g.get("captcha_waived", False))


def client(form: ClientForm) -> services.Client:
    """Who asks to be signed in."""
    kind, here = form.client_kind(), current_user if current_user.is_authenticated else None
    device = devices.read(
        request.cookies.get(devices.COOKIE, ""), here.user_id if here and here.kind == "token" else None
    )
    sessions = [caller.credential_id for caller in carried() if caller.kind == "session" and kind == "web"]
    replaces = sessions[0] if sessions else None  # also where a token, alive or dead, decides who asks
    return services.Client(kind, form.remember.data, web.origin(), device, client_network(), replaces)


def entered(issued: Issued, message: str) -> Outcome:
    """Give a browser its session cookie, a program its token."""
    data = fields = replies.user_fields(issued.user)
    if issued.kind == "token":
        if "token" in request.cookies:
            web.set_cookie("token", "", 0)
        data = fields | {"token": issued.key, "expire": issued.expire}
    else:
        web.start(issued)
        device = devices.read(request.cookies.get(devices.COOKIE, ""), None)
        web.set_cookie(devices.COOKIE, device.remembering(issued.user.id), devices.LIFE)
    return Outcome(message, data, flat=fields, goto="system.home")
