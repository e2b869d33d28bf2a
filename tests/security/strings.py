"""Texts that break careless services: some of our own, and the corpora where they lie beside this repository."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parents[2] / "../shared/corpora"
DOCUMENTS = ("strings/blns", "strings/own", "email/own", "email/isemail_tests", "phone/own", "http/filenames_own")
KEYS = ("value", "address", "input", "raw", "email")

# One of each kind; bytes are sent as they are, which only a form can do.
OWN: list[str | bytes] = [
    "",
    " ",
    "a\0b",
    "\0",
    "\ud800",
    "a\udfff",
    "\ufffd",
    "x" * 5001,
    "x" * 70_000,
    "é" * 300,
    "\u202eabc",
    "\u200b",
    "ｎｉｎｇ",
    "ﬁ",
    "İ",
    "ß" * 40,
    "😀" * 31,
    "1" * 40,
    "-1",
    "0",
    "1e309",
    "NaN",
    "9" * 400,
    "true",
    "null",
    "[]",
    "{}",
    "' OR 1=1 --",
    '";DROP TABLE users;--',
    "%",
    "_",
    "%s%n%x",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/a}",
    "../../etc/passwd",
    "<script>window.__XSS__=1</script>",
    "a@b",
    "a@b.c,d@e.f",
    "a@example.com\r\nBcc: b@example.com",
    "\r\nSet-Cookie: a=b",
    "=cmd|' /C calc'!A0",
    "admin",
    "root",
    "+8613800138000",
    "１３８００１３８０００",
    "tel:+86138001380001",
    "a" * 254 + "@b.cn",
    "work:" + "f" * 64,
    "others",
    "teacher",
    "admin\0",
    "\x1b[31m",
    "\u2028",
    "\U0010ffff",
    "e\u0301" * 200,
    "\u0600" * 90,
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"%",
    b"%zz",
    b"\x00",
]


def corpora() -> list[str | bytes]:
    """Everything of the corpora that is a text: strings, addresses, numbers, names of files, redirects."""
    if not CORPORA.exists():
        return []
    found: list[str | bytes] = []
    for name in (
        "strings/blns.json",
        "strings/own.json",
        "email/own.json",
        "phone/own.json",
        "http/filenames_own.json",
    ):
        found += [
            text for text in map(_text, _rows(json.loads((CORPORA / name).read_text("utf-8")))) if text is not None
        ]
    found += [_text(row) or "" for row in json.loads((CORPORA / "email/isemail_tests.json").read_text("utf-8"))]
    lists = [
        *sorted((CORPORA / "strings/thirdparty").glob("*.txt")),
        CORPORA / "http/crlf.txt",
        CORPORA / "http/hpp.txt",
    ]
    for path in [*lists, *sorted((CORPORA / "redirects").glob("*.txt"))]:
        found += [line for line in path.read_text("utf-8", "surrogateescape").splitlines() if line]
    return list(dict.fromkeys(found))


def _rows(document: Any) -> list[Any]:
    if isinstance(document, dict):
        return [row for value in document.values() if isinstance(value, list) for row in value]
    return list(document)


def _text(row: Any) -> str | bytes | None:
    if isinstance(row, str):
        return row
    if not isinstance(row, dict):
        return None
    if "b64" in row:
        return base64.b64decode(row["b64"])
    return next(
        (row[key] for key in ("value", "address", "input", "raw", "email") if isinstance(row.get(key), str)), None
    )
