"""Which language a visitor reads, and the catalogue of it: texts are written in Chinese and looked up."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from flask import Flask, g, has_request_context, request
from flask_login import current_user

from .errors import AppError

LANGUAGES = ("zh", "en")
COOKIE = "lang"


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations into a language; Chinese needs none."""
    folder = Path(__file__).parent / "translations"
    return gettext.translation("userapp", folder, [language], fallback=True)


def asked() -> str | None:
    """The language the caller named with `lang`, in the query or the body, if it is one of ours."""
    value = (request.query_string and request.args.get("lang")) or g.get("body_lang")
    return value if value in LANGUAGES else None


def page_language() -> str:
    """The language of a page: `lang`, the account's setting, the visitor's last choice, `Accept-Language`, Chinese."""
    if not has_request_context():
        return "zh"
    account = current_user.user.language if current_user.is_authenticated else ""
    for choice in (asked(), account, request.cookies.get(COOKIE)):
        if choice in LANGUAGES:
            return str(choice)
    for tag, _quality in request.accept_languages:
        if (short := tag[:2].lower()) in LANGUAGES:
            return short
    return "zh"


def translate(text: str, language: str) -> str:
    """`text` in `language`; Chinese where the catalogue has no line for it."""
    return catalogue(language).gettext(text) if text else ""


def json_text(text: str) -> str:
    """A message as JSON tells it: Chinese as the documents spell it, English only for `lang=en`."""
    return translate(text, asked() or "zh")


class Told:
    """An error as a page tells it: in the visitor's language, with the field it belongs to."""

    def __init__(self, error: AppError) -> None:
        self.number, self.status, self.field = error.number, error.status, error.field
        self.retry_after = error.retry_after
        self.text = error.text_in(lambda text: translate(text, page_language()))


def connect(app: Flask) -> None:
    """Teach the templates `_()` and `trans`, in the visitor's language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.newstyle_gettext = True  # type: ignore[attr-defined]

    def one(text: str) -> str:
        return translate(text, page_language())

    def several(singular: str, plural: str, number: int) -> str:
        return catalogue(page_language()).ngettext(singular, plural, number)

    app.jinja_env.install_gettext_callables(one, several, newstyle=True)  # type: ignore[attr-defined]
