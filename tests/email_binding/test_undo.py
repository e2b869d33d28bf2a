"""What the undo of a changed address takes with it: a phone number an intruder may have put there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import time_machine

from tests.conftest import PASSWORD, Json
from tests.email_binding.conftest import OLD, accepted

MINE, THEIRS = "+8613800138000", "+8613900139000"


def phone_after_undo(app, client, change, outbox):
    """Confirm the change and undo it as the reader of the old mailbox; the phone the account has then."""
    accepted(client.post("/user/email/unbind_confirm", data=change))
    notice = next(mail for mail in outbox() if mail["to"] == OLD)
    link = re.search(r"/user/email/undo\?link=(\S+)", notice["text"])[1]
    assert app.test_client().post("/user/email/undo", data={"link": link}).json["status"]
    stranger = Json(app)
    stranger.post("/user/reset", data={"email": OLD, "captcha": stranger.captcha()})
    code = re.search(r"\d{6}", next(mail for mail in outbox() if mail["to"] == OLD)["text"])[0]
    answer = {"code": code, "new_password": PASSWORD, "captcha": stranger.captcha()}
    assert stranger.post("/user/reset", data=answer).json["status"]
    assert stranger.login(OLD).json["status"]
    return stranger.get("/user/info").json["data"]["phone"]


def test_a_phone_that_came_with_the_intruder_goes(app, changing, outbox):
    client, right = changing()
    assert client.post("/user/info", data={"phone": THEIRS}).json["status"]
    assert phone_after_undo(app, client, right, outbox) is None


def test_a_phone_from_before_stays(app, verified, code_to, outbox):
    client = verified()
    assert client.post("/user/info", data={"phone": MINE}).json["status"]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, minutes=1)):
        accepted(client.post("/user/email/unbind", data={"new_email": "new@example.com"}))
        right = {"old_captcha": code_to(OLD), "new_captcha": code_to("new@example.com")}
        assert phone_after_undo(app, client, right, outbox) == MINE
