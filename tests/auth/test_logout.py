"""Sign-out ends the credential on the server, however often it is asked, never at another site's bidding."""

from __future__ import annotations

import pytest

from tests.callers import done, signed_in_as, told
from tests.conftest import Json

JSON = {"Accept": "application/json"}


def kept_session(client, app):
    """Another client with a copy of this one's session cookie."""
    app.test_client_class = Json
    thief = app.test_client()
    thief.set_cookie("session", client.get_cookie("session").value)
    return thief


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("remember", ["", "1"])
def test_a_kept_session_cookie_is_dead(caller, make_user, app, method, remember):
    """Document A, logout: 从session中获取用户信息; contract 3: ends this session."""
    make_user()
    done(caller.login("ning", remember=remember), "登录成功")
    thief = kept_session(caller, app)
    assert signed_in_as(thief) == "ning"
    done(caller.open("/user/logout", method=method), "已清除登录信息")
    assert thief.get("/user/info").json["code"] == -2
    assert signed_in_as(caller) is None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_token_is_dead(client, make_user, token_of, method):
    """Contract 3, logout: ends this session or token."""
    make_user()
    token, other = token_of(), token_of()
    done(client.open("/user/logout", method=method, headers={"token": token}), "已清除登录信息")
    assert client.get("/user/info", headers={"token": token}).json["code"] == -2
    assert client.get("/user/info", headers={"token": other}).json["code"] == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_cookie_that_is_taken_away_is_dead(caller, make_user, token_of, app, method):
    """Contract 3, logout: ends this session or token, clears the cookies; a kept copy of none of them still works."""
    make_user()
    for token in (token_of(), "0" * 64):
        done(caller.login("ning"), "登录成功")
        caller.set_cookie("token", token)
        thief = kept_session(caller, app)
        done(caller.open("/user/logout", method=method), "已清除登录信息")
        assert thief.get("/user/info").json["code"] == -2
        assert thief.get("/user/info", headers={"token": token}).json["code"] == -2


@pytest.mark.parametrize("spelling", ["data", "json"])
@pytest.mark.parametrize("place", ["header", "parameter"])
def test_a_token_that_decides_takes_the_session_along(client, make_user, token_of, app, place, spelling):
    """Contract 3: its cookie is cleared too; contract 8: the first one present decides, even if it is dead."""
    make_user()
    other = token_of()
    for token in (token_of(), "0" * 64):
        done(client.login("ning"), "登录成功")
        thief = kept_session(client, app)
        sent = {"headers": {"token": token}} if place == "header" else {spelling: {"__token": token}}
        done(client.post("/user/logout", **sent), "已清除登录信息")
        assert thief.get("/user/info").json["code"] == -2
        assert client.get_cookie("session") is None
    assert client.get("/user/info", headers={"token": other}).json["code"] == 0


def test_only_this_session_ends(caller, new_caller, make_user):
    """Contract 3, logout: this session."""
    make_user()
    other = new_caller()
    done(caller.login("ning"), "登录成功")
    done(other.login("ning"), "登录成功")
    done(caller.post("/user/logout"), "已清除登录信息")
    assert signed_in_as(other) == "ning"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_signing_out_twice_or_as_a_stranger_says_the_same(caller, make_user, method):
    """Contract 3, logout: idempotent."""
    make_user()
    done(caller.open("/user/logout", method=method), "已清除登录信息")
    done(caller.login("ning"), "登录成功")
    for _ in range(2):
        done(caller.open("/user/logout", method=method), "已清除登录信息")
    headers = JSON if isinstance(caller, Json) else {}
    assert caller.open("/user/logout", method=method, headers={"token": "0" * 64, **headers}).status_code in (200, 303)


def test_the_cookies_are_taken_away(caller, make_user, token_of):
    """Contract 3, logout: clears the cookies."""
    make_user()
    done(caller.login("ning"), "登录成功")
    caller.set_cookie("token", token_of())
    caller.post("/user/logout")
    assert caller.get_cookie("token") is None
    assert signed_in_as(caller) is None


def test_another_site_cannot_sign_somebody_out(caller, make_user):
    """Contract 7: requests that change something and carry a cookie credential must be same-origin, this GET too."""
    make_user()
    done(caller.login("ning"), "登录成功")
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        for method in ("GET", "POST"):
            told(caller.open("/user/logout", method=method, headers=headers), "跨站请求被拒绝", 403, 403)
        assert signed_in_as(caller) == "ning"


def test_a_link_of_our_own_or_a_typed_address_signs_out(browser, make_user):
    """Document A, logout; contract 7: same-origin, or not a page's doing at all."""
    make_user()
    for site in ("same-origin", "none"):
        done(browser.login("ning"), "登录成功")
        done(browser.get("/user/logout", headers={"Sec-Fetch-Site": site}), "已清除登录信息")
        assert signed_in_as(browser) is None
