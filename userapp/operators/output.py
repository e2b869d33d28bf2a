"""What commands print: one JSON value for scripts, plain lines for people; refusals as one line and exit status 1."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from ..errors import AppError, NotFound
from .importing import ImportRefused
from .rows import UnreadableFile

P = ParamSpec("P")
R = TypeVar("R")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value, for scripts.")


def say(values: Any, lines: Iterable[str] | str, as_json: bool) -> None:
    """Print `values` as JSON, or the lines."""
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
    else:
        for line in [lines] if isinstance(lines, str) else lines:
            click.echo(line)


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command in the application; a refusal ends it with one line instead of a traceback."""

    @wraps(command)
    def run(*args: P.args, **values: P.kwargs) -> R:
        if sys.stderr.isatty():  # a person reads what the command says, not a log
            logging.getLogger("userapp").setLevel(logging.WARNING)
        try:
            return command(*args, **values)
        except NotFound:
            raise click.ClickException("there is no such account") from None
        except (AppError, ImportRefused, UnreadableFile, OSError) as error:
            raise click.ClickException(str(error)) from None
        except OperationalError as error:
            raise click.ClickException(
                f"the database does not answer ({type(error.orig).__name__}): try again"
            ) from None

    wrapped: Callable[P, R] = with_appcontext(run)
    return wrapped


def bar(length: int, label: str) -> Any:
    """A progress bar on standard error, where somebody is looking."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())
