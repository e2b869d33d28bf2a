"""What an action came to, and the only place where it becomes JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, g, jsonify, url_for

from .errors import AppError

SIZES = ("large", "middle", "small")
FLAT = ("uid", "uname", "phone", "email", "gender", "intro", "avatar")
SEX = {0: ("", -1), 1: ("男", 0), 2: ("女", 1)}
KEPT_BY_DOCUMENT_A = (401, 429, 500, 503)


@dataclass(frozen=True)
class Outcome:
    """A success: its message, its data, what document A has at the top level, where a browser goes."""

    msg: str = ""
    data: Any = None
    flat: Mapping[str, Any] | None = None
    goto: str | None = None
    said: str = ""  # what a page tells where JSON keeps `msg` empty
    status: int = 200
    template: str | None = None
    page: Mapping[str, Any] = field(default_factory=dict)


def as_json(outcome: Outcome, translate: Callable[[str], str]) -> Response:
    """The envelope of document B, with document A's fields beside `msg` where the outcome asks for it."""
    failed = outcome.status >= 400
    body: dict[str, Any] = {"status": not failed, "code": outcome.status if failed else 0}
    body |= {"msg": translate(outcome.msg), "data": outcome.data}
    if outcome.flat:
        body |= {name: outcome.flat[name] for name in FLAT}
    response = jsonify(body)
    if outcome.status != 200:
        response.status_code = outcome.status
    return response


def bare(document: Mapping[str, Any]) -> Response:
    """An object whose shape a standard fixes, so that it has no envelope."""
    return jsonify(document)


def refusal(error: AppError, document: str | None, translate: Callable[[str], str]) -> Response:
    """The envelope of a failure, with the HTTP status the endpoint's document allows."""
    response = jsonify({"status": False, "code": error.number, "msg": error.text_in(translate), "data": None})
    response.status_code = http_status(error, document)
    return with_headers(response, error)


def with_headers(response: Response, error: AppError) -> Response:
    """`Retry-After` and `Allow`, for JSON and pages alike; and the number, for whoever counts."""
    g.outcome = error.number
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.allow:
        response.headers["Allow"] = error.allow
    return response


def http_status(error: AppError, document: str | None) -> int:
    """Document B: always 200. Document A: 403 but for a few. Beyond them the error's own."""
    if document == "B" and current_app.config["HTTP_STATUS"] != "strict":
        return 200
    if document == "A" and error.status not in KEPT_BY_DOCUMENT_A:
        return 403
    return error.status


def user_fields(user: Any) -> dict[str, Any]:
    """Both documents' fields of an account, as one object; `user` is a User or a row with its columns."""
    sex, sex_flag = SEX[user.gender]
    pictures = avatar_urls(user)
    return {
        "id": user.id,
        "uid": user.uid,
        "uname": user.uname,
        "name": user.name,
        "user_type": user.user_type,
        "phone": user.phone,
        "email": user.email,
        "gender": user.gender,
        "sex": sex,
        "sex_flag": sex_flag,
        "intro": user.intro,
        "description": user.intro,
        "avatar": pictures["middle"],
        "avatar_more": {"lager": pictures["large"], **pictures},
    }


def avatar_url(user: Any, size: str) -> str:
    """Where one size of an account's picture is; a new picture has a new address."""
    return avatar_urls(user)[size]


def avatar_urls(user: Any) -> dict[str, str]:
    """Where every size of it is."""
    base, number = current_app.config["BASE_URL"], user.id
    if user.avatar_key is not None:
        end = f"{number % 1000:03d}/{number}.png?_t={user.avatar_changed_at}"
        return {size: f"{base}/avatar/{size}/{end}" for size in SIZES}
    if "avatar.default" in current_app.view_functions:
        end = f"{number}.svg?name={quote(user.uname[:1])}"
        return {size: f"{base}/avatar/default/{size}/{end}" for size in SIZES}
    return {size: base + url_for("static", filename=f"avatar-{size}.png") for size in SIZES}
