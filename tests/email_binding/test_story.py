"""The whole story of an address: verified, changed by both mailboxes, noticed, undone; as JSON, token and browser."""

import re

from tests.conftest import PASSWORD, Browser, Json
from tests.email_binding.conftest import accepted, refused


def test_register_verify_change_notice_undo(signed_in, code_to, outbox, app):
    client = signed_in("ning", email="old@example.com")
    assert accepted(client.get("/user/email/status")) == {"email": "old@example.com", "status": 0}
    activation = code_to("old@example.com")
    accepted(client.post("/email/send", json={"type": "old_send_again"}))
    assert refused(client.post("/user/email/bind", json={"captcha": activation})) == 10804
    accepted(client.post("/user/email/bind", json={"captcha": code_to("old@example.com")}))
    assert accepted(client.post("/user/email/status")) == {"email": "old@example.com", "status": 1}
    session_id = accepted(client.post("/user/email/unbind", data={"new_email": " New@Example.com "}))
    assert re.fullmatch(r"[0-9a-f]{16}", session_id)
    assert accepted(client.get("/user/email/status"))["email"] == "old@example.com"
    codes = {"old_captcha": code_to("old@example.com"), "new_captcha": code_to("new@example.com")}
    assert accepted(client.post("/user/email/unbind_confirm", data=codes)) == session_id
    assert accepted(client.get("/user/email/status")) == {"email": "new@example.com", "status": 1}
    notice = next(mail for mail in outbox() if mail["to"] == "old@example.com")
    assert "n***@example.com" in notice["text"] and "new@example.com" not in notice["text"]
    path = re.search(r"http://localhost(/user/email/undo\?link=\S+)", notice["text"])[1]
    undo(app, path)
    assert client.get("/user/info").json["code"] == -2
    assert Json(app).login("ning").json["code"] == 10101
    assert Json(app).get(path).status_code == 410


def undo(app, path):
    """Open the link as its reader does, and press the button."""
    app.test_client_class = Browser
    browser = app.test_client()
    page = browser.get(path).get_data(as_text=True)
    assert "o***@example.com" in page
    link = re.search(r'name="link" value="([^"]+)"', page)[1]
    reply = browser.post("/user/email/undo", data={"link": link})
    assert reply.status_code == 303
    assert browser.post("/user/email/undo", data={"link": link}).status_code == 410


def test_a_client_with_nothing_but_its_token_goes_through_it_all(app, make_user, token_of, code_to):
    make_user("ning", email="old@example.com")
    token, activation = token_of("ning"), code_to("old@example.com")
    client, headers = app.test_client(use_cookies=False), {"token": token}
    accepted(client.post("/user/email/send", data={"type": "old_send_again"}, headers=headers))
    assert refused(client.post("/user/email/bind", data={"captcha": activation}, headers=headers)) == 10804
    accepted(client.post("/user/email/bind", data={"captcha": code_to("old@example.com").lower()}, headers=headers))
    session_id = accepted(client.post("/user/email/unbind", data={"new_email": "new@example.com"}, headers=headers))
    assert session_id not in token and not client.get("/user/info", headers={"token": session_id}).json["status"]
    codes = {"old_captcha": code_to("old@example.com"), "new_captcha": code_to("new@example.com")}
    accepted(client.post("/user/email/unbind_confirm", data={**codes, "session": session_id}, headers=headers))
    assert client.get("/user/info", headers=headers).json["data"]["email"] == "new@example.com"


def test_a_browser_enters_the_codes_one_at_a_time(signed_in, code_to):
    browser = signed_in("ning", Browser, email="old@example.com")
    assert "未验证" in browser.get("/user/email").get_data(as_text=True)
    code = code_to("old@example.com")
    assert browser.post("/user/email/bind", data={"captcha": f" {code[:5]}-{code[5:]} "}).status_code == 303
    assert "已验证" in browser.get("/user/email").get_data(as_text=True)
    assert browser.post("/user/email/unbind", data={"new_email": "new@example.com"}).status_code == 303
    page = browser.get("/user/email").get_data(as_text=True)
    assert "o***@example.com" in page and "n***@example.com" in page and "one-time-code" in page
    new = {"new_captcha": code_to("new@example.com"), "old_captcha": "", "step": "1"}
    assert browser.post("/user/email/unbind_confirm", data=new).status_code == 303
    page = browser.get("/user/email").get_data(as_text=True)
    assert "已确认" in page and 'name="new_captcha"' not in page
    old = {"old_captcha": code_to("old@example.com"), "step": "1"}
    assert browser.post("/user/email/unbind_confirm", data=old).status_code == 303
    assert "new@example.com" in browser.get("/user/email").get_data(as_text=True)


def test_a_change_is_resent_on_one_side_and_cancelled(signed_in, code_to):
    client = signed_in("ning", email="old@example.com")
    accepted(client.post("/user/email/bind", json={"captcha": code_to("old@example.com")}))
    accepted(client.post("/user/email/unbind", data={"new_email": "new@example.com"}))
    first = code_to("new@example.com")
    accepted(client.post("/user/email/resend", data={"side": "new"}))
    pending = client.get("/user/email").json["data"]["pending"]
    assert (pending["old_masked"], pending["new_masked"]) == ("o***@example.com", "n***@example.com")
    assert (pending["old_done"], pending["new_done"], pending["old_tries"], pending["new_tries"]) == (
        False,
        False,
        5,
        5,
    )
    assert isinstance(pending["expires"], int) and isinstance(pending["new_resend_in"], int)
    codes = {"old_captcha": code_to("old@example.com"), "new_captcha": first}
    assert refused(client.post("/user/email/unbind_confirm", data=codes)) == 10814
    accepted(client.post("/user/email/cancel"))
    codes["new_captcha"] = code_to("new@example.com")
    assert refused(client.post("/user/email/unbind_confirm", data=codes)) == 10802
    assert client.post("/user/email/cancel").status_code == 410


def test_a_change_belongs_to_the_session_that_asked(app, signed_in, token_of, code_to):
    client = signed_in("ning", email="old@example.com")
    accepted(client.post("/user/email/bind", json={"captcha": code_to("old@example.com")}))
    accepted(client.post("/user/email/unbind", data={"new_email": "new@example.com"}))
    codes = {"old_captcha": code_to("old@example.com"), "new_captcha": code_to("new@example.com")}
    other = app.test_client(use_cookies=False)
    reply = other.post("/user/email/unbind_confirm", data=codes, headers={"token": token_of("ning", PASSWORD)})
    assert refused(reply) == 10802
    accepted(client.post("/user/email/unbind_confirm", data=codes))
