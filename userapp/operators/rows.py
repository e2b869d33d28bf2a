"""The lines of an import file, CSV or JSON lines, one after the other; a line that cannot be read says why."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

LONGEST = 64 * 1024  # bytes: no account needs more, and a file without a line break must not fill the memory
UNFIT = re.compile("[\x00\ud800-\udfff\ufffd]")  # what no database keeps, and bytes that are not text


class UnreadableFile(ValueError):
    """Nothing of the file can be imported; the message says why."""


@dataclass
class Line:
    """One account of the file: its line number, its columns as text, or why it cannot be read."""

    number: int
    values: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


class Pieces:
    """A file's lines as text; `number` counts them, also where one is so long that it comes in pieces."""

    def __init__(self, file: BufferedReader, encoding: str) -> None:
        self.file, self.encoding, self.number = file, encoding, 0

    def __iter__(self) -> Iterator[str]:
        """Bytes that are no text become lone surrogates, which `UNFIT` finds."""
        first = True
        while piece := self.file.readline(LONGEST):
            self.number += piece.endswith(b"\n")
            text = piece.decode(self.encoding, "surrogateescape")
            yield text.removeprefix("\ufeff") if first else text
            first = False


def format_of(path: Path) -> str:
    """`csv` or `jsonl`, by the file's name."""
    return "jsonl" if path.suffix.lower() in (".jsonl", ".ndjson", ".json") else "csv"


def read(file: BufferedReader, format: str, known: tuple[str, ...], encoding: str = "utf-8") -> Iterator[Line]:
    """Every account of the file; `known` are the columns it may have. Raises UnreadableFile."""
    pieces = Pieces(file, encoding)
    lines = _json_lines(pieces, known) if format == "jsonl" else _csv_lines(pieces, known)
    for line in lines:
        if unfit := next((name for name, value in line.values.items() if UNFIT.search(value)), ""):
            line.trouble = f"{unfit} holds characters that cannot be stored, or is not {encoding}"
        yield line


def _csv_lines(pieces: Pieces, known: tuple[str, ...]) -> Iterator[Line]:
    records = csv.reader(pieces, strict=True)
    try:
        header = [name.strip() for name in next(records, [])]
    except csv.Error as error:
        raise UnreadableFile(f"the first line is no CSV: {error}") from None
    _check_header(header, known)
    while True:
        number = pieces.number + 1
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, trouble=f"no CSV: {error}")
            continue
        if not record:
            continue  # an empty line
        if len(record) != len(header):
            yield Line(number, trouble=f"{len(record)} columns where the first line has {len(header)}")
        else:
            yield Line(number, dict(zip(header, record, strict=True)))


def _check_header(header: list[str], known: tuple[str, ...]) -> None:
    if "uname" not in header:
        raise UnreadableFile(f"the first line must name the columns, uname among them; known: {', '.join(known)}")
    if unknown := [name for name in header if name not in known]:
        raise UnreadableFile(f"unknown column {unknown[0]!r}; known: {', '.join(known)}")
    if len(set(header)) < len(header):
        raise UnreadableFile("the first line names a column twice")


def _json_lines(pieces: Pieces, known: tuple[str, ...]) -> Iterator[Line]:
    text, number = "", 1
    for piece in pieces:
        text = (text + piece)[: LONGEST + 1]
        if not piece.endswith("\n"):
            continue
        if text.strip():
            yield _json_line(number, text, known)
        text, number = "", pieces.number + 1
    if text.strip():
        yield _json_line(number, text, known)


def _json_line(number: int, text: str, known: tuple[str, ...]) -> Line:
    if len(text) > LONGEST:
        return Line(number, trouble=f"longer than {LONGEST} characters")
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Line(number, trouble="no JSON")
    if not isinstance(found, dict):
        return Line(number, trouble="no JSON object")
    values: dict[str, str] = {}
    for name, value in found.items():
        if name not in known:
            return Line(number, trouble=f"unknown column {name[:30]!r}")
        if isinstance(value, dict | list):
            return Line(number, trouble=f"{name} is no text, number, yes or no")
        values[name] = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return Line(number, values)


def _refuse(constant: str) -> None:
    raise ValueError(constant)
