"""Import of accounts from a file: batch by batch, each committed with the position it leads to.

So an import that was killed goes on after the last batch it committed, and nothing is missing, doubled or reported
twice. The position belongs to the file's content.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .. import audit, passwords
from ..accounts import OPERATOR
from ..extensions import db, reading
from ..models import Import, now
from ..turns import turn
from .columns import IMPORTED, Problem, account
from .creating import Candidate, Seen, create, judge
from .report import Report
from .rows import Line, read

BATCH = 500
TRIES = 20


class ImportRefused(RuntimeError):
    """The import cannot begin, or cannot go on; the message says why."""


@dataclass
class Position:
    """How far an import has come: the last line that is done, and what became of the lines up to there."""

    line: int = 0
    created: int = 0
    refused: int = 0
    report: int = 0
    finished: bool = False


@dataclass(frozen=True)
class Source:
    """The file to import and how to read it."""

    path: Path
    format: str
    encoding: str = "utf-8"


Progress = Callable[[int], None]


def import_file(
    source: Source, report: Path, *, dry: bool = False, again: bool = False, progress: Progress
) -> dict[str, Any]:
    """Make an account of every line that nothing speaks against, and report the others; what came of it.

    With `dry` only the report is written. Goes on where an earlier import of the same content stopped, unless
    `again`. Raises ImportRefused and rows.UnreadableFile.
    """
    begun = time.monotonic()
    with source.path.open("rb") as file, nullcontext(True) if dry else turn(db.engine, "import") as mine:
        if not mine:
            raise ImportRefused("another import is under way")
        digest = None if dry else _digest(file)
        reached = position(digest) if digest and not again else Position()
        if reached.finished:
            raise ImportRefused(f"imported already: {reached.created} accounts; --again begins anew")
        resumed = reached.line
        _do_all(source, file, report, reached, digest, progress)
    seconds = max(time.monotonic() - begun, 0.001)
    return {
        "dry_run": dry, "created": reached.created, "refused": reached.refused, "lines": reached.line,
        "resumed_after": resumed, "seconds": round(seconds, 1),
        "lines_per_second": round((reached.line - resumed) / seconds), "peak_mib": _peak_mib(), "report": str(report),
    }  # fmt: skip


def _do_all(
    source: Source, file: BufferedReader, report: Path, reached: Position, digest: str | None, progress: Progress
) -> None:
    with Report(report, reached.report) as written, closing(Seen()) as seen:
        reached.report = written.size
        lines = read(file, source.format, IMPORTED, source.encoding)
        for batch in _batches(line for line in lines if line.number > reached.line):
            _do(batch, seen, written, reached, digest)
            progress(file.tell())
    reached.finished = True
    if digest is not None:
        told: dict[str, Any] = {"file": source.path.name[:100], "created": reached.created, "refused": reached.refused}
        audit.record("import", None, actor_id=OPERATOR, **told)
        _commit(reached, digest)


def position(digest: str) -> Position:
    """Where an import of this content stopped; the beginning if it never began."""
    columns = [Import.__table__.c[name] for name in Position.__annotations__]
    with reading() as connection:
        found = connection.execute(select(*columns).where(Import.digest == digest)).one_or_none()
    return Position(*found) if found else Position()


def _digest(file: BufferedReader) -> str:
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return found


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(islice(lines, BATCH)):
        yield batch


def _do(batch: list[Line], seen: Seen, report: Report, reached: Position, digest: str | None) -> None:
    """Judge a batch and, unless `digest` is None (a dry run), store it with the position it leads to."""
    candidates = [_candidate(line) for line in batch]
    with reading() as connection:
        judge(connection, candidates)
    for one in candidates:
        seen.judge(one)
    good = [one for one in candidates if not one.problems]
    if digest is not None:
        _wrap(good)
    for _try in range(TRIES):
        fine = [one for one in good if not one.problems]
        size = report.write([one for one in candidates if one.problems], reached.report)
        then = Position(batch[-1].number, reached.created + len(fine), reached.refused + len(batch) - len(fine), size)
        if digest is None or _store(fine, then, digest):
            vars(reached).update(vars(then))
            return
        with reading() as connection:  # somebody registered one of these names in this moment
            judge(connection, fine)
    raise ImportRefused("the names of a batch are taken while it is stored, again and again: try at a quieter time")


def _candidate(line: Line) -> Candidate:
    if line.trouble:
        return Candidate(line.number, problems=[Problem("", "malformed", line.trouble)])
    return Candidate(line.number, line.values, *account(line.values))


def _wrap(candidates: list[Candidate]) -> None:
    """Put bare digests into argon2id, on every processor: each costs what a sign-in costs."""
    wrap = passwords.wrapper()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes = threads.map(wrap, [one.stored["password_hash"] or "" for one in candidates])
        for one, stored in zip(candidates, hashes, strict=True):
            one.stored["password_hash"] = stored or None


def _store(candidates: list[Candidate], then: Position, digest: str) -> bool:
    try:
        create([one.stored for one in candidates])
        _commit(then, digest)
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def _commit(reached: Position, digest: str) -> None:
    db.session.merge(Import(digest=digest, at=now(), **vars(reached)))
    db.session.commit()


def _peak_mib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))
