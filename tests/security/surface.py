"""Everything the service answers, read from its routes: methods, who may enter, and the fields of each form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from wtforms import FileField

NOBODY = 999_999_999
VALUES = {"size": "middle", "shelf": "999", "user_id": str(NOBODY), "filename": "site.css"}


@dataclass(frozen=True)
class Door:
    """One route and method; the variables of `path` name nobody."""

    path: str
    method: str
    rule: str
    access: str
    document: str
    changes: bool
    fields: tuple[str, ...]
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def doors(app: Flask) -> Iterator[Door]:
    """Every route with GET and POST; HEAD and OPTIONS follow from them."""
    for rule in sorted(app.url_map.iter_rules(), key=str):
        view = app.view_functions[rule.endpoint]
        path = re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda found: VALUES[found[1]], str(rule))
        for method in sorted({"GET", "POST"} & set(rule.methods or ())):
            form = getattr(view, "form", None) if method == "POST" else None
            changes = method == "POST" or bool(getattr(view, "changes_on_get", False))
            marks = (getattr(view, "access", "anyone"), getattr(view, "document", ""))
            fields = _fields(app, form) if form else ((), ())
            yield Door(path, method, str(rule), *marks, changes, *fields)


def _fields(app: Flask, form: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with app.test_request_context():
        found = [(field.name, isinstance(field, FileField)) for field in form(formdata=None)]
    return tuple(name for name, file in found if not file), tuple(name for name, file in found if file)
