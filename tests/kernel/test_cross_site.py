"""Which requests of other sites are let in: nearly none, and no page's form without its token."""

from __future__ import annotations

from itertools import product

import pytest

from tests.callers import done, signed_in_as, told
from tests.conftest import HTML, PASSWORD, Browser, Json

SELF, EVIL, FRIEND = "http://localhost", "https://attacker.example", "https://front.example"
REFUSED = "跨站请求被拒绝"

# method, Sec-Fetch-Site, Origin, allowed
MATRIX = [
    ("POST", "same-origin", None, True),
    ("POST", "none", None, True),
    ("POST", "cross-site", None, False),
    ("POST", "same-site", None, False),
    ("POST", None, None, True),  # no browser; contract 8: allowed in `documented` and `balanced`
    ("POST", None, SELF, True),
    ("POST", None, EVIL, False),
    ("POST", None, "null", False),
    ("POST", "same-origin", "null", True),  # a page with a secret in its address tells no referrer, and so no origin
    ("POST", "cross-site", "null", False),
    ("POST", "none", "null", False),
    ("POST", "same-origin", EVIL, False),
    ("POST", "cross-site", SELF, False),
    ("POST", None, "http://localhost.attacker.example", False),
    ("POST", None, "https://localhost:4443", False),
    ("POST", "CROSS-SITE", None, False),
    ("POST", "bogus", None, False),
    ("POST", None, "", True),  # as if missing
]
DENIED = [(site, origin) for _method, site, origin, allowed in MATRIX if not allowed]


def headers(site, origin):
    sent = {"Sec-Fetch-Site": site, "Origin": origin}
    return {name: value for name, value in sent.items() if value is not None}


@pytest.mark.parametrize("kind", [Json, Browser])
def test_a_change_with_a_session_cookie_must_come_from_here(signed_in, kind):
    """Contract 7: requests that change something and carry a cookie credential must be same-origin."""
    client = signed_in("ning", kind)
    for number, (method, site, origin, allowed) in enumerate(MATRIX):
        reply = client.open("/user/info", method=method, data={"intro": str(number)}, headers=headers(site, origin))
        if allowed:
            done(reply, "修改成功")
        else:
            told(reply, REFUSED, 403)
        seen = client.get("/user/info", headers={"Accept": "application/json"}).json["data"]["intro"]
        assert (seen == str(number)) == allowed, (site, origin)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_methods_that_nothing_answers_change_nothing(signed_in, method):
    """Contract 7; csrf matrix: PUT, PATCH and DELETE of another site."""
    reply = signed_in().open("/user/info", method=method, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.json["status"] is False


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_across_sites_is_allowed_and_changes_nothing(signed_in, statements, method):
    """Contract 7: only what changes something; no CORS by default."""
    client = signed_in()
    statements.clear()
    reply = client.open("/user/info", method=method, headers={"Sec-Fetch-Site": "cross-site", "Origin": EVIL})
    assert reply.status_code == 200
    assert not any(name.startswith("Access-Control") for name, _value in reply.headers)
    assert all(statement.startswith("SELECT") for statement in statements)


@pytest.mark.parametrize("path", ["/user/login", "/user/register", "/user/logout"])
def test_nobody_is_signed_in_or_out_by_another_site(client, browser, make_user, path):
    """Contract 7 and 8: login, register and logout included, also before sign-in."""
    make_user()
    values = {"user": "ning", "uname": "lan", "email": "lan@example.com", "password": PASSWORD}
    for asking in (client, browser):
        for site, origin in DENIED:
            reply = asking.post(path, data=values | {"captcha": asking.captcha()}, headers=headers(site, origin))
            told(reply, REFUSED, 403, 403)
        assert signed_in_as(asking) is None


def test_a_token_in_a_header_needs_nothing(client, make_user, token_of):
    """Contract 7: token-header callers need nothing."""
    make_user()
    token = token_of()
    for site, origin in DENIED:
        for way in ({"token": token}, {"Authorization": f"Bearer {token}"}):
            reply = client.post("/user/info", data={"intro": "x"}, headers=headers(site, origin) | way)
            assert reply.json["msg"] == "修改成功"


def test_a_token_in_a_cookie_is_a_cookie(client, make_user, token_of):
    """Contract 7: a cookie credential, session or token."""
    make_user()
    client.set_cookie("token", token_of())
    for site, origin in DENIED:
        told(client.post("/user/info", data={"intro": "x"}, headers=headers(site, origin)), REFUSED, 403)
    assert client.post("/user/info", data={"intro": "x"}, headers={"Origin": SELF}).json["msg"] == "修改成功"


@pytest.mark.parametrize("spelling", ["data", "json", "query_string"])
def test_a_token_in_a_parameter_does_not_excuse_a_cookie(client, make_user, token_of, spelling):
    """Contract 7: a request that carries a cookie credential; a page elsewhere can write a parameter beside it."""
    make_user()
    tokens = token_of(), "x"
    for cookie in ("session", "token"):
        client.delete_cookie("token")
        client.login("ning")
        if cookie == "token":
            client.set_cookie("token", token_of())
        for path in ("/user/info", "/user/logout", "/user/set_token_cookie"):
            for token, (site, origin) in product(tokens, DENIED):
                reply = client.post(path, **{spelling: {"__token": token}}, headers=headers(site, origin))
                told(reply, REFUSED, 403)
        assert signed_in_as(client) == "ning"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/user/logout", "/user/set_token_cookie"])
def test_a_link_elsewhere_with_a_token_sets_and_clears_no_cookie(client, make_user, token_of, path, method):
    """Contract 7: else another site would sign a person in as somebody, or out."""
    make_user()
    query = {"__token": token_of()}
    for site, origin in DENIED:
        reply = client.open(path, method=method, query_string=query, headers=headers(site, origin))
        told(reply, REFUSED, 403, 403 if path == "/user/logout" else 200)
        assert "Set-Cookie" not in reply.headers
    assert client.open(path, method=method, query_string=query).json["status"]


@pytest.mark.parametrize("spelling", ["data", "json"])
def test_nobody_is_signed_in_by_another_site_that_adds_a_token(client, make_user, token_of, spelling):
    """Contract 7: page forms by Flask-WTF token, all others by `Sec-Fetch-Site` and `Origin`."""
    make_user()
    values = {"user": "ning", "password": PASSWORD, "captcha": client.captcha(), "__token": token_of()}
    for site, origin in DENIED:
        told(client.post("/user/login", **{spelling: values}, headers=headers(site, origin)), REFUSED, 403, 403)
    if spelling == "data":
        told(client.post("/user/login", data=values, headers={"Accept": HTML}), REFUSED, 403, 403)
    assert signed_in_as(client) is None
    done(client.post("/user/login", **{spelling: values}), "登录成功")


@pytest.mark.parametrize("spelling", ["data", "json"])
def test_a_token_in_a_parameter_alone_needs_nothing(client, make_user, token_of, spelling):
    """Contract 7: what carries no cookie credential, and gets none, is no browser's doing by itself."""
    make_user()
    token = token_of()
    for site, origin in DENIED:
        values = {"__token": token, "intro": str(origin)}
        reply = client.post("/user/info", **{spelling: values}, headers=headers(site, origin))
        assert reply.json["msg"] == "修改成功"


def test_strict_refuses_a_cookie_without_any_origin(make_app):
    """Contract 8: requests with a cookie and neither `Origin` nor `Sec-Fetch-Site` are refused in `strict`."""
    app = make_app(SECURITY_PROFILE="strict")
    app.test_client_class = Json
    client = app.test_client()
    client.register("ning", "correct-horse-battery-9", email="a@example.com")
    told(client.post("/user/info", data={"intro": "x"}), REFUSED, 403)
    reply = client.post("/user/info", data={"intro": "x"}, headers={"Sec-Fetch-Site": "same-origin"})
    assert reply.json["msg"] == "修改成功"


def test_a_page_form_without_its_token_is_refused_also_before_sign_in(browser, make_user):
    """Contract 8: a page form without its CSRF token is refused also before sign-in."""
    make_user()
    values = {"user": "ning", "password": PASSWORD, "captcha": browser.captcha()}
    page = {"Accept": HTML}
    for csrf_token in (None, "", "x", "IjEyMyI.x.y"):
        sent = values if csrf_token is None else values | {"csrf_token": csrf_token}
        told(browser.post("/user/login", data=sent, headers=page, csrf=False), REFUSED, 403, 403)
    done(browser.post("/user/login", data=values), "登录成功")
    for path in ("/user/info", "/user/logout"):
        told(browser.post(path, data={"intro": "x"}, headers=page, csrf=False), REFUSED, 403, 403)
    assert signed_in_as(browser) == "ning"


def test_the_token_of_one_browser_is_no_token_of_another(browser, app):
    """Contract 7: page forms by Flask-WTF token."""
    app.test_client_class = Browser
    foreign = app.test_client().token()
    browser.token()
    reply = browser.post("/user/login", data={"csrf_token": foreign}, csrf=False)
    told(reply, REFUSED, 403, 403)


def test_trusted_origins_pass_and_they_alone_get_cors_headers(make_app):
    """Contract 7: USERAPP_TRUSTED_ORIGINS: they pass, and they alone get CORS headers with credentials."""
    app = make_app(TRUSTED_ORIGINS=[FRIEND])
    app.test_client_class = Json
    client = app.test_client()
    client.register("ning", email="a@example.com")
    friend = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
    reply = client.post("/user/info", data={"intro": "x"}, headers=friend)
    assert reply.json["msg"] == "修改成功"
    assert reply.headers["Access-Control-Allow-Origin"] == FRIEND
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in reply.headers["Vary"]
    before = client.options("/user/info", headers=friend | {"Access-Control-Request-Method": "POST"})
    assert before.status_code == 200 and "POST" in before.headers["Access-Control-Allow-Methods"]
    for name in ("Content-Type", "token", "Authorization", "X-Session-Id"):  # contract 8: accepted and ignored
        assert name in before.headers["Access-Control-Allow-Headers"].split(", ")
    for origin in (EVIL, SELF, "null", FRIEND + ".attacker.example", FRIEND.upper(), ""):
        reply = client.get("/user/info", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in reply.headers, origin
