"""The source of the service, parsed once for all tests that read it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import userapp

HOUSE = Path(userapp.__file__).parent


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything a file is made of."""
    return list(ast.walk(tree(path)))
