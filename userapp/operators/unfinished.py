"""An export on its way: the file so far, and beside it the account after which to go on if it is stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TextIO

Place = dict[str, int | str]
NOTHING: Place = {"format": "", "last": 0, "size": 0, "written": 0}


class Unfinished:
    """`FILE.part` and `FILE.part.at`; the second is replaced after each page, so it never names half of one."""

    def __init__(self, file: Path, format: str) -> None:
        self.file, self.format = file, format
        self.part, self.mark = (file.with_name(file.name + end) for end in (".part", ".part.at"))
        self.last = self.written = self.size = 0

    def open(self, again: bool) -> TextIO:
        """Open what is there up to the last whole page, or anew."""
        found = NOTHING if again else self._found()
        self.last, self.size, self.written = int(found["last"]), int(found["size"]), int(found["written"])
        number = os.open(self.part, os.O_WRONLY | os.O_CREAT, 0o600)
        os.ftruncate(number, self.size)
        os.lseek(number, self.size, os.SEEK_SET)
        return os.fdopen(number, "w", encoding="utf-8")

    def note(self, out: TextIO, last: int, accounts: int) -> None:
        """A page is whole: write it out, then say so."""
        out.flush()
        self.last, self.size, self.written = last, os.fstat(out.fileno()).st_size, self.written + accounts
        then = {"format": self.format, "last": self.last, "size": self.size, "written": self.written}
        new = self.mark.with_name(self.mark.name + ".new")
        new.write_text(json.dumps(then), "utf-8")
        new.replace(self.mark)

    def finish(self) -> None:
        """Give the file its name."""
        self.part.replace(self.file)
        self.mark.unlink(missing_ok=True)

    def _found(self) -> Place:
        try:
            found: Place = json.loads(self.mark.read_text("utf-8"))
            whole = self.part.stat().st_size >= int(found["size"]) and found["format"] == self.format
        except (OSError, ValueError, KeyError, TypeError):
            return NOTHING
        return found if whole else NOTHING
