"""What administrators do to an account; each is freshly signed in, each leaves an event."""

from __future__ import annotations

from flask_login import current_user

from .. import described as api
from .. import web
from ..errors import Unreachable
from ..web import Outcome
from . import events, services
from .errors import ACTING, AddressMoved, RealNameMalformed, UidMalformed, UidTaken, UnknownType, WrongConfirmation
from .forms import ActionForm, DeleteForm, NameForm, SessionsForm, TypeForm, UidForm, VerifyForm
from .views import PERSON, blueprint, described

PAGE = "admin/user.html"
BOTH = ["GET", "POST"]  # a browser that had to sign in again comes back by GET and finds the page


def done(message: str, user_id: int) -> Outcome:
    """The account as it is now."""
    return Outcome(message, described(events.person(user_id)["user"]), goto="admin.users")


@blueprint.route("/users/<int:user_id>/disable", methods=BOTH)
@web.admin
@api.described(*ACTING, data=PERSON)
@web.form_view(ActionForm, PAGE)
def disable(_form: ActionForm, user_id: int) -> Outcome:
    """Close the account and end all it is signed in with."""
    services.disable(current_user, user_id)
    return done("账号已停用", user_id)


@blueprint.route("/users/<int:user_id>/enable", methods=BOTH)
@web.admin
@api.described(*ACTING, data=PERSON)
@web.form_view(ActionForm, PAGE)
def enable(_form: ActionForm, user_id: int) -> Outcome:
    """Open the account again."""
    services.enable(current_user, user_id)
    return done("账号已恢复使用", user_id)


@blueprint.route("/users/<int:user_id>/sessions", methods=BOTH)
@web.admin
@api.described(*ACTING, data=PERSON)
@web.form_view(SessionsForm, PAGE)
def end_sessions(form: SessionsForm, user_id: int) -> Outcome:
    """End one session or token (`end` is its public id), or all of them."""
    services.end_sessions(current_user, user_id, form.text("end"))
    return done("已结束登录", user_id)


@blueprint.route("/users/<int:user_id>/reset", methods=BOTH)
@web.admin
@api.described(*ACTING, Unreachable, data=PERSON)
@web.form_view(ActionForm, PAGE)
def start_reset(_form: ActionForm, user_id: int) -> Outcome:
    """Void the password and write to the owner, who sets a new one by recovery."""
    services.start_reset(current_user, user_id)
    return done("密码已作废，已通知用户重新设置", user_id)


@blueprint.route("/users/<int:user_id>/uid", methods=BOTH)
@web.admin
@api.described(*ACTING, UidMalformed, UidTaken, data=PERSON)
@web.form_view(UidForm, PAGE)
def set_uid(form: UidForm, user_id: int) -> Outcome:
    """Set the account number."""
    services.set_uid(current_user, user_id, form.canonical())
    return done("修改成功", user_id)


@blueprint.route("/users/<int:user_id>/name", methods=BOTH)
@web.admin
@api.described(*ACTING, RealNameMalformed, data=PERSON)
@web.form_view(NameForm, PAGE)
def set_name(form: NameForm, user_id: int) -> Outcome:
    """Set the real name; empty takes it away."""
    services.set_name(current_user, user_id, form.normal())
    return done("修改成功", user_id)


@blueprint.route("/users/<int:user_id>/user_type", methods=BOTH)
@web.admin
@api.described(*ACTING, UnknownType, data=PERSON)
@web.form_view(TypeForm, PAGE)
def set_type(form: TypeForm, user_id: int) -> Outcome:
    """Make the account a student, teacher or admin; it signs in anew."""
    services.set_type(current_user, user_id, form.text("user_type"))
    return done("修改成功", user_id)


@blueprint.route("/users/<int:user_id>/verify_email", methods=BOTH)
@web.admin
@api.described(*ACTING, AddressMoved, data=PERSON)
@web.form_view(VerifyForm, PAGE)
def verify_email(form: VerifyForm, user_id: int) -> Outcome:
    """Take the address for verified; `email` says which one was meant."""
    services.verify_email(current_user, user_id, form.text("email"))
    return done("邮箱已验证", user_id)


@blueprint.route("/users/<int:user_id>/delete", methods=BOTH)
@web.admin
@api.described(*ACTING, WrongConfirmation)
@web.form_view(DeleteForm, PAGE)
def delete(form: DeleteForm, user_id: int) -> Outcome:
    """Delete the account for good; `uname` must be its user name."""
    services.remove(current_user, user_id, form.text("uname"))
    return Outcome("账号已删除", goto="admin.users")
