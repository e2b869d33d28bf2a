"""The report file of an import: every line that was refused, and why; exact also after an import was killed."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Self

from .creating import Candidate

HEADER = ("line", "column", "problem", "says")


class Report:
    """A CSV file that only its owner may read; it holds no value of the imported file."""

    def __init__(self, path: Path, size: int) -> None:
        """`size` is how much of the report of an earlier start is valid."""
        self.file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        if size == 0 or self.file.seek(0, os.SEEK_END) < size:  # somebody took the old one away
            self.file.truncate(0)
            self.file.seek(0)
            size = self.file.write(_lines([HEADER]))
        self.size = size

    def __enter__(self) -> Self:
        """The report itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.file.close()

    def write(self, refused: list[Candidate], after: int) -> int:
        """Write the problems of a batch behind the first `after` bytes; how long the report is then."""
        self.file.seek(after)
        self.file.truncate()
        self.file.write(
            _lines([(one.number, p.column, p.kind, p.says) for one in refused for p in one.problems])
        )  # fmt: skip
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.file.tell()


def _lines(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
