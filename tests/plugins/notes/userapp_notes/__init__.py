"""Private notes of each account."""

from pathlib import Path

from userapp.plugins import MenuEntry, Plugin, Setting
from userapp.signals import registered

from . import errors, services
from .commands import notes
from .views import blueprint


def _setup(app):
    registered.connect(_welcome, app)
    app.cli.add_command(notes)


def _welcome(app, user_id):
    services.add(user_id, app.config["NOTES_WELCOME"])


plugin = Plugin(
    blueprint,
    settings={
        "NOTES_MOST": Setting(100, "Notes an account may keep."),
        "NOTES_WELCOME": Setting("欢迎！", "The first note of every new account."),
    },
    setup=_setup,
    menu=(MenuEntry("笔记", "notes.page"),),
    errors=errors,
    migrations=Path(__file__).parent / "migrations",
)
