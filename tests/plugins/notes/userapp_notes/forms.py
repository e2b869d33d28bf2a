"""The shape of a note."""

from types import MappingProxyType

from userapp.forms import BaseForm, TextField

from .errors import NoteMalformed


class NoteForm(BaseForm):
    """A new note."""

    note = TextField(description="1 to 500 characters.")
    needs = ("note",)
    example = MappingProxyType({"note": "牛奶"})

    def check(self) -> None:
        """Raise NoteMalformed (20000)."""
        if not 1 <= len(self.text("note")) <= 500:
            raise NoteMalformed()
