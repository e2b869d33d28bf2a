"""`/user/info`, read and changed."""

from __future__ import annotations

from flask import Blueprint
from flask_login import current_user

from .. import replies, web
from ..described import USER, described
from ..errors import (
    AddressMalformed,
    AddressTaken,
    AddressVerified,
    NotFresh,
    PhoneMalformed,
    PhoneTaken,
    Unreachable,
)
from ..web import Outcome
from . import services
from .errors import IntroTooLong, WrongGender, WrongLanguage
from .forms import InfoForm

blueprint = Blueprint("profile", __name__, template_folder="templates")
ADDRESSES = (AddressMalformed, AddressTaken, AddressVerified, PhoneMalformed, PhoneTaken, Unreachable, NotFresh)


@blueprint.get("/info")
@web.signed_in
@web.document("B")
@described(data=USER, flat=True)
@web.page("profile/info.html")
def info() -> Outcome:
    """The caller's own information (document B, and A's GET)."""
    fields = replies.user_fields(current_user.user)
    return Outcome(data=fields, flat=fields)


@blueprint.post("/info")
@web.signed_in
@web.document("B")
@described(WrongGender, IntroTooLong, WrongLanguage, *ADDRESSES, data=USER, flat=True)
@web.form_view(InfoForm, "profile/info.html")
def change_info(form: InfoForm) -> Outcome:
    """Change what was sent; nothing sent is a read (document B's Default)."""
    if services.moves(current_user.user, changes := form.changes()):
        web.require_fresh()
    user = services.change_info(current_user.user_id, **changes) if changes else current_user.user
    fields = replies.user_fields(user)
    return Outcome("修改成功" if changes else "", fields, flat=fields, goto="profile.info")
