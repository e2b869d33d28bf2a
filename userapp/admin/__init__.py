"""For administrators: who is here, what happens, and what can be done to an account; document A's `admin.py`."""

from flask import Flask

from ..plugins import MenuEntry, Plugin
from . import action_views, errors
from .export import commands
from .views import blueprint

__all__ = ["action_views", "plugin"]


def _setup(app: Flask) -> None:
    app.cli.add_command(commands)


plugin = Plugin(
    blueprint,
    url_prefix="/admin",
    setup=_setup,
    errors=errors,
    menu=(MenuEntry("管理", "admin.dashboard", admin=True, place=90),),
)
