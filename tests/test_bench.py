"""The measurements at least parse, and their judgement of figures is right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bench import people, report, verdicts
from bench.live import Sample

BENCH = Path(people.__file__).parent


@pytest.mark.parametrize(
    "path", sorted(BENCH.glob("[!.]*/*.py")) + sorted(BENCH.glob("*.py")), ids=lambda path: path.name
)
def test_every_file_parses_and_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_every_peer_has_its_versions_pinned():
    for lock in BENCH.glob("peers/*.txt"):
        lines = lock.read_text().splitlines()
        assert all("==" in line for line in lines if not line.startswith("--no-binary")), lock.name


def test_a_ratio_is_judged_by_its_median():
    def samples(*cpu):
        return [Sample(value, 1000 / value, 1, 2) for value in cpu]

    found = {report.OURS: samples(100, 110, 300), verdicts.CORE: samples(100, 100, 100)}
    found |= {"userapp under granian": samples(50, 50, 50), **{peer: samples(500, 100, 500) for peer in verdicts.PEERS}}
    judged = verdicts.of("who am I, cookie | SQLite, 16 connections", found)
    assert [reached for *_, reached in judged] == [False, True, True, True, True, True]
    assert judged[0][2] == "1.10 (1.00–3.00)"
    assert "| userapp | 1.00 (1.00–1.00) | 110 (100–300) |" in report.lines(found)
