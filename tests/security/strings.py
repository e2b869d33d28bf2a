"""Texts that break careless services: some of our own, and the corpora where they lie beside this repository."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parents[2] / "../shared/corpora"
DOCUMENTS = (
    "strings/blns", "strings/own", "email/own", "email/isemail_tests", "email/python_email_validator",
    "email/collision_pairs", "phone/own", "http/filenames_own", "redirects/own",
)  # fmt: skip
LISTS = ("strings/thirdparty", "http", "redirects")
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
    """Everything of the corpora that is a text: strings, addresses, numbers, names of files, redirects, parameters."""
    found: list[str | bytes] = []
    for name in DOCUMENTS if CORPORA.exists() else ():
        found += _texts(json.loads((CORPORA / f"{name}.json").read_text("utf-8")))
    for folder in LISTS:
        for path in sorted((CORPORA / folder).glob("*.txt")):
            found += [line for line in path.read_text("utf-8", "surrogateescape").splitlines() if line]
    return list(dict.fromkeys(found))


def numbers() -> list[str | bytes]:
    """A phone number of every region and kind, as one dials it from abroad."""
    path = CORPORA / "phone/libphonenumber_examples.csv"
    if not path.exists():
        return []
    rows = csv.DictReader(path.read_text("utf-8").splitlines())
    return list(dict.fromkeys(f"+{row['country_code']}{row['national_number']}" for row in rows))


def common_passwords() -> list[str | bytes]:
    """What everybody uses."""
    found = [path.read_text("utf-8").splitlines() for path in sorted((CORPORA / "passwords").glob("*.txt"))]
    return list(dict.fromkeys(line for lines in found for line in lines if line))


def names_of_files() -> list[str]:
    """Names that uploads come with."""
    if not CORPORA.exists():
        return [text for text in OWN if isinstance(text, str)]
    found = json.loads((CORPORA / "http/filenames_own.json").read_text("utf-8"))
    for path in sorted((CORPORA / "http").glob("filenames_*.txt")):
        found += path.read_text("utf-8", "surrogateescape").splitlines()
    return list(dict.fromkeys(found))


def _texts(document: Any) -> list[str | bytes]:
    if isinstance(document, str):
        return [document]
    if isinstance(document, dict) and "b64" in document:
        return [base64.b64decode(document["b64"])]
    if isinstance(document, dict) and (found := [document[key] for key in KEYS if isinstance(document.get(key), str)]):
        return found[:1]
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [text for value in inner if isinstance(value, (list, dict, str)) for text in _texts(value)]
