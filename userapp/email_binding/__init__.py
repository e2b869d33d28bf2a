"""The e-mail address of an account: verified by a code, changed by asking both mailboxes (document B, table 108)."""

from flask import Flask

from ..plugins import MenuEntry, Plugin, Setting
from ..signals import exporting, purging
from . import errors, lost_mailbox, state
from .views import blueprint

SETTINGS = {
    "LOST_MAILBOX": Setting("", "Change an address without the old mailbox: yes or no (empty = no in documented)."),
    "LOST_MAILBOX_DAYS": Setting(7, "How long the old mailbox can stop that."),
}


def _setup(app: Flask) -> None:
    purging.connect(_move_due, app)
    exporting.connect(_take_along, app)


def _move_due(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {"lost_mailboxes": lost_mailbox.move_due()}


def _take_along(app: Flask, user_id: int) -> dict[str, object]:
    return {"email_changes": state.held(user_id)}


plugin = Plugin(
    blueprint, settings=SETTINGS, setup=_setup, errors=errors, menu=(MenuEntry("邮箱", "email_binding.page"),)
)  # fmt: skip
