"""The door of the house: access, forms in, outcomes out, and the only place that asks "browser or JSON?"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user

from . import replies
from .addresses import client_address
from .credentials import Fresh, Issued, Origin
from .errors import AppError, NotAllowed, NotFresh, NotSignedIn, PostRequired
from .forms import BaseForm
from .languages import Told, json_text, page_language, translate
from .models import now
from .replies import Outcome as Outcome  # features take it from here

View = TypeVar("View", bound=Callable[..., Any])
Action = Callable[..., Outcome]
Door = Callable[..., Response]


# who may enter


def anyone(view: View) -> View:
    """Open to strangers."""
    return _marked(view, access="anyone")


def signed_in(view: View) -> View:
    """Only with a live session or token: NotSignedIn else."""
    return _guarded(view, "signed_in", lambda: None)


def token_only(view: View) -> View:
    """Only with a live token."""
    return _guarded(view, "token_only", _require_token)


def freshly_signed_in(view: View) -> View:
    """Only where the password was given within FRESH_SECONDS (0 = the documents ask for no such thing)."""
    return _guarded(view, "freshly_signed_in", require_fresh)


def admin(view: View) -> View:
    """Only administrators; to change something they must have given their password within ADMIN_FRESH_SECONDS."""
    return _guarded(view, "admin", _require_admin)


def _guarded(view: View, access: str, require: Callable[[], None]) -> View:
    @wraps(view)
    def enter(**values: Any) -> Any:
        if getattr(view, "post_only", False) and request.method in ("GET", "HEAD") and not is_browser():
            raise PostRequired(allow="POST")
        if not current_user.is_authenticated:
            raise NotSignedIn()
        require()
        return view(**values)

    return _marked(cast(View, enter), access=access)


def _require_token() -> None:
    if current_user.kind != "token":
        raise NotSignedIn()


def require_fresh(setting: str = "FRESH_SECONDS") -> None:
    """Raise NotFresh where the setting (by default the profile's) wants the password given lately and it was not."""
    seconds = current_app.config[setting]
    if seconds and now() - current_user.fresh_at > timedelta(seconds=seconds):
        raise NotFresh()


def _require_admin() -> None:
    if current_user.user.user_type != "admin":
        raise NotAllowed()
    if request.method not in ("GET", "HEAD"):
        require_fresh("ADMIN_FRESH_SECONDS")


def document(letter: str) -> Callable[[View], View]:
    """Which of the two documents an endpoint belongs to: it decides the HTTP status of refusals."""
    return lambda view: _marked(view, document=letter)


def changes_on_get(view: View) -> View:
    """A documented GET that changes something: the cross-site check holds for it too."""
    return _marked(view, changes_on_get=True)


def _marked(view: View, **marks: Any) -> View:
    for name, value in marks.items():
        setattr(view, name, value)
    return view


# in and out


def is_browser() -> bool:
    """Whether the caller is a person's browser navigating: it prefers HTML to JSON."""
    program = request.environ.get("HTTP_ACCEPT", "*/*") in ("*/*", "application/json")  # told without parsing
    return not program and request.accept_mimetypes["text/html"] > request.accept_mimetypes["application/json"]


def form_view(form_class: type[BaseForm], template: str | None = None) -> Callable[[Action], Door]:
    """Fill and check the form, call the view with it, and answer its outcome or its AppError to whoever asked.

    GET shows `template` to a browser and is PostRequired for everybody else.
    """

    def decorate(view: Action) -> Door:
        @wraps(view)
        def handle(**values: Any) -> Response:
            if request.method in ("GET", "HEAD"):
                if template is None or not is_browser():
                    raise PostRequired(allow="POST")
                return _show(template, form_class(formdata=None, data=request.args.to_dict()), None)
            form = None
            try:
                form = form_class.of(request)
                form.check()
                return answer(view(form, **values))
            except AppError as error:
                if template is None or not is_browser() or error.status in (401, 500):
                    raise
                return _show(template, form or form_class(formdata=None), error)

        return _marked(handle, post_only=True, form=form_class, template=template)

    return decorate


def page(template: str) -> Callable[[Action], Door]:
    """A view that reads: its outcome's data for JSON, `template` with the outcome's `page` values for a browser."""

    def decorate(view: Action) -> Door:
        @wraps(view)
        def handle(**values: Any) -> Response:
            outcome = view(**values)
            if not is_browser():
                return answer(outcome)
            return _page(template, form=None, error=None, data=outcome.data, **outcome.page)

        return handle

    return decorate


def _page(template: str, **values: Any) -> Response:
    return make_response(render_template(template, **values))


def _show(template: str, form: BaseForm, error: AppError | None) -> Response:
    response = _page(template, form=form, error=error and Told(error))
    if error is not None:
        response.status_code = replies.http_status(error, _document() if _document() == "A" else None)
        replies.with_headers(response, error)
    return response


def answer(outcome: Outcome) -> Response:
    """The fork: JSON, or the message said once and on to the next page."""
    if not is_browser():
        return replies.as_json(outcome, json_text)
    if outcome.template:
        return _page(outcome.template, form=None, error=None, **outcome.page)
    if told := outcome.said or outcome.msg:
        flash(translate(told, page_language()))
    return make_response(redirect(safe_next() or url_for(outcome.goto or "system.home"), 303))


def as_json(outcome: Outcome) -> Response:
    """JSON whoever asks: for answers no page exists for."""
    return replies.as_json(outcome, json_text)


def refuse(error: AppError) -> Response:
    """The same fork for what no form's own page answers."""
    if not is_browser():
        return replies.refusal(error, _document(), json_text)
    if isinstance(error, NotSignedIn) and "auth.login" in current_app.view_functions:
        flash(Told(error).text, "error")
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return make_response(redirect(url_for("auth.login", next=back), 303))
    if error.status == 400:  # the request has no address of ours: a page with links could not be built for it
        return Response(Told(error).text, 400, mimetype="text/plain")
    response = _page("error.html", form=None, error=Told(error), request_id=g.get("request_id"))
    response.status_code = error.status
    return replies.with_headers(response, error)


def _document() -> str | None:
    view = current_app.view_functions.get(g.get("endpoint") or request.endpoint or "")
    return getattr(view, "document", None)


def safe_next() -> str | None:
    """`next` if it is a path of this service; anything else could lead a person who just signed in elsewhere."""
    target = request.form.get("next") or request.args.get("next") or ""
    bad = not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target or len(target) > 500
    return None if bad or any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in target) else target


# sessions


def origin() -> Origin:
    """Where the caller is, for the list of sessions."""
    return Origin(client_address(), request.headers.get("User-Agent", ""))


def start(issued: Issued) -> None:
    """Put a new session into the caller's cookie, in place of whatever was there before."""
    leave()
    if issued.kind == "session":
        login_user(Fresh(issued))
        for name in ("_fresh", "_id"):  # Flask-Login's own marks: nothing of ours reads them
            session.pop(name, None)
        session.permanent = issued.remember


def renew(key: str) -> None:
    """Carry on with a credential's new key: in the session cookie, or in the token cookie if the token came by it."""
    if current_user.kind == "session":
        session["_user_id"] = key
    elif request.cookies.get("token") == current_user.key:
        set_cookie("token", key, 86400 * current_app.config["TOKEN_DAYS"])


def leave() -> None:
    """Forget the session and the token cookie on this device."""
    open_pages = session.get("csrf_token")
    logout_user()
    session.clear()
    if open_pages:  # a page that is open in another tab can still be sent
        session["csrf_token"] = open_pages
    if "token" in request.cookies:
        set_cookie("token", "", 0)


def set_cookie(name: str, value: str, seconds: int) -> None:
    """Set one of our cookies on the reply under way; `seconds` 0 takes it away."""
    g.setdefault("cookies", {})[name] = (value, seconds)
