"""What operators do on the machine: `flask --app wsgi users …`, and the link that sets an account's first password."""

from ..plugins import Plugin, Setting
from . import errors
from .commands import users
from .views import blueprint

SETTINGS = {"SETUP_LINK_HOURS": Setting(24, "How long the one-time link of `users create` and `users link` works.")}

plugin = Plugin(blueprint, settings=SETTINGS, errors=errors, setup=lambda app: app.cli.add_command(users))
