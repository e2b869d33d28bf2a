"""`/user/setup`: where the link that an operator hands on leads."""

from __future__ import annotations

from flask import Blueprint

from .. import web
from ..described import described
from ..errors import PasswordTooCommon
from ..web import Outcome
from . import setup_links
from .errors import LinkDead, SetupPasswordLength
from .forms import SetupForm

blueprint = Blueprint("operators", __name__, template_folder="templates")


@blueprint.route("/user/setup", methods=["GET", "POST"])
@web.anyone
@described(LinkDead, SetupPasswordLength, PasswordTooCommon)
@web.form_view(SetupForm, "operators/setup.html")
def setup(form: SetupForm) -> Outcome:
    """Set the password of the account a one-time link was made for; the link is used up."""
    setup_links.set_password(form.text("link"), str(form.new_password.data or ""))
    return Outcome("密码已设置，请登录", goto="auth.login")
