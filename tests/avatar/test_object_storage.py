"""Pictures in an object store: the same uploads against a real server, and what everybody gets while it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest
from flask import Flask

from tests.avatar import test_upload as local
from tests.avatar.test_upload import BOTH, colour, path, png, refused, sent
from tests.conftest import Json
from tests.faults import Proxy, proxy_to
from tests.servers import S3Server
from userapp.avatar import object_storage, services
from userapp.extensions import db

SETTINGS = {"AVATAR_S3_KEY": "testkey", "AVATAR_S3_SECRET": "testsecret", "AVATAR_S3_SECONDS": 1}
FILES = 6


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[Proxy]:
    """What stands between the application and the store."""
    with proxy_to(int(s3_server.url.rpartition(":")[2])) as found:
        yield found


@pytest.fixture
def app(make_app: Callable[..., Flask], s3_server: S3Server, proxy: Proxy, tmp_path: Any) -> Flask:
    """An application that keeps its pictures there, in a folder of this test's own."""
    where = {
        "AVATAR_STORE": f"s3://{s3_server.bucket}/{tmp_path.name}",
        "AVATAR_S3_ENDPOINT": f"http://127.0.0.1:{proxy.port}",
    }
    return make_app(**SETTINGS, **where)


def again(test: FunctionType) -> FunctionType:
    """A test of another module, as a long one of this: here it finds this module's application."""
    copy = FunctionType(test.__code__, test.__globals__, test.__name__)
    copy.pytestmark = [*getattr(test, "pytestmark", []), pytest.mark.long]  # type: ignore[attr-defined]
    return copy


for name in (
    "test_an_upload_is_shown_in_three_sizes",
    "test_the_square_that_was_chosen_is_cut",
    "test_what_is_no_upload",
    "test_a_database_that_does_not_take_the_change",
    "test_the_page_uploads_removes_and_says_what_is_wrong",
    "test_pictures_are_served_as_pictures_only",
    "test_every_change_has_a_later_second_and_the_address_names_what_is_shown",
    "test_a_picture_set_again_within_the_second_has_another_address",
    "test_webp_for_those_who_ask_for_it",
    "test_simultaneous_uploads_never_mix_and_the_last_accepted_is_shown",
):
    globals()[name] = again(getattr(local, name))


def paths(app: Flask) -> list[str]:
    """What is in the store."""
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
    assert len(paths(app)) == 2 * (FILES + 1)
    monkeypatch.setattr(object_storage, "UNTOUCHABLE", -5)
    with app.app_context():
        assert services.collect() == 2
    assert len(paths(app)) == FILES
    assert colour(client, user["avatar"]) == (0, 0, 255)
    assert client.post("/user/avatar/remove").get_json()["status"]
    assert paths(app) == []


@pytest.mark.long
def test_an_account_that_is_gone_leaves_nothing(app: Flask, signed_in: Callable[..., Json]) -> None:
    user = signed_in().post(BOTH[1], **sent()).get_json()["data"]
    with app.app_context():
        services.drop_avatar(user["id"])
    assert [found for found in paths(app) if not found.startswith("pending/")] == []


def test_what_an_upload_that_died_left_is_collected(
    app: Flask, signed_in: Callable[..., Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    with app.app_context():
        services.workshop().store.put(user["id"], {"large.png": b"x", "small.webp": b"x"})
        assert services.collect() == 0  # it could still be under way
        monkeypatch.setattr(object_storage, "UNTOUCHABLE", -5)
        assert services.collect() == 2
    assert len(paths(app)) == FILES
    assert colour(client, user["avatar"]) == (0, 0, 255)


def shows_the_default_picture(client: Json, url: str) -> None:
    """What a reader gets who cannot get the picture."""
    reply = client.get(path(url), follow_redirects=True)
    assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    "mode", ["fail", *(pytest.param(mode, marks=pytest.mark.long) for mode in ("refuse", "silent", "slow", "cut"))]
)
def test_a_store_that_fails_is_the_documented_error_and_the_default_picture(
    signed_in: Callable[..., Json], proxy: Proxy, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    proxy.mode = mode
    refused(client, BOTH[1], 10709, **sent())
    for url in user["avatar_more"].values():
        shows_the_default_picture(client, url)
    assert client.get("/user/info").get_json()["data"] == user
    proxy.mode = "pass"
    monkeypatch.setattr(object_storage, "PAUSE", -1)
    client.application.extensions["avatar"].store._down_until = 0
    assert colour(client, user["avatar"]) == (0, 0, 255)
    assert client.post(BOTH[0], **sent()).get_json()["status"]


def test_readers_do_not_queue_before_a_store_that_failed(signed_in: Callable[..., Json], proxy: Proxy) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent()).get_json()["data"]
    proxy.mode = "refuse"
    shows_the_default_picture(client, user["avatar"])
    asked = proxy.seen
    for _time in range(5):
        shows_the_default_picture(client, user["avatar"])
    assert proxy.seen == asked


@pytest.mark.long
def test_a_store_that_fails_half_way_leaves_the_old_picture(
    app: Flask, signed_in: Callable[..., Json], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    store, met = app.extensions["avatar"].store, []
    real = store._put
    for good in (1, 3, 5):
        left = [good]

        def put(*args: Any, left: list[int] = left) -> None:
            left[0] -= 1
            proxy.mode = "pass" if left[0] >= 0 else "fail"
            real(*args)

        monkeypatch.setattr(store, "_put", put)
        met.append(client.post(BOTH[1], **sent()).get_json()["code"])
        proxy.mode = "pass"
        assert colour(client, user["avatar"]) == (0, 0, 255)
    assert met == [10709, 10710, 10711]


@pytest.mark.long
def test_a_bucket_that_is_not_there(make_app: Callable[..., Flask], s3_server: S3Server) -> None:
    app = make_app(**SETTINGS, AVATAR_STORE="s3://no-such-bucket", AVATAR_S3_ENDPOINT=s3_server.url)
    app.test_client_class = Json
    client: Json = app.test_client()  # type: ignore[assignment]
    assert client.register("ning", email="a@example.com").get_json()["status"]
    refused(client, BOTH[0], 10709, **sent())


@pytest.mark.long
def test_nothing_else_waits_for_a_slow_store(
    app: Flask, signed_in: Callable[..., Json], make_user: Callable[..., Any], proxy: Proxy
) -> None:
    """Neither SQLite's write lock nor a row's is held while the store is written to."""
    client = signed_in()
    seen = proxy.seen
    proxy.mode = "silent"
    upload = threading.Thread(target=lambda: client.post(BOTH[1], **sent()))
    upload.start()
    while proxy.seen == seen:
        time.sleep(0.01)
    with app.app_context():
        db.session.execute(db.text("UPDATE users SET intro = 'x'"))
        db.session.commit()
    assert upload.is_alive()
    upload.join()
