"""What the page of a one-time link sends."""

from __future__ import annotations

from types import MappingProxyType

from ..forms import BaseForm, PasswordField, TextField


class SetupForm(BaseForm):
    """The signed part of the link, and the password."""

    link = TextField(description="The signed part of the link.")
    new_password = PasswordField(description="The password.")
    needs = ("link", "new_password")
    example = MappingProxyType({"link": "WzMxLDBd.aZ0bXQ.c2lnbmF0dXJl", "new_password": "correct-horse-9"})
