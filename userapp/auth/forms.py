"""The shapes of sign-up and sign-in."""

from __future__ import annotations

from .. import identifiers
from ..errors import Unreachable
from ..forms import BaseForm, CheckField, PasswordField, TextField
from .devices import KINDS
from .errors import BadParameters, NameOrPasswordMissing, PasswordMissing, ResetParameters

NAMED = ("uid", "uname", "phone", "email")


class ClientForm(BaseForm):
    """What every form that signs somebody in has."""

    captcha = TextField()
    remember = CheckField()
    client = TextField()
    next = TextField()

    def client_kind(self) -> str:
        """web, android, ios or api; raises BadParameters for another."""
        kind = self.text("client") or "web"
        if kind not in KINDS:
            raise BadParameters("client")
        return kind


class LoginForm(ClientForm):
    """Document A's login: `user`, or exactly one of the four named fields."""

    user = TextField()
    uid = TextField()
    uname = TextField()
    phone = TextField()
    email = TextField()
    password = PasswordField()

    def check(self) -> None:
        """Raise BadParameters (10107) unless there is one identifier and a password."""
        self.client_kind()
        if not self.password.data:
            raise BadParameters("password")
        if not self.text("user") and len([name for name in NAMED if self.text(name)]) != 1:
            raise BadParameters()

    def identifier(self) -> tuple[str, str]:
        """The kind of the identifier and its text; `user` wins, its kind is found by shape."""
        if user := self.text("user"):
            return identifiers.kind_of(user), user
        name = next(name for name in NAMED if self.text(name))
        return name, self.text(name)


class RegisterForm(ClientForm):
    """Document A's registration."""

    uname = TextField()
    phone = TextField()
    email = TextField()
    password = PasswordField()

    def check(self) -> None:
        """Raise NameOrPasswordMissing (10009) or Unreachable (10010)."""
        self.client_kind()
        if not self.text("uname") or not self.password.data:
            raise NameOrPasswordMissing("password" if self.text("uname") else "uname")
        if not self.phone.data and not self.text("email"):
            raise Unreachable()


class PasswordForm(BaseForm):
    """Document A's change of password."""

    old_password = PasswordField()
    new_password = PasswordField()

    def check(self) -> None:
        """Raise PasswordMissing (10200)."""
        for name in ("old_password", "new_password"):
            if not self[name].data:
                raise PasswordMissing(name)


class ChangePasswordForm(BaseForm):
    """The same in document B's spelling."""

    old_pwd = PasswordField()
    new_pwd = PasswordField()

    def check(self) -> None:
        """Raise PasswordMissing (10200)."""
        if not self.old_pwd.data or not self.new_pwd.data:
            raise PasswordMissing()


class ResetForm(ClientForm):
    """Document A's recovery: an address at first, then the code with the new password."""

    email = TextField()
    phone = TextField()
    code = TextField()
    new_password = PasswordField()

    def check(self) -> None:
        """Raise ResetParameters (11012) unless it is one of the two steps."""
        if self.finishes():
            if not self.text("code") or not self.new_password.data:
                raise ResetParameters("new_password" if self.text("code") else "code")
        elif bool(self.text("email")) == bool(self.text("phone")):
            raise ResetParameters("email")

    def finishes(self) -> bool:
        """Whether this is the second step."""
        return bool(self.text("code") or self.new_password.data)

    def address(self) -> tuple[str, str]:
        """The kind of address given, and its text."""
        return ("email", self.text("email")) if self.text("email") else ("phone", self.phone.data)


class RefreshForm(BaseForm):
    """Document B's refresh: `confirm` is Unix time in seconds or milliseconds."""

    confirm = TextField()


class EmptyForm(BaseForm):
    """A request without parameters."""


class SessionsForm(BaseForm):
    """End one credential by its public id, or `others`; or create a token with a name."""

    end = TextField()
    create = TextField()

    def check(self) -> None:
        """Raise BadParameters unless exactly one of the two is given."""
        if bool(self.text("end")) == bool(self.text("create")):
            raise BadParameters("create")
