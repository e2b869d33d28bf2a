"""Recovery mail goes to the stored address alone, and its links to the configured one, whatever a request says."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from tests.conftest import ANSWER, Json

OWN, THIEF = "ning@example.com", "thief@evil.example"
# Addresses that a careless comparison takes for the account's: case, width, dotless ı, Kelvin sign, sharp s, a dot
LOOK_ALIKES = [
    ("mike@example.org", "m\u0131ke@example.org"),
    ("mike@ixample.org", "mike@\u0131xample.org"),
    ("user@example.org", "user@example.org."),
    ("user@example.org", "\uff55ser@example.org"),
    ("user@example.org", "us\u0435r@example.org"),
    ("user@example.org", "user@ex\u0430mple.org"),
    ("user@example.org", "user+x@example.org"),
    ("user@example.org", "us.er@example.org"),
    ("user@example.org", "user@example.org\u200b"),
    ("k@example.org", "\u212a@example.org"),
    ("strasse@example.org", "stra\u00dfe@example.org"),
]
SAME = [("user@example.org", "USER@EXAMPLE.ORG"), ("user@example.org", " user@example.org ")]
LISTS = [
    f"{OWN},{THIEF}", f"{THIEF},{OWN}", f"{OWN};{THIEF}", f"{OWN} {THIEF}", f"{OWN}\n{THIEF}", f"{OWN}\r\nBcc: {THIEF}",
    f"{OWN}\nCc: {THIEF}", f"{OWN}%0aBcc:{THIEF}", f"{OWN}\0{THIEF}", f"<{OWN}>,<{THIEF}>", f"Ning <{OWN}>, <{THIEF}>",
    f'"{OWN}"@evil.example', f"{OWN}@evil.example", f"{OWN}(,{THIEF})", f"{THIEF}(@example.com)", f"{OWN}|{THIEF}",
]  # fmt: skip
BODIES = [
    {"email": [OWN, THIEF]}, {"email": [THIEF, OWN]}, {"email": [OWN]}, {"email": {"0": OWN, "1": THIEF}},
    {"email": f"{OWN},{THIEF}"}, {"email": {"to": OWN, "cc": THIEF}}, {"email": [[OWN], [THIEF]]},
]  # fmt: skip
PAIRS = [
    [("email", OWN), ("email", THIEF)], [("email", THIEF), ("email", OWN)], [("email[]", OWN), ("email[]", THIEF)],
    [("email[0]", OWN), ("email[1]", THIEF)], [("email", OWN), ("cc", THIEF), ("to", THIEF), ("bcc", THIEF)],
]  # fmt: skip
HEADERS = [
    {"X-Forwarded-Host": "evil.example"}, {"X-Host": "evil.example"}, {"X-Forwarded-Server": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"}, {"X-Original-URL": "http://evil.example/"},
    {"X-Rewrite-URL": "http://evil.example/"}, {"X-Forwarded-Proto": "javascript"},
    {"X-Forwarded-Prefix": "//evil.example"},
    {"X-Forwarded-Port": "666"}, {"X-HTTP-Host-Override": "evil.example"}, {"Referer": "http://evil.example/"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "127.0.0.1"},
]  # fmt: skip
HOSTS = [
    "evil.example", "localhost.evil.example", "localhost@evil.example", "evil.example:80", "localhost:80@evil.example",
    "localhost/evil.example", "localhost#evil.example", "localhost evil.example", "evil.example.", "[::1]evil.example",
]  # fmt: skip


@pytest.fixture
def codes_sent(outbox):
    """Whom the recovery codes went to, and everything the messages say."""

    def look():
        found = [message for message in outbox() if "找回密码" in message["subject"]]
        return [message["to"] for message in found], "".join(m["subject"] + m["text"] + m["html"] for m in found)

    return look


@pytest.mark.parametrize("value", LISTS)
def test_a_list_in_the_address_is_no_address(client, make_user, codes_sent, value):
    make_user()
    reply = client.post("/user/reset", data={"captcha": client.captcha(), "email": value})
    assert reply.status_code == 403 and codes_sent()[0] == []


@pytest.mark.parametrize("body", BODIES, ids=json.dumps)
def test_an_array_or_object_never_adds_a_recipient(client, make_user, codes_sent, body):
    make_user()
    reply = client.post("/user/reset", json={"captcha": client.captcha(), **body})
    assert reply.status_code < 500 and set(codes_sent()[0]) <= {OWN}


@pytest.mark.parametrize("pairs", PAIRS, ids=json.dumps)
def test_a_repeated_field_never_adds_a_recipient(client, make_user, codes_sent, pairs):
    make_user()
    body = urlencode([("captcha", client.captcha()), *pairs])
    for path in ("/user/reset", f"/user/reset?email={THIEF}"):
        client.captcha()
        reply = client.post(path, data=body, content_type="application/x-www-form-urlencoded")
        assert reply.status_code < 500
    assert set(codes_sent()[0]) <= {OWN}


def test_a_repeated_key_in_json_never_adds_a_recipient(client, make_user, codes_sent):
    make_user()
    for first, second in ((OWN, THIEF), (THIEF, OWN)):
        client.captcha()
        body = f'{{"captcha": "{ANSWER}", "email": "{first}", "email": "{second}"}}'
        client.post("/user/reset", data=body, content_type="application/json")
    assert set(codes_sent()[0]) <= {OWN}


@pytest.mark.parametrize("stored,asked", LOOK_ALIKES)
def test_a_look_alike_gets_nothing_and_brings_nothing(client, make_user, codes_sent, stored, asked):
    make_user(email=stored)
    reply = client.post("/user/reset", data={"captcha": client.captcha(), "email": asked})
    recipients = codes_sent()[0]
    assert asked not in recipients and set(recipients) <= {stored}
    assert recipients == [] or reply.json["status"]


@pytest.mark.parametrize("stored,asked", SAME)
def test_the_same_address_in_other_letters_is_mailed_as_it_is_stored(client, make_user, codes_sent, stored, asked):
    make_user(email=stored)
    assert client.post("/user/reset", data={"captcha": client.captcha(), "email": asked}).json["status"]
    assert codes_sent()[0] == [stored]


@pytest.mark.parametrize("headers", HEADERS, ids=json.dumps)
def test_a_header_changes_no_link(app, make_user, codes_sent, headers):
    make_user()
    app.test_client_class = Json
    client = app.test_client()
    reply = client.post("/user/reset", data={"captcha": client.captcha(), "email": OWN}, headers=headers)
    recipients, text = codes_sent()
    answer = reply.get_data(as_text=True) + str(reply.headers)
    assert set(recipients) <= {OWN} and "evil" not in text and ":666" not in text
    assert "evil.example" not in answer and "javascript:" not in text


@pytest.mark.parametrize("host", HOSTS)
def test_a_foreign_host_is_400_and_sends_nothing(client, make_user, codes_sent, host):
    make_user()
    client.captcha()
    reply = client.post("/user/reset", data={"captcha": ANSWER, "email": OWN}, headers={"Host": host})
    assert reply.status_code == 400 and codes_sent()[0] == []
    assert "evil" not in reply.get_data(as_text=True) + str(reply.headers)
