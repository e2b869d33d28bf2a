"""The command `notes`."""

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from userapp.extensions import reading

from .models import Note


@click.command("notes")
@with_appcontext
def notes() -> None:
    """Tell how many notes are kept."""
    with reading() as connection:
        click.echo(connection.scalar(select(func.count()).select_from(Note)))
