"""The shapes of sign-up and sign-in."""

from __future__ import annotations

from types import MappingProxyType

from .. import identifiers
from ..errors import Unreachable
from ..forms import BaseForm, CheckField, PasswordField, TextField
from .devices import KINDS
from .errors import BadParameters, NameOrPasswordMissing, PasswordMissing, ResetParameters

NAMED = ("uid", "uname", "phone", "email")


class ClientForm(BaseForm):
    """What every form that signs somebody in has."""

    bounded = True
    captcha = TextField(description="What the picture of `/user/captcha` says, whatever the case.")
    remember = CheckField(description="Keep the session when the browser closes.")
    client = TextField(description="`web` (default) for a session cookie; `android`, `ios` or `api` for a token.")
    next = TextField(description="Where a browser goes afterwards: a path of this service.")

    def client_kind(self) -> str:
        """web, android, ios or api; raises BadParameters for another."""
        kind = self.text("client") or "web"
        if kind not in KINDS:
            raise BadParameters("client")
        return kind


class LoginForm(ClientForm):
    """Document A's login: `user`, or exactly one of the four named fields."""

    user = TextField(description="User name, account number, phone or e-mail; or exactly one of the next four.")
    uid = TextField(description="The account number.")
    uname = TextField(description="The user name, whatever its case and width.")
    phone = TextField(description="The phone number.")
    email = TextField(description="The e-mail address.")
    password = PasswordField(description="The password.")
    needs = ("password", "captcha")
    example = MappingProxyType({"user": "ning", "password": "correct-horse-9", "captcha": "ACEHJ"})

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

    uname = TextField(description="2 to 30 letters and digits of any script, `_`, `-`; not digits alone.")
    phone = TextField(description="A phone number, or an e-mail address, or both.")
    email = TextField(description="An e-mail address; the mail that verifies it goes out.")
    password = PasswordField(description="As long as the security profile asks, and not a common one.")
    needs = ("uname", "password", "captcha")
    example = MappingProxyType(
        {"uname": "ning", "email": "ning@example.com", "password": "correct-horse-9", "captcha": "ACEHJ"}
    )

    def check(self) -> None:
        """Raise NameOrPasswordMissing (10009) or Unreachable (10010)."""
        self.client_kind()
        if not self.text("uname") or not self.password.data:
            raise NameOrPasswordMissing("password" if self.text("uname") else "uname")
        if not self.text("phone") and not self.text("email"):
            raise Unreachable()


class PasswordForm(BaseForm):
    """Document A's change of password."""

    bounded = True
    old_password = PasswordField(description="The present password.")
    new_password = PasswordField(description="The new one.")
    needs = ("old_password", "new_password")
    example = MappingProxyType({"old_password": "correct-horse-9", "new_password": "better-battery-8"})

    def check(self) -> None:
        """Raise PasswordMissing (10200)."""
        for name in ("old_password", "new_password"):
            if not self[name].data:
                raise PasswordMissing(name)


class ChangePasswordForm(BaseForm):
    """The same in document B's spelling."""

    bounded = True
    old_pwd = PasswordField(description="The present password.")
    new_pwd = PasswordField(description="The new one.")
    needs = ("old_pwd", "new_pwd")
    example = MappingProxyType({"old_pwd": "correct-horse-9", "new_pwd": "better-battery-8"})

    def check(self) -> None:
        """Raise PasswordMissing (10200)."""
        if not self.old_pwd.data or not self.new_pwd.data:
            raise PasswordMissing()


class ResetForm(ClientForm):
    """Document A's recovery: an address at first, then the code with the new password."""

    email = TextField(description="First request: the account's address, or its phone.")
    phone = TextField(description="First request: the account's phone, or its address.")
    code = TextField(description="Second request: the six digits that were sent.")
    new_password = PasswordField(description="Second request: the new password.")
    needs = ("captcha",)
    example = MappingProxyType({"email": "ning@example.com", "captcha": "ACEHJ"})

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
        return ("email", self.text("email")) if self.text("email") else ("phone", self.text("phone"))


class RefreshForm(BaseForm):
    """Document B's refresh: `confirm` is Unix time in seconds or milliseconds."""

    bounded = True
    confirm = TextField(description="Unix time now, in seconds or milliseconds; ten seconds off at most.")
    needs = ("confirm",)
    example = MappingProxyType({"confirm": "1790000000"})


class EmptyForm(BaseForm):
    """A request without parameters."""


class SessionsForm(BaseForm):
    """End one credential by its public id, or `others`; or create a token with a name."""

    end = TextField(description="The public id of what is to end, or `others`.")
    create = TextField(description="The name of a new token.")
    example = MappingProxyType({"create": "backup script"})

    def check(self) -> None:
        """Raise BadParameters unless exactly one of the two is given."""
        if bool(self.text("end")) == bool(self.text("create")):
            raise BadParameters("create")
