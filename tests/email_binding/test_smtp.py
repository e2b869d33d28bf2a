"""The change of an address with a real mail server: what it is sent, and what it refuses."""

from __future__ import annotations

import re
import time

import pytest

from tests.email_binding.conftest import NEW, OLD, accepted, refused


@pytest.fixture
def app(make_app, smtp_server):
    """An application whose mail goes to the server."""
    return make_app(MAIL_SERVER=smtp_server.host, MAIL_PORT=smtp_server.port, MESSAGE_GAP=60)


@pytest.fixture
def mailed(smtp_server):
    """What a pattern finds in the newest mail to an address; the thread of the queue may still be sending it."""

    def look(address, pattern):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            mails = [mail for mail in list(smtp_server.messages) if mail["To"] == address]
            found = [re.search(pattern, mail.get_body(("plain",)).get_content()) for mail in mails]
            if matches := [match[0] for match in found if match]:
                return matches[-1]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {address}")

    return look


@pytest.fixture
def code_to(mailed):
    """The newest code that the server got for an address."""
    return lambda address: mailed(address, r"\b[A-Z2-9]{10}\b")


def test_the_mails_of_a_change_and_what_a_refusal_leaves(changing, smtp_server, mailed):
    client, right = changing()
    accepted(client.post("/user/email/unbind_confirm", data=right))
    assert "n***@example.com" in mailed(OLD, r"(?s).*/user/email/undo.*")
    assert all(NEW not in str(mail) for mail in smtp_server.messages if mail["To"] == OLD)
    smtp_server.refuse_with = 550
    assert refused(client.post("/user/email/unbind", data={"new_email": "third@example.com"})) == 10812
    smtp_server.refuse_with = None
    accepted(client.post("/user/email/unbind", data={"new_email": "third@example.com"}))


def test_a_server_that_takes_nothing_is_10901(signed_in, smtp_server):
    client = signed_in("ning", phone="13800138000")
    smtp_server.refuse_with = 451
    reply = client.post("/user/email/new", data={"email": NEW})
    assert refused(reply) == 10901 and reply.json["msg"] == "发送邮件失败：SMTPRecipientsRefused"
    assert client.get("/user/email/status").json["data"] == {"email": None, "status": 0}


@pytest.mark.parametrize("spelling", ["data", "json"])
def test_an_activation_mail_that_no_server_took_spends_nothing(signed_in, smtp_server, mailed, spelling):
    """Contract 8: a message the mail server did not take spends nothing; so it is 10901 and, later, not 10817."""
    smtp_server.refuse_with = 451
    client, sent = signed_in("ning", email=OLD), {spelling: {"type": "old_send_again"}}
    deadline = time.monotonic() + 10
    while (number := refused(client.post("/email/send", **sent))) == 10817 and time.monotonic() < deadline:
        time.sleep(0.05)  # the queue has not tried yet
    assert number == refused(client.post("/email/send", **sent)) == 10901
    smtp_server.refuse_with = None
    accepted(client.post("/email/send", **sent))
    assert refused(client.post("/email/send", **sent)) == 10817
    code = mailed(OLD, r"\b[A-Z2-9]{10}\b")
    accepted(client.post("/user/email/bind", **{spelling: {"captcha": code}}))
