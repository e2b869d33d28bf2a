"""The one way data comes in: form, multipart and JSON bodies all become form text, then a form checks its shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from flask import Request
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import BooleanField, FileField, PasswordField, StringField

from .errors import InvalidInput
from .languages import page_language

__all__ = ["BaseForm", "CheckField", "FileField", "PasswordField", "TextField"]

LONGEST = 5000
READ = "userapp.incoming"  # where a request keeps what its body said: it is asked for twice
MOST = 1000  # names; Werkzeug's own limit for parts
TRUE = ("1", "true", "on", "yes", "y")
_UNFIT = re.compile("[\x00\ufffd\ud800-\udfff]")


class TextField(StringField):
    """One line or more of text; absent is the empty string."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist[0] if valuelist else ""

    def process_data(self, value: Any) -> None:
        self.data = value or ""


class CheckField(BooleanField):
    """A box to tick: ticked by the words a form or a JSON body says yes with."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = bool(valuelist) and valuelist[0].strip().lower() in TRUE


class BaseForm(FlaskForm):
    """A form whose `check` says what is wrong with its shape; it never asks the database."""

    class Meta:
        """Cross-site requests are refused for every request alike; WTForms speaks the page's language."""

        csrf = False

        @property
        def locales(self) -> list[str]:
            return [page_language()]

    bounded: ClassVar[bool] = False  # each field refuses what is too long for it with a line of its own, not -13
    needs: ClassVar[tuple[str, ...]] = ()  # the fields no request can do without
    example: ClassVar[Mapping[str, str]] = {}  # a request that is accepted; the API's reference shows it
    sent: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def of(cls, request: Request) -> BaseForm:
        """The form as `request` fills it; raises InvalidInput where its body cannot be read."""
        values = incoming(request, cut=cls.bounded)
        form = cls(formdata=ImmutableMultiDict(list(values.items())))
        form.sent = frozenset(values)  # type: ignore[misc]
        for field in form:
            if isinstance(field, (StringField, PasswordField)) and field.data is None:
                field.data = ""
        return form

    def check(self) -> None:
        """Raise the AppError of the first thing that is wrong with the shape; here, what WTForms' validators find."""
        if not self.validate():
            raise InvalidInput(field=next(iter(self.errors)))

    def text(self, name: str) -> str:
        """The trimmed text of a field that is not a secret."""
        return str(self[name].data or "").strip()


def incoming(request: Request, cut: bool = False) -> dict[str, str]:
    """The body's parameters, each as text; of a name given twice the first value counts.

    Raises InvalidInput for JSON that is no object of texts, numbers and booleans, and for text no database can hold. Of
    one beyond LONGEST, too, or with `cut` leaves so much of it as is still too long for whatever looks at it.
    """
    values: dict[str, str] | None = request.environ.get(READ)
    if values is None:
        values = request.environ[READ] = _read(request)
    for name, value in values.items():
        if (len(value) > LONGEST and not cut) or _UNFIT.search(value):
            raise InvalidInput(field=name[:60])
    return {name: value[:LONGEST] for name, value in values.items()}


def _read(request: Request) -> dict[str, str]:
    if request.mimetype == "application/json" or request.mimetype.endswith("+json"):
        return _json_values(request.get_data())
    if request.mimetype == "application/x-www-form-urlencoded":
        _refuse_other_charsets(request.get_data())
    return {name: request.form[name] for name in request.form if name}  # a part may have none: None


def _refuse_other_charsets(body: bytes) -> None:
    """Werkzeug would make another text of what is no UTF-8: its percent signs, as if they had been meant.

    It would also take long over very many names, and over percent signs of which most begin no escape.
    """
    if body.count(b"&") > MOST or body.count(b"%") * 3 > max(len(body), LONGEST):
        raise InvalidInput()
    try:
        (unquote_to_bytes(body) if b"%" in body else body).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput() from None


def _json_values(body: bytes) -> dict[str, str]:
    if not body.strip():  # libraries name the type of a body they do not send
        return {}
    try:
        found = _AS_WRITTEN.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InvalidInput() from None
    if not isinstance(found, dict):
        raise InvalidInput()
    return {name: _as_text(name, value) for name, value in found.items() if value is not None}


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# 1.50 is no 1.5 and 1e999 not infinite: a number's text is the one that was sent
_AS_WRITTEN = json.JSONDecoder(
    object_pairs_hook=_first_of_each, parse_constant=_refuse, parse_int=str, parse_float=str
)  # fmt: skip


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise InvalidInput(field=name[:60])
    return value
