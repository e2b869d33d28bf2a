"""Keeping notes."""

from flask import current_app
from sqlalchemy import func, select

from userapp.extensions import db, reading
from userapp.models import User

from .errors import TooManyNotes
from .models import Note


def notes_of(user_id):
    """An account's notes, the latest first."""
    with reading() as connection:
        rows = select(Note.id, Note.note).where(Note.user_id == user_id).order_by(Note.id.desc())
        return [dict(row._mapping) for row in connection.execute(rows)]


def add(user_id, note):
    """Keep a note; raises TooManyNotes (20001)."""
    db.session.get_one(User, user_id, with_for_update=True)  # two requests at once count one after the other
    kept = db.session.scalar(select(func.count()).select_from(Note).where(Note.user_id == user_id))
    if kept >= current_app.config["NOTES_MOST"]:
        db.session.rollback()
        raise TooManyNotes()
    row = Note(user_id=user_id, note=note)
    db.session.add(row)
    db.session.commit()
    return {"id": row.id, "note": row.note}
