"""Pictures in an object store: the same uploads against a real server, and what readers get when it is down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.avatar.test_upload import BOTH, colour, path, png, refused, sent
from tests.conftest import Json
from tests.servers import running_s3
from userapp.avatar import object_storage, services


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of its own, because some tests stop it."""
    with running_s3() as found:
        yield found


@pytest.fixture
def app(make_app: Callable[..., Flask], server: Any) -> Flask:
    """An application that keeps its pictures there."""
    return make_app(
        AVATAR_STORE=f"s3://{server.bucket}/pictures",
        AVATAR_S3_ENDPOINT=server.url,
        AVATAR_S3_KEY="testkey",
        AVATAR_S3_SECRET="testsecret",
    )


def paths(app: Flask) -> list[str]:
    """What is in the bucket."""
    with app.app_context():
        store = services.workshop().store
        assert isinstance(store, object_storage.S3Store)
        return sorted(found for found, _ in store._list(""))


def test_uploads_are_shown_replaced_collected_and_removed(
    app: Flask, signed_in: Callable[..., Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    for name, rgb in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        user = client.post(BOTH[1], **sent(png(name))).get_json()["data"]
        assert {colour(client, url) for url in user["avatar_more"].values()} == {rgb}
    assert len(paths(app)) == 2 * (6 + 1)
    monkeypatch.setattr(object_storage, "UNTOUCHABLE", -5)
    with app.app_context():
        assert services.collect() == 2
    assert len(paths(app)) == 6
    assert colour(client, user["avatar"]) == (0, 0, 255)
    assert client.post("/user/avatar/remove").get_json()["status"]
    assert paths(app) == []


def test_a_store_that_refuses_is_the_documented_error_and_the_default_picture(
    app: Flask, signed_in: Callable[..., Json]
) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    with app.app_context():
        store: Any = services.workshop().store
    store.options["endpoint"], store._made = "http://127.0.0.1:9", None
    refused(client, BOTH[1], 10709, **sent())
    reply = client.get(path(user["avatar"]), follow_redirects=True)
    assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")
    assert client.get("/user/info").get_json()["data"]["avatar"] == user["avatar"]
