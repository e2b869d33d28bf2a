"""What operators do on the machine: the commands `users …` and `doctor`, and the link that sets a first password."""

from flask import Flask

from ..plugins import Plugin, Setting
from . import errors
from .commands import users
from .doctor import doctor
from .views import blueprint

SETTINGS = {"SETUP_LINK_HOURS": Setting(24, "How long the one-time link of `users create` and `users link` works.")}


def _setup(app: Flask) -> None:
    app.cli.add_command(users)
    app.cli.add_command(doctor)


plugin = Plugin(blueprint, settings=SETTINGS, errors=errors, setup=_setup)
