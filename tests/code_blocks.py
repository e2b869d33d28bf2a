"""The code blocks of README.md and docs/, each with the mark that says how it is run or why it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.servers import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = re.compile(r"<!-- (run|not run): (.+) -->")
ADDRESS = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Block:
    """A block of code, where it stands, and its mark."""

    page: str
    line: int
    mark: str
    how: str
    text: str

    def at(self, url: str) -> str:
        """Its text for a service at another address."""
        return self.text.replace(ADDRESS, url)


def blocks_of(name: str, text: str) -> list[Block]:
    """Fenced blocks, and those indented by four spaces behind an empty line."""
    found: list[Block] = []
    lines = text.splitlines()
    number, mark, how = 0, "", ""
    while number < len(lines):
        line, start = lines[number], number
        number += 1
        if marked := MARK.fullmatch(line):
            mark, how = marked[1], marked[2]
        elif heading := re.fullmatch(r"### `([\w./]+)`", line):
            mark, how = "run", f"file {heading[1]}"  # tests/packaging compares, installs and tests these
        elif line.startswith("```"):
            while not lines[number].startswith("```"):
                number += 1
            found.append(Block(name, start + 1, mark, how, "\n".join(lines[start + 1 : number]) + "\n"))
            number, mark, how = number + 1, "", ""
        elif line.startswith("    ") and start and not lines[start - 1].strip():
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                number += 1
            inside = "\n".join(part[4:] for part in lines[start:number]).rstrip() + "\n"
            found.append(Block(name, start + 1, mark, how, inside))
            mark, how = "", ""
    return found


def every_block() -> list[Block]:
    """All of them, in the order of the pages."""
    return [block for page in PAGES for block in blocks_of(page.name, page.read_text("utf-8"))]


def run_as(how: str) -> list[Block]:
    """The blocks that are run in one way."""
    return [block for block in every_block() if (block.mark, block.how) == ("run", how)]
