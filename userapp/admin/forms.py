"""The shapes of what administrators send."""

from __future__ import annotations

import unicodedata
from types import MappingProxyType

from .. import identifiers
from ..forms import BaseForm, TextField
from .errors import AddressMoved, RealNameMalformed, UidMalformed, WrongConfirmation, WrongFilter

LONGEST = 254
KINDS = ("", "uname", "name", "uid", "phone", "email")
STATES = ("", "active", "disabled")
NEVER = "\x00\n\r"


class AskedForm(BaseForm):
    """What a list is asked for, in the query of its address; each value short enough and fit for a database."""

    def check(self) -> None:
        """Raise WrongFilter (12007)."""
        for field in self:
            text = str(field.data or "")
            if len(text) > LONGEST or any(character in NEVER for character in text):
                raise WrongFilter(field.name)


class UsersForm(AskedForm):
    """Whom to list: a beginning of one of the names, a type, a state, and after whom to go on."""

    q = TextField(description="The beginning of a name.")
    by = TextField(description="Which name: uname, name, uid, phone or email; found by shape where it is empty.")
    user_type = TextField(description="student, teacher or admin.")
    state = TextField(description="active or disabled.")
    after = TextField(description="`next` of the page before.")

    def check(self) -> None:
        """Raise WrongFilter (12007)."""
        super().check()
        if self.text("by") not in KINDS or self.text("state") not in STATES:
            raise WrongFilter("by")


class EventsForm(AskedForm):
    """Which events: of an account, of an actor, of a name; and before which to go on."""

    user = TextField(description="The id of the account it happened to.")
    actor = TextField(description="The id of who did it.")
    event = TextField(description="The name of the event.")
    before = TextField(description="`next` of the page before.")


class ActionForm(BaseForm):
    """Nothing but the wish."""


class SessionsForm(BaseForm):
    """Which session or token to end; empty for all."""

    end = TextField(description="The public id of the session or token; empty for all.")


class UidForm(BaseForm):
    """Another account number."""

    uid = TextField(description="The account number.")
    needs = ("uid",)
    example = MappingProxyType({"uid": "121434313"})

    def check(self) -> None:
        """Raise UidMalformed (12000)."""
        self.canonical()

    def canonical(self) -> str:
        """As it is stored."""
        if uid := identifiers.account_number_or_none(self.text("uid")):
            return uid
        raise UidMalformed()


class NameForm(BaseForm):
    """A real name; empty takes it away."""

    name = TextField(description="The real name; empty takes it away.")
    example = MappingProxyType({"name": "宁"})

    def check(self) -> None:
        """Raise RealNameMalformed (12003)."""
        if len(self.normal()) > 60 or any(unicodedata.category(character) == "Cc" for character in self.normal()):
            raise RealNameMalformed()

    def normal(self) -> str:
        """As it is stored."""
        return unicodedata.normalize("NFC", self.text("name"))


class TypeForm(BaseForm):
    """Another type of account."""

    user_type = TextField(description="student, teacher or admin.")
    needs = ("user_type",)
    example = MappingProxyType({"user_type": "teacher"})


class VerifyForm(BaseForm):
    """The address the administrator saw: if it moved meanwhile, nothing is verified."""

    email = TextField(description="The address that was seen.")
    needs = ("email",)
    example = MappingProxyType({"email": "ning@example.com"})

    def check(self) -> None:
        """Raise AddressMoved (12006) for none at all."""
        if not self.text("email"):
            raise AddressMoved()


class DeleteForm(BaseForm):
    """The user name, typed once more."""

    uname = TextField(description="The user name of the account, typed once more.")
    needs = ("uname",)
    example = MappingProxyType({"uname": "ning"})

    def check(self) -> None:
        """Raise WrongConfirmation (12005) for none at all."""
        if not self.text("uname"):
            raise WrongConfirmation()
