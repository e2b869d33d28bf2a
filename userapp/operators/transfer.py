"""`users import` and `users export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import exporting
from .importing import Source, import_file
from .output import bar, json_option, plainly, say
from .rows import format_of
from .unfinished import Unfinished

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
@click.option("--again", is_flag=True, help="Begin at the first account, whatever an earlier export wrote.")
@json_option
@plainly
def export_command(file: Path, format: str | None, again: bool, as_json: bool) -> None:
    """Write every account into a file (- for standard output): what `import` reads, without password hashes.

    Started again after it was stopped in any way, it goes on behind the last accounts it wrote.
    """
    format = format or format_of(file)
    with bar(exporting.accounts(), file.name) as seen:
        if str(file) == "-":
            exporting.export(sys.stdout, format, lambda _last, size: seen.update(size))
            return
        work = Unfinished(file, format)
        with work.open(again) as out:
            seen.update(work.written)

            def stored(last: int, size: int) -> None:
                work.note(out, last, size)
                seen.update(size)

            exporting.export(out, format, stored, work.last)
        work.finish()
    say({"exported": work.written, "file": str(file)}, f"{work.written} accounts are in {file}", as_json)
