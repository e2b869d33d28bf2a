"""Every reply has one shape, its document's status and the same headers, whoever asks and whatever failed."""

from __future__ import annotations

import pytest

from tests.callers import told
from tests.conftest import ANSWER, PASSWORD, Browser, Json

JSON = {"Accept": "application/json"}
ENVELOPE = {"status", "code", "msg", "data"}
FLAT = {"uid", "uname", "phone", "email", "gender", "intro", "avatar"}


def test_success_and_refusal_have_one_envelope(client):
    """Document B: {"status", "code", "msg", "data"}; contract 2: every JSON reply."""
    for reply in (client.get("/server_status/time"), client.get("/user/logout")):
        assert set(reply.json) == ENVELOPE and reply.json["status"] is True and reply.json["code"] == 0
    for reply in (
        client.get("/user/info"),
        client.get("/nowhere"),
        client.get("/user/login"),
        client.post("/user/login"),
    ):
        assert set(reply.json) == ENVELOPE and reply.json["status"] is False and reply.json["code"] != 0
        assert reply.json["data"] is None and reply.mimetype == "application/json"


def test_chinese_is_written_as_chinese(client):
    """Contract 2: `msg` is Chinese exactly as the documents spell it."""
    assert "请使用 POST 请求".encode() in client.get("/user/login").data


def test_the_fields_of_document_a_stand_beside_msg_only_where_it_lists_them(client):
    """Document A, login and info; contract 2: also at the top level beside `msg`."""
    assert set(client.register("ning", email="a@example.com").json) == ENVELOPE | FLAT
    assert set(client.login("ning").json) == ENVELOPE | FLAT
    assert set(client.get("/user/info").json) == ENVELOPE | FLAT
    assert set(client.get("/user/logout").json) == ENVELOPE


def test_the_clock_tells_what_document_b_refers_to(client):
    """Document B, refresh_token: 通过`/server_status/time`查看服务器时间."""
    for method in ("GET", "POST"):
        data = client.open("/server_status/time", method=method).json["data"]
        assert set(data) == {"millis", "second", "utc", "utcOffset", "utcNum"}
        assert data["second"] == data["millis"] // 1000 and data["utcNum"] == data["utcOffset"] / 3600000


# status


STATUSES = {  # documented, strict
    ("GET", "/user/login"): (403, 403),  # document A: 403 for every line of its table
    ("POST", "/user/login"): (403, 403),
    ("POST", "/user/register"): (403, 403),
    ("PUT", "/user/login"): (403, 403),
    ("GET", "/user/info"): (200, 401),  # document B: always 200
    ("POST", "/user/info"): (200, 401),
    ("PUT", "/user/info"): (200, 405),
    ("GET", "/nowhere"): (404, 404),  # an unknown path is a plain 404
    ("POST", "/nowhere"): (404, 404),
    ("GET", "/user/nowhere"): (404, 404),
}


@pytest.mark.parametrize("setting", ["documented", "strict"])
def test_the_status_is_what_the_document_asks_for(make_app, setting):
    """Contract 2, HTTP status; USERAPP_HTTP_STATUS=strict gives real 4xx on document B's endpoints too."""
    app = make_app(HTTP_STATUS=setting)
    for (method, path), (documented, strict) in STATUSES.items():
        reply = app.test_client().open(path, method=method)
        status = documented if setting == "documented" else strict
        assert (reply.status_code, reply.json["status"]) == (status, False), (method, path, reply.json)


@pytest.mark.parametrize("setting,statuses", [("documented", (200, 200, 200)), ("strict", (422, 422, 409))])
def test_strict_statuses_are_real_ones(make_app, setting, statuses):
    """Contract 2: strict gives new clients real 4xx statuses on document B's endpoints too."""
    app = make_app(HTTP_STATUS=setting)
    app.test_client_class = Json
    app.test_client().register("lanlan", email="b@example.com")
    client = app.test_client()
    client.register("ning", email="a@example.com")
    refused = ({"gender": "9"}, {"phone": "12"}, {"email": "b@example.com"})
    assert tuple(client.post("/user/info", data=values).status_code for values in refused) == statuses


# language


def test_msg_is_chinese_whatever_the_language_header_says(client):
    """Contract 2: whatever `Accept-Language` says, because clients compare it."""
    reply = client.get("/user/info", headers={"Accept-Language": "en"})
    assert reply.json["msg"] == "当前未登录，请登录"
    client.set_cookie("lang", "en")
    assert client.get("/user/info").json["msg"] == "当前未登录，请登录"


def test_json_is_english_only_for_lang_en(client):
    """Contract 2: and JSON only when the caller asks with `lang=en`."""
    chinese = client.get("/user/info").json["msg"]
    english = client.get("/user/info?lang=en").json["msg"]
    assert english.isascii() and english != chinese
    for body in ({"data": {"lang": "en"}}, {"json": {"lang": "en"}}):
        assert client.post("/user/login", **body).json["msg"].isascii()
    assert client.get("/user/info?lang=tlh").json["msg"] == chinese


def test_pages_follow_the_visitors_language(browser):
    """Contract 2: pages follow the visitor's language (Chinese default, English complete)."""
    assert 'lang="zh' in browser.get("/user/login").get_data(as_text=True)
    assert 'lang="en' in browser.get("/user/login", headers={"Accept-Language": "en-GB,zh;q=0.5"}).get_data(
        as_text=True
    )
    browser.get("/user/login?lang=en")
    assert 'lang="en' in browser.get("/user/login").get_data(as_text=True)


# browser or JSON


@pytest.mark.parametrize(
    "accept,page",
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        (None, False),
        ("application/json, text/plain, */*", False),
        ("text/html;q=0.5, application/json", False),
        ("nonsense", False),
    ],
)
def test_who_prefers_html_is_a_browser_and_everybody_else_gets_json(client, accept, page):
    """Contract 1: `Accept` prefers `text/html` over JSON."""
    headers = {} if accept is None else {"Accept": accept}
    for path in ("/user/login", "/nowhere", "/user/"):
        assert (client.get(path, headers=headers).mimetype == "text/html") == page, path


def test_404_and_405_and_413_are_answered_both_ways(client, browser):
    """Contract 6: 404 页面未找到; document A: 403 请使用 POST 请求; contract 8: 413 is plain."""
    for asking in (client, browser):
        told(asking.get("/nowhere"), "页面未找到", 404, 404)
        told(asking.post("/nowhere", data={}), "页面未找到", 404, 404)
    reply = client.delete("/user/captcha")
    assert (reply.status_code, reply.json["code"]) == (403, 405) and "GET" in reply.headers["Allow"]
    told(browser.delete("/user/captcha"), "跨站请求被拒绝", 403, 403)  # a page never asks so
    assert client.post("/user/login", data={"user": "x" * 600_000}).json["code"] == 413
    large = browser.post("/user/login", data={"user": "x" * 600_000})
    assert 400 <= large.status_code < 500 and large.mimetype == "text/html"


@pytest.mark.parametrize("path", ["/user/info", "/server_status/time"])
def test_an_unexpected_failure_says_minus_3_with_its_number_and_nothing_else(app, make_user, monkeypatch, caplog, path):
    """Document A: 500 服务器错误; document B: -3 as 200; contract 6: -3 unexpected failure."""

    def fall(**_values):
        raise RuntimeError("secret-detail")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    endpoint = {"/user/info": "profile.info", "/server_status/time": "system.time"}[path]
    fall.document = "B"
    monkeypatch.setitem(app.view_functions, endpoint, fall)
    app.test_client_class = Json
    reply = app.test_client().get(path)
    told(reply, "服务器错误", -3, 200)
    identity = reply.headers["X-Request-Id"]
    assert len(identity) == 16 and identity in caplog.text and "secret-detail" in caplog.text
    app.test_client_class = Browser
    page = app.test_client().get(path)
    told(page, "服务器错误", -3, 500)
    assert page.headers["X-Request-Id"] in page.get_data(as_text=True)
    for seen in (reply, page):
        text = seen.get_data(as_text=True)
        assert "secret-detail" not in text and "Traceback" not in text and "RuntimeError" not in text


# headers


def test_every_reply_has_the_headers(client, browser):
    """Contract 7: what guards is always on."""
    paths = [
        *(("GET", path) for path in ("/user/login", "/user/captcha", "/nowhere", "/user/info", "/static/site.css")),
        *(("POST", "/user/login"), ("PUT", "/user/info")),
    ]
    asked = [who.open(path, method=method) for who in (client, browser) for method, path in paths]
    for reply in asked:
        headers = reply.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy
        assert headers["Referrer-Policy"] == "same-origin"
        assert len(headers["X-Request-Id"]) == 16
        assert headers["Cache-Control"]
        reply.close()
    assert len({reply.headers["X-Request-Id"] for reply in asked}) == len(asked)


def test_what_is_private_is_never_stored(signed_in):
    """Contract 2: what one caller reads no cache keeps."""
    for kind in (Json, Browser):
        client = signed_in("ning" if kind is Json else "lan", kind)
        for path in ("/user/info", "/user/", "/user/login"):
            reply = client.get(path)
            assert reply.headers["Cache-Control"] == "no-store" and "Cookie" in reply.headers["Vary"]


def test_on_https_cookies_are_secure_and_the_browser_is_told_to_stay(make_app):
    """Contract 3: Secure on HTTPS."""
    app = make_app(BASE_URL="https://localhost", DEVTOOLS=True)
    app.test_client_class = Json
    client = app.test_client()
    reply = client.get("/user/captcha", base_url="https://localhost")
    assert reply.headers["Strict-Transport-Security"].startswith("max-age=")
    values = {"uname": "ning", "email": "a@example.com", "password": PASSWORD, "captcha": ANSWER}
    reply = client.post("/user/register", data=values, base_url="https://localhost")
    cookies = reply.headers.getlist("Set-Cookie")
    assert any(line.startswith("__Host-session=") for line in cookies)
    assert all("Secure" in line and "HttpOnly" in line and "SameSite=Lax" in line for line in cookies)


def test_a_host_that_is_not_ours_is_400(client):
    """Contract 8: a Host outside `TRUSTED_HOSTS` is 400; contract 3: addresses never come from the Host header."""
    reply = client.get("/user/info", headers={"Host": "evil.example"})
    assert reply.status_code == 400 and "evil.example" not in reply.get_data(as_text=True)


def test_too_many_requests_are_429_with_the_time_to_wait(make_app):
    """Contract 2: too many requests: 429 with `Retry-After`; document B's endpoints: 200."""
    app = make_app(ADDRESS_LIMITS=True, RATELIMIT_DEFAULT="3 per minute")
    for path, status in (("/user/login", 429), ("/user/info", 200)):
        replies = [app.test_client().get(path) for _ in range(5)]
        last = replies[-1]
        assert (last.json["code"], last.json["msg"], last.status_code) == (429, "请求过于频繁，请稍后再试", status)
        assert 1 <= int(last.headers["Retry-After"]) <= 61
