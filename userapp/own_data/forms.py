"""The shapes of what is asked about one's own data."""

from __future__ import annotations

from ..forms import BaseForm, TextField


class DeleteForm(BaseForm):
    """Nothing but the wish."""


class KeepForm(BaseForm):
    """The signed part of the link that calls a deletion off."""

    link = TextField()
