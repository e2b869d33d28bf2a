"""Every named event, made to happen once: each is one row and one line that can be parsed."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections import Counter

import pytest
from PIL import Image

from userapp import audit
from userapp.extensions import db
from userapp.models import AuditEvent

pytestmark = pytest.mark.long
MAILED, TEXTED = r"\b([A-Z2-9]{10})\b", r"\b(\d{6})\b"


@pytest.fixture
def lines(caplog):
    """The audit lines from here on, parsed."""
    caplog.set_level(logging.INFO, logger="userapp.audit")
    return lambda: [
        json.loads(record.message)
        for record in caplog.get_records("setup") + caplog.records
        if record.name == "userapp.audit"
    ]


@pytest.fixture
def story(lines, app, admin, make_user, outbox, tmp_path):
    """What people, an administrator and an operator do, until everything that has a name has happened."""

    def newest(to, pattern):
        return next(found[1] for one in outbox() if one["to"] == to and (found := re.search(pattern, one["text"])))

    def tell():
        target = make_user("ning")["id"]
        client = app.test_client()
        done = client.login("ning")
        post = lambda path, **fields: client.post(path, data=fields)  # noqa: E731
        old, new = "ning@example.com", "other@example.com"
        post("/user/email/bind", captcha=newest(old, MAILED))
        post("/user/info", intro="x")
        image = io.BytesIO()
        Image.new("RGB", (200, 200)).save(image, "PNG")
        image.seek(0)
        post("/user/avatar", avatar=(image, "me.png"))
        post("/user/avatar/remove")
        token = post("/user/sessions", create="script").json["data"]["token"]
        app.test_client().post("/user/refresh_token", data={"confirm": int(time.time())}, headers={"token": token})
        post("/user/sessions", end="others")
        post("/user/email/unbind", new_email=new)
        post("/user/email/cancel")
        post("/user/email/unbind", new_email=new)
        post("/user/email/unbind_confirm", old_captcha=newest(old, MAILED), new_captcha=newest(new, MAILED))
        post("/user/export")
        post("/user/delete")
        post("/user/delete/cancel")
        post("/user/password", old_password="correct-horse-9", new_password="battery-staple-7")
        post("/user/logout")
        post("/user/email/undo", link=newest(old, r"link=([\w.\-]+)"))
        post("/user/reset", email=old, captcha=client.captcha())
        post("/user/reset", code=newest(old, TEXTED), captcha=client.captcha(), new_password="battery-staple-8")
        client.login("ning", "wrong-password-1")
        at = f"/admin/users/{target}"
        for action in ("disable", "enable", "sessions", "reset"):
            admin.post(f"{at}/{action}")
        for name, value in {"uid": "n-1", "name": "宁", "user_type": "teacher"}.items():
            admin.post(f"{at}/{name}", data={name: value})
        admin.post(f"{at}/delete", data={"uname": "ning"})
        (tmp_path / "people.jsonl").write_text('{"uname": "imported"}\n')
        app.test_cli_runner().invoke(args=["users", "import", str(tmp_path / "people.jsonl")])
        return done

    return tell


def test_every_named_event_is_one_row_and_one_line(app, lines, story):
    story()
    told = Counter((line["event"], line["outcome"], line["actor"], line["target"], line["at"]) for line in lines())
    with app.app_context():
        rows = db.session.query(AuditEvent).all()
    kept = Counter((row.event, row.outcome, row.actor_id, row.user_id, row.at.isoformat()) for row in rows)
    assert told == kept
    assert sorted(set(audit.EVENTS) - {event for event, outcome, *_rest in told if outcome == "ok"}) == []
    assert any(key[:2] == ("sign_in", "refused") for key in told)
