"""The shapes of what is asked about one's own data."""

from __future__ import annotations

from types import MappingProxyType

from ..forms import BaseForm, TextField


class DeleteForm(BaseForm):
    """Nothing but the wish."""


class KeepForm(BaseForm):
    """The signed part of the link that calls a deletion off."""

    link = TextField(description="The signed part of the link.")
    needs = ("link",)
    example = MappingProxyType({"link": "WzMxXQ.aZ0bXQ.c2lnbmF0dXJl"})
