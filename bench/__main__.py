"""`make bench`: measure everybody and write the tables. `ARGS="--short"` for a quick look that proves nothing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import live, measures, report, verdicts
from .contestants import EVERYBODY, ROOT
from .environments import HERE, new_database, postgresql
from .plan import SHORT, Plan

MEASURES = ("who", "login", "register", "storm", "start", "growth", "pictures")
KINDS = ("who am I, cookie", "who am I, token", "login", "register", "storm", "start-up", "growth", "Captcha")
MARKS = ("<!-- table -->\n", "<!-- end of table -->\n")


def main() -> None:
    """Measure what is asked for and write the tables."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few and short runs")
    parser.add_argument("--only", default=",".join(MEASURES), help="of " + ", ".join(MEASURES))
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--connections", help="of the readers, as 1,16,64")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    plan, only = SHORT if asked.short else Plan(), set(asked.only.split(","))
    if asked.connections:
        plan = replace(plan, connections=tuple(map(int, asked.connections.split(","))))
    pieces: dict[str, Any] = {}
    began = datetime.now(UTC)
    for database in asked.databases.split(","):
        folder = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            with nullcontext(None) if database == "SQLite" else postgresql() as server:
                on_one_database(database, server, folder, plan, only, pieces)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if "pictures" in only:
        drawn = draw_pictures(plan)
        keep(pieces, "Captcha and avatar", report.pictures(*drawn), verdicts.pictures(*drawn))
    write(began, plan, pieces, asked.write and not asked.short)


def on_one_database(
    database: str, server: str | None, folder: Path, plan: Plan, only: set[str], pieces: dict[str, Any]
) -> None:
    """Everything that needs servers, on one kind of database."""

    def note(title: str, measured: Any, shown: str) -> None:
        keep(pieces, title, shown, verdicts.of(title, measured))

    if only & {"who", "login", "register", "storm", "start"}:
        with live.everybody(EVERYBODY, database, server, folder, plan.accounts) as lives:
            live.settle(lives)
            if "who" in only:
                for by, many in [("cookie", n) for n in plan.connections] + [
                    ("token", plan.connections[len(plan.connections) // 2])
                ]:
                    measured = measures.who_am_i(lives, plan, by, many)
                    note(f"who am I, {by} | {database}, {many} connections", measured, report.lines(measured))
            for kind, requests in (("login", live.Live.logins), ("register", live.Live.registrations)):
                if kind in only:
                    hashed = measures.hashing(lives, plan, requests)
                    note(f"{kind} | {database}", hashed, report.lines(hashed, verdicts.HASH, 1000, "ms"))
            if "storm" in only:
                stormy = measures.storm(lives, plan)
                note(f"storm | {database}", stormy, report.storms(stormy))
            if "start" in only:
                memory = measures.memory(lives)
                started = measures.start_up(lives, plan, folder)
                note(f"start-up | {database}", (started, memory), report.starts(started, memory))
    if "growth" in only:
        urls = [(n, new_database(server, f"growth_{n}") if server else "sqlite:///@home/b.sqlite") for n in plan.sizes]
        grown = measures.growth(iter(urls), plan, folder)
        first = f"{plan.sizes[0]:,}"
        note(f"growth | {database}", grown, "\n".join(f"{k}:\n\n{report.lines(v, first)}" for k, v in grown.items()))


def draw_pictures(plan: Plan) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Captcha and avatar, each way in a new process, in turns."""

    def ask(*what: str) -> Any:
        command = [sys.executable, "-m", "bench.pictures", *what]
        return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout or "null")

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/photograph.jpg"
        ask("photograph", path)
        runs = [(ask("naive", path), ask("userapp", path)) for _ in range(plan.rounds)]
        likeness = ask("likeness", path)
    avatar = {"naive": [run[0] for run in runs], report.OURS: [run[1] for run in runs]}
    return ask("captcha", str(plan.pictures)), avatar, likeness


def keep(pieces: dict[str, Any], title: str, shown: str, found: list[Any]) -> None:
    """Note one table with its verdicts, when it was measured and how busy the machine was; and show it."""
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, at a load of {os.getloadavg()[0]:.1f}:"
    pieces[title] = {"shown": f"{at}\n\n{shown}", "found": found}
    print(f"## {title}\n\n{pieces[title]['shown']}", flush=True)


def page(began: datetime, plan: Plan, pieces: dict[str, Any]) -> str:
    """The whole text: where it was measured, the verdicts, every table."""
    cpu = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    took = (datetime.now(UTC) - began).seconds // 60
    head = (
        f"{began:%Y-%m-%d %H:%M} UTC, {took} minutes; {len(cpu)} × {cpu[0] if cpu else platform.machine()}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}; {plan.accounts:,} accounts, {plan.rounds} "
        "rounds; medians, with the lowest and highest round in brackets.\n"
    )
    titles = sorted(pieces, key=place)
    found = [row for title in titles for row in pieces[title]["found"]]
    return "\n".join(
        [head, verdicts.as_table(found), *(f"### {title}\n\n{pieces[title]['shown']}" for title in titles)]
    )


def place(title: str) -> tuple[int, int, list[int]]:
    """Where a table stands: by database, by kind, by connections."""
    kinds = [number for number, kind in enumerate(KINDS) if title.startswith(kind)]
    return "PostgreSQL" in title, kinds[0], [int(number) for number in re.findall(r"\d+", title)]


def write(began: datetime, plan: Plan, pieces: dict[str, Any], into_docs: bool) -> None:
    """Keep the page below bench/.results; into docs/performance.md it goes with what earlier runs wrote of the rest."""
    folder = HERE / ".results"
    folder.mkdir(exist_ok=True)
    (folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.md").write_text(page(began, plan, pieces), "utf-8")
    if not into_docs:
        print(page(began, plan, pieces))
        return
    written = folder / "written.json"
    pieces = (json.loads(written.read_text("utf-8")) if written.exists() else {}) | pieces
    written.write_text(json.dumps(pieces, ensure_ascii=False), "utf-8")
    document = ROOT / "docs" / "performance.md"
    head, _, rest = document.read_text("utf-8").partition(MARKS[0])
    text = page(began, plan, pieces)
    document.write_text(head + MARKS[0] + "\n" + text + "\n" + MARKS[1] + rest.partition(MARKS[1])[2], "utf-8")
    print(text)


if __name__ == "__main__":
    main()
