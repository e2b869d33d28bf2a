"""The shapes of sign-up and sign-in."""

from __future__ import annotations

from .. import identifiers
from ..errors import Unreachable
from ..forms import BaseForm, CheckField, PasswordField, TextField
from .errors import BadParameters, NameOrPasswordMissing
from .services import KINDS

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
