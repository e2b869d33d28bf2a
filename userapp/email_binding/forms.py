"""The shapes of what the e-mail endpoints take; what a value means depends on the account, so the services say it."""

from __future__ import annotations

from ..forms import BaseForm, CheckField, PasswordField, TextField
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


class LostForm(BaseForm):
    """An address in place of one whose mailbox is lost, and the password."""

    password = PasswordField()
    new_email = TextField()


class LostConfirmForm(BaseForm):
    """The new mailbox's code."""

    new_captcha = TextField()


class CancelForm(BaseForm):
    """Nothing but the wish."""


class UndoForm(BaseForm):
    """The signed part of an undo link."""

    link = TextField()


class KeepForm(BaseForm):
    """The signed part of the link that stops a change."""

    link = TextField()
