"""Only who has an invitation code may register."""

import hmac

from flask import Blueprint, request

from userapp.described import also_refuses
from userapp.forms import incoming
from userapp.plugins import Plugin, Setting
from userapp.signals import registering

from . import errors


def _setup(app):
    registering.connect(_refuse_uninvited, app)
    also_refuses(app, "auth.register", errors.NotInvited)


def _refuse_uninvited(app, uname):
    code = incoming(request).get("invitation", "").strip().encode()
    if not any(hmac.compare_digest(code, known.encode()) for known in app.config["INVITATION_CODES"]):
        raise errors.NotInvited()


plugin = Plugin(
    Blueprint("invitations", __name__, template_folder="templates"),
    settings={"INVITATION_CODES": Setting([], "Codes that open registration, separated by commas.")},
    setup=_setup,
    errors=errors,
)
