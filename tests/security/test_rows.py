"""docs/security.md names every row that is asked for, and what it names as proof is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
ROW = re.compile(r"^\| ([A-Z]+-\d\d)(\*?) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
ROWS = {
    found[1]: (found[2], re.findall(r"`([^`]+)`", found[4]), found[5].strip())
    for found in ROW.finditer(PAGE.read_text("utf-8"))
}
HIGHEST = {
    "PWD": 6, "LOG": 4, "CAP": 3, "ENUM": 3, "CODE": 8, "RST": 5, "MAIL": 2, "SESS": 10, "TOK": 6, "CSRF": 3, "WEB": 5,
    "UPL": 8, "INP": 10, "AZ": 4, "REDACT": 1, "AUDIT": 1, "ERR": 1, "CFG": 4, "DOC": 1,
}  # fmt: skip
STARRED = {
    "PWD-05", "LOG-01", "LOG-03", "CAP-01", "LOG-04", "ENUM-01", "CODE-02", "CODE-03", "CODE-06", "CODE-08", "RST-01",
    "RST-02", "RST-04", "SESS-01", "SESS-02", "TOK-01", "TOK-02", "CSRF-01", "WEB-02", "UPL-01", "UPL-02", "UPL-04",
    "INP-01", "AZ-01", "REDACT-01",
}  # fmt: skip


def test_every_row_is_there_and_the_starred_ones_have_their_figure() -> None:
    asked = {f"{topic}-{number:02d}" for topic, most in HIGHEST.items() for number in range(1, most + 1)}
    assert set(ROWS) == asked
    assert {row for row, (star, _tests, _figure) in ROWS.items() if star} == STARRED
    assert [row for row in STARRED if not ROWS[row][2]] == []


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_is_proven_by_is_there(row: str) -> None:
    _star, proofs, _figure = ROWS[row]
    assert proofs
    for proof in proofs:
        file, _, name = proof.partition("::")
        source = (TESTS / file).read_text("utf-8")
        assert not name or f"def {name}(" in source, proof
