"""`/dev/outbox`, and document A's debug parameter."""

from __future__ import annotations

from flask import Blueprint, g, request

from .. import delivery, forms, web
from ..described import described
from ..web import Outcome

blueprint = Blueprint("devtools", __name__, template_folder="templates")
EXAMPLE = {
    "id": "01790000000000000000-1f2e3d4c",
    "kind": "mail",
    "to": "ning@example.com",
    "subject": "userapp - 激活邮箱",
    "text": "…",
    "html": "…",
    "at": "2026-11-21T08:00:00Z",
}


@blueprint.get("/dev/outbox")
@web.anyone
@described(data=[EXAMPLE])
@web.page("devtools/outbox.html")
def outbox() -> Outcome:
    """What would have been mailed and texted, newest first."""
    messages = delivery.outbox()
    return Outcome(data=messages, page={"messages": messages})


@blueprint.before_app_request
def waive_captcha() -> None:
    """Honour document A's `no_captcha` (debug)."""
    if request.method == "POST" and request.endpoint and request.endpoint.startswith("auth."):
        values = g.get("body", {})
        g.captcha_waived = values.get("no_captcha", "").strip().lower() in forms.TRUE
