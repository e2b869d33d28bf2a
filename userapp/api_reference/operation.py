"""One operation of the document: what it takes, and what it answers under which status."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask
from werkzeug.routing import Rule
from wtforms import BooleanField, FileField, PasswordField

from .. import errors
from ..described import JSON, USER, Description
from ..errors import AppError
from . import schemas
from .schemas import Json

ALWAYS = (errors.ServerError, errors.Overloaded, errors.TooMany)
OF_A_BODY = (errors.InvalidInput, errors.BadRequest, errors.TooLarge, errors.CrossSite)
OF_ACCESS: dict[str, tuple[type[AppError], ...]] = {
    "anyone": (),
    "signed_in": (errors.NotSignedIn,),
    "token_only": (errors.NotSignedIn,),
    "freshly_signed_in": (errors.NotSignedIn, errors.NotFresh),
    "admin": (errors.NotSignedIn, errors.NotAllowed, errors.NotFresh),
}
LONGEST = 5000
BODIES = (JSON, "application/x-www-form-urlencoded", "multipart/form-data")
HEADERS = {429: ("Retry-After",), 503: ("Retry-After",)}
REPLY = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."},
    "Allow": {"schema": {"type": "string"}, "description": "The methods this path has."},
}


@dataclass(frozen=True)
class Subject:
    """What an operation is described from."""

    rule: Rule
    method: str
    view: Any
    description: Description
    document: str | None
    form: Any
    status: Callable[[AppError, str | None], int]
    values: dict[str, Any]

    @classmethod
    def of(cls, app: Flask, rule: Rule, method: str, status: Callable[[AppError, str | None], int]) -> Subject:
        """The marks of a route's view."""
        view = app.view_functions[rule.endpoint]
        form = getattr(view, "form", None)
        said = getattr(view, "described", Description())
        more = app.extensions.get("userapp.refusals", {}).get(rule.endpoint, ())
        return cls(
            rule, method, view, replace(said, refusals=(*said.refusals, *more)), getattr(view, "document", None),
            form(formdata=None) if form else None, status, values_of(app),
        )  # fmt: skip

    @property
    def shows_a_form(self) -> bool:
        """Whether this is the GET of an address that only changes things."""
        return self.form is not None and self.method == "GET"

    def refusals(self) -> set[type[AppError]]:
        """Every refusal this operation may answer."""
        if self.shows_a_form:
            return {*ALWAYS, errors.PostRequired, *self.of_the_path()}
        found: set[type[AppError]] = {
            *ALWAYS,
            *OF_ACCESS[getattr(self.view, "access", "anyone")],
            *self.description.refusals,
        }
        if self.method != "GET" or getattr(self.view, "changes_on_get", False):
            found.update(OF_A_BODY)
        return found | self.of_the_path()

    def of_the_path(self) -> set[type[AppError]]:
        """Where part of a path varies, there may be nothing."""
        return {errors.NotFound} if self.rule.arguments else set()


def of(subject: Subject, shapes: dict[str, Json], parameters: list[Json]) -> Json:
    """The operation as OpenAPI describes one."""
    words = " ".join((inspect.getdoc(subject.view) or "").split())
    if subject.shows_a_form:
        words = "The page of this form, for browsers; a program is told to use POST."
    slug = re.sub(r"\W+", "_", re.sub(r"<(?:[^<>]*:)?(\w+)>", r"\1", str(subject.rule))).strip("_") or "home"
    found: Json = {
        "tags": [subject.rule.endpoint.partition(".")[0]],
        "operationId": f"{subject.method.lower()}_{slug}",
        "summary": words.partition(". ")[0].rstrip(".") + ".",
        "description": words,
        "parameters": [*parameters, *([] if subject.shows_a_form else query(subject.description.query))],
        "security": [] if subject.shows_a_form else credentials(getattr(subject.view, "access", "anyone")),
        "responses": responses(subject, shapes),
        "x-access": "anyone" if subject.shows_a_form else getattr(subject.view, "access", "anyone"),
    }
    if subject.document:
        found["x-document"] = subject.document
    if subject.form is not None and subject.method == "POST":
        found["requestBody"] = body(subject.form, f"{found['tags'][0]}.{type(subject.form).__name__}", shapes)
    return found


def query(said: Any) -> list[Json]:
    """The parameters of the query, from a table or from a form."""
    told = said if isinstance(said, Mapping) else {field.name: field.description for field in said(formdata=None)}
    return [
        {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}
        for name, about in told.items()
    ]


def credentials(access: str) -> list[Json]:
    """Any one of these; a stranger's operation takes none."""
    if access == "anyone":
        return []
    tokens: list[Json] = [{name: []} for name in ("token", "bearer", "tokenCookie", "tokenParameter")]
    return tokens if access == "token_only" else [{"session": []}, *tokens]


def body(form: Any, name: str, shapes: dict[str, Json]) -> Json:
    """A form as the body of a request: JSON, form or multipart, but a file as multipart only."""
    properties = {field.name: property_of(field) for field in form}
    shapes[name] = {"type": "object", "properties": properties, "required": list(form.needs)}
    has_file = any(isinstance(field, FileField) for field in form)
    content: Json = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if form.example:
        content["example"] = dict(form.example)
    kinds = BODIES[-1:] if has_file else BODIES
    return {"required": bool(form.needs), "content": dict.fromkeys(kinds, content)}


def property_of(field: Any) -> Json:
    """One field of a form."""
    if isinstance(field, FileField):
        return {"type": "string", "format": "binary", "description": field.description}
    if isinstance(field, BooleanField):
        return {"type": ["boolean", "string"], "maxLength": LONGEST, "description": field.description}
    secret = {"format": "password"} if isinstance(field, PasswordField) else {}
    return {"type": "string", "maxLength": LONGEST, "description": field.description, **secret}


def responses(subject: Subject, shapes: dict[str, Json]) -> Json:
    """What is answered, by HTTP status; where success and refusals share one, either of them."""
    by_status: dict[int, list[AppError]] = {}
    for refusal in sorted(subject.refusals(), key=lambda error: error.number):
        error = refusal(**subject.values)
        by_status.setdefault(subject.status(error, subject.document), []).append(error)
    found: Json = {} if subject.shows_a_form else {"200": successful(subject, by_status.pop(200, []), shapes)}
    for status, refusals in by_status.items():
        found[str(status)] = refused(status, refusals)
    for status, meaning in subject.description.also.items():
        found[str(status)] = {"description": meaning}
    if subject.shows_a_form and subject.view.template:
        found.setdefault("200", {"description": "The page."}).setdefault("content", {})["text/html"] = {}
    return dict(sorted(found.items()))


def successful(subject: Subject, refusals: list[AppError], shapes: dict[str, Json]) -> Json:
    """The reply of success, and of refusals that document B answers with 200 as well."""
    said, user = subject.description, USER if subject.description.flat else None
    answer: Json = {"description": "Done."}
    if said.links:
        answer["links"] = {target: link(target, values) for target, values in said.links.items()}
    answer["content"] = {kind: {} for kind in said.media if kind != JSON}
    if said.bare is not None:
        answer["content"][JSON] = {"schema": {"type": "object"}}
    elif JSON in said.media:
        schema = schemas.success(said.data, user, shapes)
        examples: Json = {"done": {"value": schemas.success_example(said.data, user)}}
        answer["content"][JSON] = {"schema": schema, "examples": examples}
    if refusals:
        content = answer["content"].setdefault(JSON, {})
        kinds = [content["schema"]] if "schema" in content else []
        content["schema"] = {"oneOf": [*kinds, schemas.refusal(error.number for error in refusals)]}
        content.setdefault("examples", {}).update(examples_of(refusals))
        answer |= {"description": "Done, or refused: `code` tells.", "headers": REPLY}
    return answer


def link(target: str, values: Mapping[str, str]) -> Json:
    """Which operation goes on from here, with which of its parameters taken from this reply."""
    return {"operationId": target, "parameters": {name: f"$response.body#{at}" for name, at in values.items()}}


def refused(status: int, refusals: list[AppError]) -> Json:
    """The reply of refusals that share a status."""
    numbers = [error.number for error in refusals]
    answer: Json = {
        "description": " · ".join(error.text for error in refusals),
        "content": {JSON: {"schema": schemas.refusal(numbers), "examples": examples_of(refusals)}},
    }
    names = [*HEADERS.get(status, ()), *(["Allow"] if errors.PostRequired.number in numbers else [])]
    return answer | ({"headers": {name: REPLY[name] for name in names}} if names else {})


def examples_of(refusals: list[AppError]) -> Json:
    """Each refusal as it is answered, by its number."""
    return {str(error.number): {"$ref": f"#/components/examples/{error.number}"} for error in refusals}


def example_of(error: AppError) -> Json:
    """A refusal as it is answered."""
    return {
        "summary": error.text,
        "value": {"status": False, "code": error.number, "msg": error.text, "data": None},
    }


def values_of(app: Flask) -> dict[str, Any]:
    """What the messages with a gap are filled with."""
    return {"low": app.config["PASSWORD_MIN"], "high": app.config["PASSWORD_MAX"], "kind": "SMTPConnectError"}
