"""What happens around every request: its id, the cross-site check, every reply's headers, failures as replies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from time import time
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_limiter import RateLimitExceeded
from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError, SQLAlchemyError, TimeoutError
from werkzeug.exceptions import ClientDisconnected, HTTPException, InternalServerError, RequestEntityTooLarge
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.routing import RequestRedirect
from wtforms.validators import ValidationError

from . import credentials, errors, languages, metrics, moments, request_log, web, wire
from .extensions import csrf, db, limiter, login_manager
from .forms import incoming

log = logging.getLogger("userapp")
SAFE = ("GET", "HEAD", "OPTIONS")
AWAY = (OperationalError, InterfaceError, PendingRollbackError, TimeoutError)  # the database cannot be reached
CSP = "; ".join(
    f"{name} {value}"
    for name, value in {
        "default-src": "'self'", "img-src": "'self' data: blob:", "object-src": "'none'", "base-uri": "'none'",
        "frame-ancestors": "'none'", "form-action": "'self'",
    }.items()
)  # fmt: skip
ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
VARY = ("Accept", "Cookie")
SECRETS = {"link", "code", "captcha", "token", "__token"}  # parameters that open something for whoever knows them
HTTP_ERRORS: dict[int, type[errors.AppError]] = {
    400: errors.BadRequest, 401: errors.NotSignedIn, 403: errors.NotAllowed, 404: errors.NotFound,
    413: errors.TooLarge, 429: errors.TooMany, 503: errors.Overloaded,
}  # fmt: skip


def connect(app: Flask) -> None:
    """Put every request of `app` through the checks below, in this order."""
    app.ensure_sync = lru_cache(512)(app.ensure_sync)  # type: ignore[method-assign]  # asked for every hook of a request
    request_log.connect(app)
    wire.connect(app)
    app.before_request(_begin)
    app.before_request(_refuse_cross_site)
    app.before_request(_refuse_page_without_token)
    limiter.init_app(app)
    csrf.init_app(app)
    app.after_request(_finish)
    app.teardown_request(_teardown)
    for kind in (errors.AppError, HTTPException, *AWAY, Exception):
        app.register_error_handler(kind, handle)
    _give_headers(app)


def _begin() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    g.changes_on_get = getattr(view, "changes_on_get", False)
    g.sets_cookies = g.changes_on_get or getattr(view, "access", "") == "anyone"
    if request.method in SAFE:
        return
    if limit := getattr(view, "body_limit", None):
        request.max_content_length = current_app.config[limit] + 65536
    try:
        values = incoming(request, cut=True)
    except ClientDisconnected:  # half a body must not count as an empty one
        raise
    except (errors.AppError, HTTPException):
        return  # the form of the view says so, in its own place
    g.body, g.body_token, g.body_lang = values, values.get("__token"), values.get("lang")


def _refuse_cross_site() -> None:
    if (request.method in SAFE and not g.changes_on_get) or _by_token_alone():
        return
    if not _same_origin():
        raise errors.CrossSite()


def _by_token_alone() -> bool:
    """Whether a token comes that no other site can have had sent: of a parameter only where no cookie comes or goes."""
    if credentials.came_by_header(request):
        return True
    return not g.sets_cookies and credentials.presented(request) is not None and not credentials.came_by_cookie(request)


def _same_origin() -> bool:
    origin, site = request.headers.get("Origin") or None, request.headers.get("Sec-Fetch-Site")
    if origin and origin in current_app.config["TRUSTED_ORIGINS"]:
        return True
    if site not in (None, "same-origin", "none"):
        return False
    if origin == "null":  # from a page that tells no referrer; a frame that hides its origin counts as cross-site
        return site == "same-origin"
    if origin is not None:
        return _is_ours(origin)
    strict = current_app.config["SECURITY_PROFILE"] == "strict"
    return site is not None or not (strict and credentials.came_by_cookie(request))


def _is_ours(origin: str) -> bool:
    found, base = urlsplit(origin), urlsplit(current_app.config["BASE_URL"])
    return (found.scheme, found.netloc) in {(base.scheme, base.netloc), (request.scheme, request.host)}


def _refuse_page_without_token() -> None:
    """A form of a page carries Flask-WTF's token, also before sign-in."""
    if request.method in SAFE or not web.is_browser() or _by_token_alone():
        return
    try:
        csrf.protect()
    except RequestEntityTooLarge:
        return  # too large to hold a token: its form says so, and nothing of it is read
    except (HTTPException, ValidationError):
        raise errors.CrossSite() from None


def handle(error: Exception) -> Any:
    """Every failure leaves by the same door."""
    if isinstance(error, RequestRedirect):
        return error
    told = _as_app_error(error)
    g.outcome = told.number
    if told.status >= 500:
        g._login_user = login_manager.anonymous_user()  # the page must not ask the database again
    with suppress(SQLAlchemyError):
        db.session.rollback()
    return web.refuse(told)


def _as_app_error(error: Exception) -> errors.AppError:
    if isinstance(error, errors.AppError):
        return error
    if isinstance(error, RateLimitExceeded):
        metrics.limited.labels("volume").inc()
        return errors.TooMany(retry_after=_until_reset())
    if isinstance(error, WerkzeugMethodNotAllowed):
        return _method_not_allowed(error)
    if isinstance(error, RequestEntityTooLarge):
        return errors.TooLarge()
    if isinstance(error, InternalServerError):  # what answering another failure failed with
        error = getattr(error, "original_exception", None) or error
    elif isinstance(error, HTTPException):
        known = HTTP_ERRORS.get(error.code or 500)
        return known() if known else errors.BadRequest()
    if isinstance(error, AWAY):
        log.error("database: %s request=%s", _reason(error), g.get("request_id"))
        return errors.Overloaded(retry_after=2)
    log.error("unexpected failure, request=%s", g.get("request_id"), exc_info=error)
    return errors.ServerError()


def _reason(error: Exception) -> str:
    """What the driver says, without the statement and its further lines."""
    return f"{type(error).__name__}: {getattr(error, 'orig', None) or error}".split("\n", 1)[0]


def _until_reset() -> int:
    with suppress(Exception):  # the store that is asked may have gone a moment ago
        if limit := limiter.current_limit:
            return max(1, int(limit.reset_at - time()) + 1)
    return 60


def _method_not_allowed(error: WerkzeugMethodNotAllowed) -> errors.AppError:
    allowed = sorted(error.valid_methods or ())
    adapter = current_app.create_url_adapter(request)
    if adapter is not None and allowed:
        g.endpoint = adapter.match(method=allowed[0])[0]
    if "POST" in allowed:
        return errors.PostRequired(allow=", ".join(allowed))
    return errors.MethodNotAllowed(allow=", ".join(allowed))


def _give_headers(app: Flask) -> None:
    """Put what every reply has on it where it leaves, so that no failure of any kind goes without."""
    inner = app.wsgi_app
    always = ALWAYS | (HSTS if app.config["SESSION_COOKIE_SECURE"] else {})
    defaults = [(name.lower(), (name, value)) for name, value in always.items()]

    def outer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            return start(status, headers + [line for name, line in defaults if name not in present], *error)

        return inner(environ, begin)

    app.wsgi_app = outer  # type: ignore[assignment,method-assign]


def _finish(response: Response) -> Response:
    headers, environ, opened = response.headers, request.environ, g._get_current_object()
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    for name, (value, seconds) in opened.get("cookies", {}).items():
        response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=secure, path="/")
    if environ.get("QUERY_STRING") and not SECRETS.isdisjoint(request.args):
        headers["Referrer-Policy"] = "no-referrer"  # what the next request tells of this page's address
    present = {name.lower(): value for name, value in headers}
    headers.add("X-Request-Id", opened.get("request_id", ""))
    if "public" not in present.get("cache-control", ""):
        response.vary.update(VARY) if "vary" in present else headers.add("Vary", ", ".join(VARY))
    if environ.get("QUERY_STRING"):
        _remember_choices(response, secure)
    return _cors(response) if "HTTP_ORIGIN" in environ else response


def _remember_choices(response: Response, secure: bool) -> None:
    """Language and zone, as a link or form of a page names them: no secrets, and for a year."""
    language, zone = request.args.get("lang", ""), request.args.get("zone", "")
    known = {languages.COOKIE: language in languages.LANGUAGES, moments.COOKIE: zone and moments.is_zone(zone)}
    for name, choice in {languages.COOKIE: language, moments.COOKIE: zone}.items():
        if known[name] and web.is_browser():
            response.set_cookie(name, choice, max_age=31536000, samesite="Lax", secure=secure)


def _cors(response: Response) -> Response:
    origin = request.headers.get("Origin")
    if origin and origin in current_app.config["TRUSTED_ORIGINS"]:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.vary.add("Origin")
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type, token, Authorization, X-Session-Id"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _teardown(_error: BaseException | None) -> None:
    caller = g.get("_login_user")
    if caller is not None and isinstance(caller, credentials.Caller):
        db.session.remove()  # what the reply read after the commit holds SQLite's write lock, which touch waits for
        try:
            credentials.touch(caller)
        except SQLAlchemyError as error:  # whoever asked has the answer: a note that could not be written is no failure
            log.warning("not noted as seen: %s", type(error).__name__)
