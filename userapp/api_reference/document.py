"""The OpenAPI document: every route with its docstring, its form, its marks and the numbers it may answer."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator

from flask import Flask
from werkzeug.routing import Rule

from .. import __version__
from ..errors import AppError, Registry
from . import operation
from .schemas import Json

Status = Callable[[AppError, str | None], int]
PARAMETER = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<values>[^)]*)\))?:)?(?P<name>\w+)>")
NOT_DESCRIBED = ("HEAD", "OPTIONS")
ABOUT = """Accounts: registration, sign-in, information, pictures, passwords, e-mail addresses.

Parameters come as a form, as multipart or as JSON; a JSON number or boolean means its text. Every JSON reply is one
envelope, `status`, `code`, `msg`, `data`; clients go by `code`. `msg` is Chinese, with `lang=en` English. Whoever
prefers `text/html` gets pages from the same addresses. A request that carries a cookie and changes something must come
from this origin.

Not listed with every operation: what the HTTP server itself refuses (400, 413, 414, 431), and methods a path does not
have (number 405, or 10108 where it has `POST`)."""
CREDENTIALS = {
    "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "Set by signing in."},
    "token": {"type": "apiKey", "in": "header", "name": "token", "description": "64 hexadecimal digits."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same token."},
    "tokenCookie": {"type": "apiKey", "in": "cookie", "name": "token", "description": "The same token."},
    "tokenParameter": {
        "type": "apiKey", "in": "query", "name": "__token",
        "description": "The same token, in the query or the body, where the security profile allows it.",
    },
}  # fmt: skip


def of(app: Flask, status: Status) -> Json:
    """The document of an application, made once; `status` tells the HTTP status of a refusal."""
    kept: Json = app.extensions.setdefault("userapp.api_reference", {})
    if not kept:
        kept.update(made(app, status))
    return kept


def made(app: Flask, status: Status) -> Json:
    """The document, newly made."""
    shapes: dict[str, Json] = {}
    paths: Json = {}
    registry, values = app.extensions["userapp.errors"], operation.values_of(app)
    for rule, method in operations(app):
        subject = operation.Subject.of(app, rule, method, status)
        described = operation.of(subject, shapes, parameters_of(rule))
        paths.setdefault(path_of(rule), {})[method.lower()] = described
    tags = [{"name": name, "description": about(app, name)} for name in app.blueprints]
    return {
        "openapi": "3.1.0",
        "info": {"title": app.config["SITE_NAME"], "version": __version__, "description": ABOUT},
        "servers": [{"url": app.config["BASE_URL"]}],
        "tags": tags,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": shapes,
            "examples": {str(number): operation.example_of(error(**values)) for number, error in registry.items()},
            "securitySchemes": CREDENTIALS | session_cookie(app),
        },
        "x-errors": numbers(registry),
    }


def session_cookie(app: Flask) -> Json:
    """The session's cookie has another name on https."""
    return {"session": {**CREDENTIALS["session"], "name": app.config["SESSION_COOKIE_NAME"]}}


def operations(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route and method of the application, its static files aside."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            yield from ((rule, method) for method in sorted(rule.methods or ()) if method not in NOT_DESCRIBED)


def path_of(rule: Rule) -> str:
    """A route as OpenAPI spells it."""
    return PARAMETER.sub(lambda found: "{" + found["name"] + "}", str(rule))


def parameters_of(rule: Rule) -> list[Json]:
    """The parts of a path that vary."""
    found: list[Json] = []
    for match in PARAMETER.finditer(str(rule)):
        schema: Json = {"type": "integer", "minimum": 0} if match["kind"] == "int" else {"type": "string"}
        if match["kind"] == "any":
            schema["enum"] = [value.strip() for value in match["values"].split(",")]
        found.append({"name": match["name"], "in": "path", "required": True, "schema": schema})
    return found


def about(app: Flask, name: str) -> str:
    """What a feature says of itself."""
    module = sys.modules.get(app.blueprints[name].import_name.rpartition(".")[0])
    return first_paragraph(module) if module else ""


def first_paragraph(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def numbers(registry: Registry) -> list[Json]:
    """Every number with its message and when it is answered."""
    return [
        {"number": number, "message": error.message, "when": re.sub(r"^-?\d+: ", "", first_paragraph(error))}
        for number, error in sorted(registry.items())
    ]
