"""The pages of failures: in the visitor's language, with what to do next, and the same facts as JSON."""

from __future__ import annotations

import pytest
from flask import request

from tests.conftest import HTML, Browser
from userapp.errors import NotAllowed, Overloaded, TooMany

RAISED = {
    "/403": NotAllowed,
    "/429": lambda: TooMany(retry_after=90),
    "/429-later": lambda: TooMany(retry_after=3000),
    "/500": lambda: ValueError("a secret of ours"),
    "/503": lambda: Overloaded(retry_after=5),
}
# path, status, number, and what a person is told beside the message
FACTS = [
    ("/403", 403, 4030, "请联系管理员", "administrator"),
    ("/nowhere", 404, 404, "可能已移动", "may have moved"),
    ("/429", 429, 429, "请在 90 秒后重试", "in 90 seconds"),
    ("/429-later", 429, 429, "请在约 50 分钟后重试", "in about 50 minutes"),
    ("/500", 500, -3, "出错的是我们", "not yours"),
    ("/503", 503, 503, "请在 5 秒后重试", "in 5 seconds"),
]


@pytest.fixture
def failing(make_app):
    """An application with an address for each failure."""
    app = make_app()
    app.test_client_class = Browser

    @app.before_request
    def fail():
        if request.path in RAISED:
            raise RAISED[request.path]()

    return app


def test_a_failure_has_a_page_of_its_own_and_the_same_as_json(failing):
    client = failing.test_client()
    for path, status, number, *lines in FACTS:
        for language, words in zip(("zh", "en"), lines, strict=True):
            reply = client.get(path, headers={"Accept": HTML, "Accept-Language": language})
            text = reply.get_data(as_text=True)
            assert (reply.status_code, reply.mimetype) == (status, "text/html")
            assert words in text and "<h1>" in text and "a secret of ours" not in text
            assert reply.headers["Cache-Control"] == "no-store"
        told = client.get(path, headers={"Accept": "application/json"})
        assert (told.status_code, told.json["code"], told.json["status"]) == (status, number, False)
        assert told.headers.get("Retry-After") == reply.headers.get("Retry-After")
        assert (status in (429, 503)) == ("Retry-After" in told.headers)


def test_what_is_too_large_is_told_on_a_page_and_as_json(failing):
    client = failing.test_client()
    page = client.post("/user/login", data={"user": "x" * 300_000}, csrf=False)
    assert page.status_code == 413 and "请选择更小的文件" in page.get_data(as_text=True)
    told = client.post("/user/email/undo", data={"link": "x" * 300_000}, headers={"Accept": "*/*"}, csrf=False)
    assert (told.status_code, told.json["code"]) == (413, 413)


def test_a_form_without_its_token_is_told_what_to_do(failing):
    reply = failing.test_client().post("/user/login", data={}, csrf=False)
    assert reply.status_code == 403 and "刷新页面后重试" in reply.get_data(as_text=True)
