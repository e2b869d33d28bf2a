"""The shapes of what the e-mail endpoints take; what a value means depends on the account, so the services say it."""

from __future__ import annotations

from types import MappingProxyType

from ..forms import BaseForm, CheckField, PasswordField, TextField
from .errors import WrongKindOfMail

KINDS = ("old_send_again",)
SIDES = ("old", "new")


class SendForm(BaseForm):
    """Which mail to send."""

    bounded = True
    type = TextField(description="`old_send_again`: the activation mail once more.")
    needs = ("type",)
    example = MappingProxyType({"type": "old_send_again"})

    def check(self) -> None:
        """Raise WrongKindOfMail (10800)."""
        if self.text("type") not in KINDS:
            raise WrongKindOfMail()


class BindForm(BaseForm):
    """The code that verifies the present address."""

    bounded = True
    captcha = TextField(description="The ten characters that were mailed.")
    needs = ("captcha",)
    example = MappingProxyType({"captcha": "AB2CD3EF4G"})


class NewForm(BaseForm):
    """An address in place of an unverified one."""

    bounded = True
    email = TextField(description="The new address.")
    needs = ("email",)
    example = MappingProxyType({"email": "ning.new@example.com"})


class UnbindForm(BaseForm):
    """An address in place of a verified one."""

    bounded = True
    new_email = TextField(description="The new address; both mailboxes get a code.")
    needs = ("new_email",)
    example = MappingProxyType({"new_email": "ning.new@example.com"})


class ConfirmForm(BaseForm):
    """Both mailboxes' codes; the page may send them one at a time and says so with `step`."""

    bounded = True
    old_captcha = TextField(description="The old mailbox's code.")
    new_captcha = TextField(description="The new mailbox's code.")
    step = CheckField(description="Note one right code alone; the other follows with another request.")
    example = MappingProxyType({"old_captcha": "AB2CD3EF4G", "new_captcha": "HJ5KL6MN7P"})


class ResendForm(BaseForm):
    """Which mailbox of a change gets another code."""

    side = TextField(description="Which mailbox: `old` or `new`.")
    needs = ("side",)
    example = MappingProxyType({"side": "new"})

    def check(self) -> None:
        """Raise WrongKindOfMail (10800)."""
        if self.text("side") not in SIDES:
            raise WrongKindOfMail()


class LostForm(BaseForm):
    """An address in place of one whose mailbox is lost, and the password."""

    password = PasswordField(description="The account's password.")
    new_email = TextField(description="The new address; it gets a code.")
    needs = ("password", "new_email")
    example = MappingProxyType({"password": "correct-horse-9", "new_email": "ning.new@example.com"})


class LostConfirmForm(BaseForm):
    """The new mailbox's code."""

    new_captcha = TextField(description="The new mailbox's code.")
    needs = ("new_captcha",)
    example = MappingProxyType({"new_captcha": "HJ5KL6MN7P"})


class CancelForm(BaseForm):
    """Nothing but the wish."""


class UndoForm(BaseForm):
    """The signed part of an undo link."""

    link = TextField(description="The signed part of the link that was mailed.")
    needs = ("link",)
    example = MappingProxyType({"link": "eyJ1c2VyX2lkIjozMX0.aZ0bXQ.c2lnbmF0dXJl"})


class KeepForm(BaseForm):
    """The signed part of the link that stops a change."""

    link = TextField(description="The signed part of the link that was mailed.")
    needs = ("link",)
    example = MappingProxyType({"link": "eyJ1c2VyX2lkIjozMX0.aZ0bXQ.c2lnbmF0dXJl"})
