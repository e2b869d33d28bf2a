"""The shapes of what the e-mail endpoints take; what a value means depends on the account, so the services say it."""

from __future__ import annotations

from ..forms import BaseForm, CheckField, TextField
from .errors import WrongKindOfMail

KINDS = ("old_send_again",)
SIDES = ("old", "new")


class SendForm(BaseForm):
    """Which mail to send."""

    type = TextField()

    def check(self) -> None:
        """Raise WrongKindOfMail (10800)."""
        if self.text("type") not in KINDS:
            raise WrongKindOfMail()


class BindForm(BaseForm):
    """The code that verifies the present address."""

    captcha = TextField()


class NewForm(BaseForm):
    """An address in place of an unverified one."""

    email = TextField()


class UnbindForm(BaseForm):
    """An address in place of a verified one."""

    new_email = TextField()


class ConfirmForm(BaseForm):
    """Both mailboxes' codes; the page may send them one at a time and says so with `step`."""

    old_captcha = TextField()
    new_captcha = TextField()
    step = CheckField()


class ResendForm(BaseForm):
    """Which mailbox of a change gets another code."""

    side = TextField()

    def check(self) -> None:
        """Raise WrongKindOfMail (10800)."""
        if self.text("side") not in SIDES:
            raise WrongKindOfMail()


class CancelForm(BaseForm):
    """Nothing but the wish."""


class UndoForm(BaseForm):
    """The signed part of an undo link."""

    link = TextField()
