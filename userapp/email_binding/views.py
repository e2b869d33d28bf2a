"""The endpoints of the e-mail address: document B's six, the page, and what goes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from .. import identifiers, web
from ..described import Loose, Maybe, described
from ..web import Outcome
from . import address_change, confirmation, errors, keep, lost_mailbox, state, undo, verification
from .forms import (
    BindForm,
    CancelForm,
    ConfirmForm,
    KeepForm,
    LostConfirmForm,
    LostForm,
    NewForm,
    ResendForm,
    SendForm,
    UnbindForm,
    UndoForm,
)

PAGE = "email_binding/email.html"
PUBLIC_ID = "1f2e3d4c5b6a7988"
STATUS = {"email": Maybe("ning@example.com"), "status": 0}
SENT = "验证码已发送，请查看邮件"
blueprint = Blueprint("email_binding", __name__, template_folder="templates")


def done(said: str) -> Outcome:
    """Document B's *SESSION: true* answer: the public id of the session or token in use, which is no secret."""
    return Outcome(said=said, data=current_user.public_id, goto="email_binding.page")


@blueprint.context_processor
def page_values() -> dict[str, Callable[[], Any]]:
    """What the page asks for when it is shown."""
    return {"binding": state.binding}


@blueprint.get("/user/email")
@web.signed_in
@described(data=Loose(STATUS | {"state": "unverified", "address": "ning@example.com", "resend_in": 0}))
@web.page(PAGE)
def page() -> Outcome:
    """The page of the address; the address and what is under way as JSON."""
    return Outcome(data=verification.status(current_user) | state.as_json())


@blueprint.route("/user/email/status", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@described(data=STATUS)
@web.page(PAGE)
def status() -> Outcome:
    """The address and whether it is verified."""
    return Outcome(data=verification.status(current_user))


@blueprint.route("/email/send", methods=["GET", "POST"])
@blueprint.route("/user/email/send", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@described(*errors.SENDING, data=PUBLIC_ID)
@web.form_view(SendForm, PAGE)
def send(form: SendForm) -> Outcome:
    """Mail the code that verifies the address once more."""
    verification.send_again(current_user)
    return done(SENT)


@blueprint.route("/user/email/bind", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@described(*errors.BINDING, data=PUBLIC_ID)
@web.form_view(BindForm, PAGE)
def bind(form: BindForm) -> Outcome:
    """Verify the present address."""
    verification.bind(current_user, form.text("captcha"))
    return done("邮箱已验证")


@blueprint.route("/user/email/new", methods=["GET", "POST"])
@web.freshly_signed_in
@web.document("B")
@described(*errors.REPLACING, data=PUBLIC_ID)
@web.form_view(NewForm, PAGE)
def new(form: NewForm) -> Outcome:
    """Set or replace an address that is not verified."""
    verification.replace(current_user, form.text("email"))
    return done(SENT)


@blueprint.route("/user/email/unbind", methods=["GET", "POST"])
@web.freshly_signed_in
@web.document("B")
@described(*errors.CHANGING, data=PUBLIC_ID)
@web.form_view(UnbindForm, PAGE)
def unbind(form: UnbindForm) -> Outcome:
    """Begin the change of a verified address."""
    address_change.start(current_user, form.text("new_email"))
    return done(SENT)


@blueprint.route("/user/email/unbind_confirm", methods=["GET", "POST"])
@web.signed_in
@web.document("B")
@described(*errors.CONFIRMING, data=PUBLIC_ID)
@web.form_view(ConfirmForm, PAGE)
def unbind_confirm(form: ConfirmForm) -> Outcome:
    """Finish it with both codes."""
    codes = form.text("old_captcha"), form.text("new_captcha")
    moved = confirmation.confirm(current_user, *codes, step=form.step.data)
    return done("邮箱已更换" if moved else "这一边已确认，请再填另一个验证码")


@blueprint.route("/user/email/resend", methods=["GET", "POST"])
@web.signed_in
@described(*errors.RESENDING, data=PUBLIC_ID)
@web.form_view(ResendForm, PAGE)
def resend(form: ResendForm) -> Outcome:
    """Another code for one mailbox of the change."""
    address_change.resend(current_user, form.text("side"))
    return done(SENT)


@blueprint.route("/user/email/cancel", methods=["GET", "POST"])
@web.signed_in
@described(errors.NothingPending, data=PUBLIC_ID)
@web.form_view(CancelForm, PAGE)
def cancel(form: CancelForm) -> Outcome:
    """Leave the address as it is."""
    address_change.cancel(current_user)
    return done("已取消更换")


@blueprint.route("/user/email/lost", methods=["GET", "POST"])
@web.signed_in
@described(*errors.LOSING, data=PUBLIC_ID)
@web.form_view(LostForm, "email_binding/lost.html")
def lost(form: LostForm) -> Outcome:
    """Begin to change a verified address whose mailbox is lost."""
    lost_mailbox.start(current_user, form.password.data, form.text("new_email"))
    return done(SENT)


@blueprint.route("/user/email/lost_confirm", methods=["GET", "POST"])
@web.signed_in
@described(*errors.PROVING, data=PUBLIC_ID)
@web.form_view(LostConfirmForm, PAGE)
def lost_confirm(form: LostConfirmForm) -> Outcome:
    """Prove the new mailbox of such a change; then the wait is all that is left."""
    lost_mailbox.confirm(current_user, form.text("new_captcha"))
    return done("新邮箱已确认，等待期结束后会自动更换")


@blueprint.get("/user/email/keep")
@web.anyone
@described(errors.NothingPending, query={"link": "The signed part of the link."})
@web.page("email_binding/keep.html")
def keep_page() -> Outcome:
    """What the announcement's link opens: it says what the button does, and does nothing itself."""
    link = request.args.get("link", "")[:1000]
    return Outcome(page={"link": link, "masked": identifiers.masked(keep.read(link).old_email)})


@blueprint.post("/user/email/keep")
@web.anyone
@described(errors.NothingPending)
@web.form_view(KeepForm)
def keep_address(form: KeepForm) -> Outcome:
    """Let the old mailbox stop the change."""
    keep.keep(form.text("link"))
    return Outcome("已阻止更换，邮箱保持不变。如果不是您本人的操作，请尽快修改密码", goto="system.home")


@blueprint.get("/user/email/undo")
@web.anyone
@described(errors.NothingPending, query={"link": "The signed part of the link."})
@web.page("email_binding/undo.html")
def undo_page() -> Outcome:
    """What an undo link opens: it says what the button does, and does nothing itself."""
    link = request.args.get("link", "")[:1000]
    return Outcome(page={"link": link, "masked": identifiers.masked(undo.read(link).old)})


@blueprint.post("/user/email/undo")
@web.anyone
@described(*errors.UNDOING)
@web.form_view(UndoForm)
def undo_change(form: UndoForm) -> Outcome:
    """Give the account back to its old mailbox."""
    undo.give_back(form.text("link"))
    web.leave()
    return Outcome("已恢复原来的邮箱，请设置新密码", goto="auth.reset")
