"""`users import` and `users export`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from . import exporting
from .importing import Source, import_file
from .output import bar, json_option, plainly, say
from .rows import format_of

FORMAT = click.Choice(["csv", "jsonl"])


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", "dry", is_flag=True, help="Only report what speaks against each line.")
@click.option("--format", "format", type=FORMAT, help="By default what the file's name says, else CSV.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of the file; gbk for older Chinese ones.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where refused lines are written.")
@click.option("--again", is_flag=True, help="Begin at the first line, whatever an earlier import did.")
@json_option
@plainly
def import_command(
    file: Path, dry: bool, format: str | None, encoding: str, report: Path | None, again: bool, as_json: bool
) -> None:
    """Make accounts of the lines of a CSV or JSON lines file.

    Started again after it was stopped in any way, it goes on behind the last batch it stored. The exit status is 1
    where lines were refused.
    """
    source = Source(file, format or format_of(file), encoding)
    path = report or file.with_name(file.name + (".dry-run.csv" if dry else ".report.csv"))
    with bar(file.stat().st_size, file.name) as seen:
        done = import_file(source, path, dry=dry, again=again, progress=lambda at: seen.update(at - seen.pos))
    verb = "could be made" if dry else "made"
    lines = [f"{done['created']} accounts {verb}, {done['refused']} lines refused, up to line {done['lines']}"]
    if done["resumed_after"]:
        lines.insert(0, f"an earlier import was continued after line {done['resumed_after']}")
    if done["refused"]:
        lines.append(f"what speaks against each refused line: {path}")
    say(done, lines, as_json)
    if done["refused"]:
        raise SystemExit(1)


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--format", "format", type=FORMAT, help="By default what the file's name says, else CSV.")
@json_option
@plainly
def export_command(file: Path, format: str | None, as_json: bool) -> None:
    """Write every account into a file (- for standard output): what `import` reads, without password hashes."""
    format = format or format_of(file)
    with bar(exporting.accounts(), file.name) as seen:
        if str(file) == "-":
            exporting.export(sys.stdout, format, seen.update)
            return
        part = file.with_name(file.name + ".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            written = exporting.export(out, format, seen.update)
        part.replace(file)
    say({"exported": written, "file": str(file)}, f"{written} accounts are in {file}", as_json)
