"""A request is one line of JSON with its id, and no line holds a secret, whatever failed."""

from __future__ import annotations

import base64
import json
import logging
import urllib.parse

import pytest

from userapp import logs

CANARY = "canary/Ünïcode+7f3a 密码"
FORMS = {
    "raw": str,
    "repr": repr,
    "json": json.dumps,
    "quoted": urllib.parse.quote,
    "plus": urllib.parse.quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "urlsafe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "bytes": lambda text: repr(text.encode()),
    "hex": lambda text: text.encode().hex(),
    "upper": str.upper,
}


@pytest.fixture
def lines(app, monkeypatch):
    """What the JSON formatter makes of the application's log, as parsed lines with their text."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(logs.JsonFormatter().format(record))

    keeper = Keep()
    logging.getLogger("userapp").addHandler(keeper)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield found
    logging.getLogger("userapp").removeHandler(keeper)


def of(lines, logger):
    return [line for line in map(json.loads, lines) if line["logger"] == logger]


def test_a_request_is_one_line_with_its_id_and_without_its_query(app, client, lines):
    token = "ab" * 32
    reply = client.get(f"/user/info?__token={token}&x={CANARY}")
    (line,) = of(lines, "userapp.request")
    assert line["request_id"] == reply.headers["X-Request-Id"]
    expected = {"method": "GET", "path": "/user/info", "endpoint": "profile.info", "status": 200, "outcome": -2}
    assert expected.items() <= line.items() and line["ms"] > 0
    assert token not in "".join(lines) and "canary" not in "".join(lines)


def test_an_event_is_one_line_with_its_fields(app, client, lines):
    client.register("ning", email="ning@example.com")
    (line,) = of(lines, "userapp.audit")
    assert (line["event"], line["outcome"], line["target"]) == ("register", "ok", 1)
    assert line["request_id"] and line["address"] and line["at"].endswith("+00:00")


def test_extra_fields_stand_beside_the_message(app, lines):
    logging.getLogger("userapp.audit").info("disable", extra={"target": 7, "before": {"disabled": False}})
    (line,) = map(json.loads, lines)
    assert (line["message"], line["target"], line["before"]) == ("disable", 7, {"disabled": False})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["form", "json", "query", "cookie", "header"])
def test_a_failure_names_no_value_that_was_sent(app, client, lines, monkeypatch, form, place):
    def fall(**_values):
        try:
            raise KeyError(FORMS[form](CANARY))
        except KeyError as error:
            raise RuntimeError(f"cannot use {FORMS[form](CANARY)}") from error

    fall.access = "anyone"
    monkeypatch.setitem(app.view_functions, "system.time", fall)
    sent = {
        "form": {"data": {"password": CANARY}},
        "json": {"json": {"uname": CANARY}},
        "query": {"query_string": {"whatever": CANARY}},
        "cookie": {"headers": {"Cookie": f"odd={urllib.parse.quote(CANARY)}"}},
        "header": {"headers": {"token": urllib.parse.quote(CANARY)}},
    }
    monkeypatch.setattr(logs, "_own", {CANARY} if place in ("cookie", "header") else set())
    reply = client.post("/server_status/time", **sent[place])
    assert reply.json["code"] == -3
    (failure,) = of(lines, "userapp")
    assert failure["request_id"] == reply.headers["X-Request-Id"]
    assert failure["error"].startswith("builtins.RuntimeError: cannot use") and any(
        "fall" in at for at in failure["trace"]
    )
    text = "\n".join(lines)
    assert "7f3a" not in text and FORMS[form](CANARY).strip("'\"") not in text, text


def test_our_own_secrets_are_struck_out(make_app, lines):
    app = make_app(SMS_URL="webhook+https://me:sms-password-1@sms.example/", METRICS_TOKEN="metrics-token-1")
    key = app.config["SECRET_KEY"]
    logging.getLogger("userapp").error("%s %s sms-password-1 metrics-token-1 postgresql://u:pw-123@db/x", key, "a" * 64)
    (line,) = map(json.loads, lines)
    assert line["message"].count(logs.STRUCK) == 5 and "postgresql://[redacted]@db/x" in line["message"]


def test_a_terminal_gets_plain_lines_with_the_traceback(app, client):
    record = logging.LogRecord("userapp", logging.ERROR, __file__, 1, "it %s", ("failed",), None)
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    with app.test_request_context("/?x=" + urllib.parse.quote(CANARY)):
        text = logs.PlainFormatter().format(record)
    assert "erro userapp it failed" in text and "raise ValueError" in text and "7f3a" not in text
