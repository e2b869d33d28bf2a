"""The shape of a change of information: what was not sent is not changed."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from ..forms import BaseForm, TextField
from ..languages import LANGUAGES
from .errors import IntroTooLong, WrongGender, WrongLanguage

FIELDS = ("gender", "sex", "sex_flag", "phone", "email", "intro", "description")
LONGEST_INTRO = 500
GENDERS = {"": 0, "0": 0, "1": 1, "2": 2, "男": 1, "女": 2}
FLAGS = {"-1": 0, "0": 1, "1": 2}


class InfoForm(BaseForm):
    """Document A's fields, and document B's spellings of the same columns."""

    bounded = True
    gender = TextField(description="0 unset, 1 male, 2 female (document A).")
    sex = TextField(description="男, 女 or empty: document B's spelling of the same.")
    sex_flag = TextField(description="-1 unset, 0 male, 1 female: document B's number of the same.")
    phone = TextField(description="The new phone number; empty clears it, unless nothing else reaches the account.")
    email = TextField(description="The new address, while the present one is not verified; empty clears it.")
    intro = TextField(description="Up to 500 characters about oneself; empty clears it.")
    description = TextField(description="Document B's name of `intro`.")
    language = TextField(description="zh or en: the language of pages and messages; empty for the browser's.")
    example = MappingProxyType({"gender": "1", "intro": "你好"})

    def check(self) -> None:
        """Raise WrongGender (30100), IntroTooLong (30101) or WrongLanguage (30102)."""
        self.changes()

    def changes(self) -> dict[str, Any]:
        """The columns that were sent, with their new values; document A's spelling wins over document B's."""
        found = self._gender() | self._intro() | self._language()
        return found | {name: self[name].data for name in ("phone", "email") if name in self.sent}

    def _gender(self) -> dict[str, int]:
        found: dict[str, Any] = {}
        for name, known in (("sex_flag", FLAGS), ("sex", GENDERS), ("gender", GENDERS)):
            if name in self.sent:
                found["gender"] = known.get(self.text(name))
                if found["gender"] is None:
                    raise WrongGender()
        return found

    def _intro(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in ("description", "intro"):
            if name in self.sent:
                found["intro"] = self[name].data.replace("\r\n", "\n")
                if len(found["intro"]) > LONGEST_INTRO:
                    raise IntroTooLong()
        return found

    def _language(self) -> dict[str, str]:
        if "language" not in self.sent:
            return {}
        if self.text("language") not in ("", *LANGUAGES):
            raise WrongLanguage()
        return {"language": self.text("language")}
