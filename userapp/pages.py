"""What every page can name (site, menu, language, the visitor's picture), and whose templates come first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, request, url_for
from flask_login import current_user
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader

from . import assets, languages, moments, replies, theme


def connect(app: Flask) -> None:
    """Give `app` its static files, the theme's templates before ours, and the values of every page."""
    assets.connect(app)
    theirs = FileSystemLoader(theme.folder(app) / "templates")
    original = PrefixLoader({"original": Features(app, app.jinja_loader)})
    app.jinja_loader = ChoiceLoader([theirs, Features(app, app.jinja_loader, newest_first=True), original])
    if not moments.is_zone(app.config["TIME_ZONE"]):
        raise ValueError(f"USERAPP_TIME_ZONE is {app.config['TIME_ZONE']!r}, not a zone's name as in Asia/Shanghai")
    app.jinja_env.filters["local"] = moments.local

    @app.context_processor
    def values() -> dict[str, Any]:
        return {
            "lang": languages.page_language(), "site_name": app.config["SITE_NAME"], "logo": app.config["SITE_LOGO"],
            "coloured": bool(app.config["SITE_COLOUR"]), "endpoints": app.view_functions.keys(), "menu": _menu(app),
            "my_avatar": _my_avatar(), "zone": moments.chosen(), "zones": moments.OFFERED,
            "security_sections": app.extensions["userapp.security"],
        }  # fmt: skip


class Features(BaseLoader):
    """The templates of the service and its features: a plugin's replaces the one of the same path that came before.

    The other way round it is what a replacement extends, as `original/base.html`.
    """

    def __init__(self, app: Flask, own: BaseLoader | None, *, newest_first: bool = False) -> None:
        """`own` is the loader of the application's templates; the features have theirs."""
        self.app, self.own, self.newest_first = app, own, newest_first

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:  # fmt: skip
        """As Jinja asks it; raises its TemplateNotFound."""
        features = [blueprint.jinja_loader for blueprint in self.app.iter_blueprints()]
        loaders = [loader for loader in (self.own, *features) if loader]
        return ChoiceLoader(loaders[::-1] if self.newest_first else loaders).get_source(environment, template)


def _my_avatar() -> dict[str, str] | None:
    if not current_user.is_authenticated:
        return None
    return {size: replies.avatar_url(current_user.user, size) for size in replies.SIZES}


def _menu(app: Flask) -> list[dict[str, Any]]:
    return [
        {
            "label": languages.translate(entry.label, languages.page_language()),
            "url": url_for(entry.endpoint),
            "active": request.endpoint == entry.endpoint
            or (entry.admin and entry.endpoint.startswith(f"{request.blueprint}.")),
        }
        for entry in sorted(app.extensions["userapp.menu"], key=lambda entry: entry.place)
        if entry.signed_in == current_user.is_authenticated
        and (not entry.admin or current_user.user.user_type == "admin")
    ]
