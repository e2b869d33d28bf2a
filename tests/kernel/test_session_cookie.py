"""A session cookie whose signature was checked before: what it holds is never taken for longer, or by others."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from flask import Request


@pytest.fixture
def opened(app):
    """What the session of a cookie holds, as `app` opens it."""
    name = app.config["SESSION_COOKIE_NAME"]
    return lambda cookie: app.session_interface.open_session(app, Request({"HTTP_COOKIE": f"{name}={cookie}"}))


def signed(app, **values):
    return app.session_interface.get_signing_serializer(app).dumps(values)


def test_a_session_that_one_request_changes_is_as_signed_for_the_next(app, opened):
    cookie = signed(app, _flashes=[("message", "one")], _user_id="key")
    first = opened(cookie)
    first["_flashes"].append(("message", "two"))
    first["_user_id"] = "another"
    assert dict(opened(cookie)) == {"_flashes": [("message", "one")], "_user_id": "key"}


def test_a_cookie_that_was_taken_before_is_refused_once_it_is_too_old(app, opened, monkeypatch):
    cookie, moment = signed(app, _user_id="key"), time.time()
    assert opened(cookie) == {"_user_id": "key"}
    life = app.permanent_session_lifetime
    for later, taken in ((life, True), (life + timedelta(seconds=2), False), (timedelta(seconds=-5), False)):
        monkeypatch.setattr(time, "time", lambda later=later: moment + later.total_seconds())
        assert bool(opened(cookie)) is taken


def test_a_cookie_that_was_taken_before_is_refused_without_its_secret(app, opened):
    cookie = signed(app, _user_id="key")
    assert opened(cookie) and not opened("x" + cookie)
    app.config.update(SECRET_KEY="n" * 40, SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
    assert opened(cookie)
    app.config.update(SECRET_KEY_FALLBACKS=[])
    assert not opened(cookie)
