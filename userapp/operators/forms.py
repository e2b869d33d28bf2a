"""What the page of a one-time link sends."""

from __future__ import annotations

from ..forms import BaseForm, PasswordField, TextField


class SetupForm(BaseForm):
    """The signed part of the link, and the password."""

    link = TextField()
    new_password = PasswordField()
