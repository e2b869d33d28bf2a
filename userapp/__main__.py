"""The command `userapp`: what `flask --app wsgi` offers, for an installed package; `python -m userapp` is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import FlaskGroup, NoAppException

from . import __version__, create_app
from .config import UnsafeStart
from .plugins import PluginError

if TYPE_CHECKING:
    from flask import Flask


def _create() -> Flask:
    try:
        return create_app()
    except (UnsafeStart, PluginError) as error:
        raise NoAppException(str(error)) from None


@click.group(cls=FlaskGroup, create_app=_create, add_version_option=False)
@click.version_option(__version__)
def main() -> None:
    """Manage the accounts service: its database, its users, its settings."""


if __name__ == "__main__":
    main()
