"""`/user/notes`, read and added to."""

from flask import Blueprint
from flask_login import current_user

from userapp import web
from userapp.described import described
from userapp.web import Outcome

from . import services
from .errors import NoteMalformed, TooManyNotes
from .forms import NoteForm

blueprint = Blueprint("notes", __name__, template_folder="templates")
NOTE = {"id": 7, "note": "牛奶"}


@blueprint.get("/user/notes")
@web.signed_in
@described(data=[NOTE])
@web.page("notes/notes.html")
def page() -> Outcome:
    """The caller's notes, the latest first."""
    return Outcome(data=services.notes_of(current_user.user_id))


@blueprint.post("/user/notes")
@web.signed_in
@described(NoteMalformed, TooManyNotes, data=NOTE)
@web.form_view(NoteForm, "notes/notes.html")
def add(form: NoteForm) -> Outcome:
    """Keep another note."""
    kept = services.add(current_user.user_id, form.text("note"))
    return Outcome("已保存", kept, goto="notes.page")


@blueprint.context_processor
def page_values():
    """What the page asks for when it is shown."""
    return {"my_notes": lambda: services.notes_of(current_user.user_id)}
