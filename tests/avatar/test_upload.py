"""Uploading over HTTP: every line of document B's table 107, both spellings, JSON and browser; and what readers get."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import update
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.conftest import Browser, Json
from userapp.avatar.errors import NO_FOLDER, NOT_STORED
from userapp.extensions import db
from userapp.models import User
from userapp.signals import serving

BOTH = ("/user/avatar", "/user/upload_avatar")


def png(colour: str = "red", side: int = 300) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


def sent(data: bytes | None = None, field: str = "avatar", name: str = "a.png", **fields: Any) -> dict[str, Any]:
    """The arguments of a multipart POST."""
    file = (io.BytesIO(png() if data is None else data), name)
    return {"data": {field: file, **fields}, "content_type": "multipart/form-data"}


def large(size: int) -> dict[str, Any]:
    """As `sent`, for files the test client would put on disk and leave open."""
    padded = png() + b"\0" * (size - len(png()))
    boundary, body = encode_multipart({"avatar": FileStorage(io.BytesIO(padded), "a.png")})
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def path(url: str) -> str:
    """The address without its host."""
    return url.removeprefix("http://localhost")


def colour(client: Json, url: str) -> tuple[int, ...]:
    """The colour shown at an address."""
    reply = client.get(path(url))
    assert reply.mimetype == "image/png", reply.data[:200]
    return Image.open(io.BytesIO(reply.data)).getpixel((5, 5))  # type: ignore[return-value]


def refused(client: Json, endpoint: str, number: int, **request: Any) -> Any:
    """Post, and expect a refusal as the endpoint's document tells it."""
    reply = client.post(endpoint, **request)
    body = reply.get_json()
    assert (body["status"], body["code"], body["data"]) == (False, number, None), body
    allowed = {403, 500} if endpoint == "/user/avatar" else {200}
    assert reply.status_code in allowed
    return body


def test_the_next_process_shows_what_one_that_was_killed_had_committed(app, signed_in, folder, monkeypatch):
    client = signed_in()
    client.post("/user/avatar", **sent())
    monkeypatch.setattr("userapp.avatar.services._follow", lambda *_: None)
    client.post("/user/avatar", **sent(png("blue")))
    (shown,) = (folder / "current").glob("*/[0-9]*/large.png")
    assert Image.open(shown).getpixel((5, 5)) == (255, 0, 0)
    with app.app_context():
        serving.send(app)
    assert Image.open(shown).getpixel((5, 5)) == (0, 0, 255)


@pytest.fixture
def folder(app: Flask) -> Path:
    """Where the pictures are."""
    return Path(app.instance_path) / "avatar"


@pytest.mark.parametrize("endpoint", BOTH)
def test_an_upload_is_shown_in_three_sizes(signed_in: Callable[..., Json], endpoint: str) -> None:
    client = signed_in()
    reply = client.post(endpoint, **sent())
    body = reply.get_json()
    assert (reply.status_code, body["status"], body["code"]) == (200, True, 0)
    assert body["msg"] == ("成功地修改了头像" if endpoint == "/user/avatar" else "")
    user = body["data"]
    for key, side in (("lager", 200), ("large", 200), ("middle", 120), ("small", 48)):
        shown = client.get(path(user["avatar_more"][key]))
        assert Image.open(io.BytesIO(shown.data)).size == (side, side)
    assert user["avatar"] == client.get("/user/info").get_json()["data"]["avatar"]
    size = "middle"
    assert path(user["avatar"]).startswith(f"/avatar/{size}/{user['id'] % 1000:03d}/{user['id']}.png?_t=")


def test_the_square_that_was_chosen_is_cut(signed_in: Callable[..., Json]) -> None:
    picture = Image.new("RGB", (600, 300), "red")
    picture.paste("blue", (300, 0, 600, 300))
    out = io.BytesIO()
    picture.save(out, "PNG")
    client = signed_in()
    user = client.post(BOTH[1], **sent(out.getvalue(), x="300", y="0.5", side="299.5")).get_json()["data"]
    assert colour(client, user["avatar"]) == (0, 0, 255)
    assert client.post(BOTH[1], **sent(x="a", y="0", side="300")).get_json()["code"] == -13
    assert client.post(BOTH[1], **sent(x="1")).get_json()["code"] == -13


@pytest.mark.parametrize("endpoint", BOTH)
def test_what_is_no_upload(signed_in: Callable[..., Json], endpoint: str) -> None:
    client = signed_in()
    refused(client, endpoint, 10700, **sent(field="file"))
    refused(client, endpoint, 10701, data={"avatar": "x"})
    refused(client, endpoint, 10701, json={"avatar": "x"})
    refused(client, endpoint, 10701)
    refused(client, endpoint, 10702, data={"x": "1"}, content_type="multipart/form-data")
    refused(client, endpoint, 10702, data={"avatar": "text"}, content_type="multipart/form-data")
    refused(client, endpoint, 10702, data={"avatar": "t" * 9000}, content_type="multipart/form-data")
    refused(client, endpoint, 10702, **sent(name=""))
    refused(client, endpoint, 10703, **large(2 * 1024 * 1024 + 1))
    refused(client, endpoint, 10703, **large(3 * 1024 * 1024))
    refused(client, endpoint, 10707, **sent(png(side=199)))
    refused(client, endpoint, 10708, **sent(b""))
    refused(client, endpoint, 10708, **sent(b"<svg/>"))
    refused(client, endpoint, 10708, **sent(png()[:200]))
    assert client.get("/user/info").get_json()["data"]["avatar"].count("/avatar/default/") == 1


def test_a_file_of_the_size_allowed_is_read(signed_in: Callable[..., Json]) -> None:
    assert signed_in().post(BOTH[1], **large(2 * 1024 * 1024)).get_json()["status"]


@pytest.mark.parametrize("size", NO_FOLDER)
def test_a_folder_that_cannot_be_created(signed_in: Callable[..., Json], folder: Path, size: str) -> None:
    client = signed_in()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / size).write_text("in the way")
    for endpoint in BOTH:
        body = refused(client, endpoint, NO_FOLDER[size].number, **sent())
        assert body["msg"] == NO_FOLDER[size].message


@pytest.mark.parametrize("size", NOT_STORED)
def test_a_size_that_cannot_be_stored_leaves_the_old_picture(
    signed_in: Callable[..., Json], folder: Path, size: str
) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    link = folder / size / f"{user['id'] % 1000:03d}" / f"{user['id']}.png"
    link.unlink()
    (link / "in the way").mkdir(parents=True)
    refused(client, BOTH[1], NOT_STORED[size].number, **sent())
    shutil.rmtree(link)
    assert client.get("/user/info").get_json()["data"]["avatar"] == user["avatar"]
    assert colour(client, user["avatar"]) == (0, 0, 255)


def test_a_database_that_does_not_take_the_change(app: Flask, signed_in: Callable[..., Json]) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    with app.app_context():
        db.session.execute(db.text(TRIGGER[db.engine.dialect.name][0]))
        if len(TRIGGER[db.engine.dialect.name]) > 1:
            db.session.execute(db.text(TRIGGER[db.engine.dialect.name][1]))
        db.session.commit()
    refused(client, BOTH[1], 10712, **sent())
    refused(client, "/user/avatar", 10712, **sent())
    assert colour(client, user["avatar"]) == (0, 0, 255)


TRIGGER = {
    "sqlite": ["CREATE TRIGGER stop BEFORE UPDATE OF avatar_changed_at ON users BEGIN SELECT RAISE(ABORT, 'no'); END"],
    "postgresql": [
        "CREATE FUNCTION stop() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER stop BEFORE UPDATE OF avatar_changed_at ON users FOR EACH ROW EXECUTE FUNCTION stop()",
    ],
}


def test_strangers_upload_nothing(client: Json) -> None:
    reply = client.post("/user/avatar", **sent())
    assert (reply.status_code, reply.get_json()["code"]) == (401, -2)
    reply = client.post("/user/upload_avatar", **sent())
    assert (reply.status_code, reply.get_json()["code"]) == (200, -2)


def test_the_page_uploads_removes_and_says_what_is_wrong(signed_in: Callable[..., Json]) -> None:
    browser = signed_in(kind=Browser)
    assert 'enctype="multipart/form-data"' in browser.get("/user/avatar").get_data(as_text=True)
    reply = browser.post("/user/avatar", **sent())
    assert (reply.status_code, path(reply.location)) == (303, "/user/avatar")
    page = browser.get("/user/avatar").get_data(as_text=True)
    assert "成功地修改了头像" in page
    assert "?_t=" in page
    reply = browser.post("/user/avatar", **sent(b"nothing"))
    assert reply.status_code == 403
    assert "无法读取当前上传的头像" in reply.get_data(as_text=True)
    assert browser.post("/user/avatar/remove").status_code == 303
    assert "?_t=" not in browser.get("/user/avatar").get_data(as_text=True)


@pytest.mark.parametrize("endpoint", BOTH)
def test_both_spellings_are_the_page_for_a_browser(
    signed_in: Callable[..., Json], browser: Browser, endpoint: str
) -> None:
    """Contract 3: `/user/avatar`, `/user/upload_avatar`, POST (GET = page)."""
    client = signed_in(kind=Browser)
    assert 'action="/user/avatar" enctype="multipart/form-data"' in client.get(endpoint).get_data(as_text=True)
    reply = client.post(endpoint, **sent(b"nothing"))
    assert reply.status_code >= 400 and 'enctype="multipart/form-data"' in reply.get_data(as_text=True)
    assert client.post(endpoint, **sent()).status_code == 303
    assert browser.get(endpoint).location == f"/user/login?next={endpoint}"
    for caller in (client, browser):
        reply = caller.get(endpoint, headers={"Accept": "application/json"})
        assert (reply.json["code"], reply.headers["Allow"]) == (10108, "POST")


def test_the_page_says_that_a_file_is_far_too_large(signed_in: Callable[..., Json]) -> None:
    reply = signed_in(kind=Browser).post("/user/avatar", csrf=False, **large(3 * 1024 * 1024))
    assert reply.status_code == 403
    assert "超过头像最大上传大小，请从新选择" in reply.get_data(as_text=True)


def test_removal_leads_readers_to_the_default_picture(signed_in: Callable[..., Json], folder: Path) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent()).get_json()["data"]
    reply = client.post("/user/avatar/remove").get_json()
    assert reply["status"]
    assert "/avatar/default/" in reply["data"]["avatar"]
    assert not [p for p in folder.rglob("*") if p.is_file() or p.is_symlink()]
    shown = client.get(path(user["avatar"]), follow_redirects=True)
    assert (shown.status_code, shown.mimetype) == (200, "image/svg+xml")
    assert client.post("/user/avatar/remove").get_json()["status"]


def test_default_pictures_are_drawn_here_and_cached(client: Json) -> None:
    for size, side in (("large", 200), ("middle", 120), ("small", 48)):
        url = f"/avatar/default/{size}/31.svg?name=宁"
        reply = client.get(url)
        text = reply.get_data(as_text=True)
        assert f'width="{side}"' in text
        assert ">宁</text>" in text
        assert "max-age" in reply.headers["Cache-Control"]
        assert client.get(url, headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304
    assert "<script" not in client.get("/avatar/default/large/1.svg?name=<script>").get_data(as_text=True)
    assert client.get("/avatar/default/huge/1.svg").status_code == 404


def test_pictures_are_served_as_pictures_only(signed_in: Callable[..., Json], app: Flask) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent()).get_json()["data"]
    url = path(user["avatar"])
    for stranger in (client, app.test_client()):
        reply = stranger.get(url)
        assert reply.mimetype == "image/png"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in reply.headers["Content-Security-Policy"]
        assert "max-age" in reply.headers["Cache-Control"]
        assert "Set-Cookie" not in reply.headers
    assert client.get(url, headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304
    assert client.get(url + "&x=1").data == reply.data
    assert "no-cache" in client.get(url.partition("?")[0]).headers["Cache-Control"]
    number = user["id"]
    for bad in (
        f"/avatar/middle/999/{number}.png",
        f"/avatar/versions/{number % 1000:03d}/{number}.png",
        f"/avatar/middle/{2**70 % 1000:03d}/{2**70}.png",
        "/avatar/middle/009/999999009.png",
        "/avatar/../031/31.png",
    ):
        assert client.get(bad).status_code == 404
    with app.app_context():
        db.session.execute(update(User).values(disabled=True))
        db.session.commit()
    assert app.test_client().get(url).status_code == 404


def test_every_change_has_a_later_second_and_the_address_names_what_is_shown(signed_in: Callable[..., Json]) -> None:
    client = signed_in()
    seconds = []
    for name, rgb in (("red", (255, 0, 0)), ("lime", (0, 255, 0)), ("blue", (0, 0, 255))):
        user = client.post(BOTH[1], **sent(png(name))).get_json()["data"]
        seconds.append(int(user["avatar"].rpartition("=")[2]))
        assert colour(client, user["avatar"]) == rgb
    assert seconds == sorted(set(seconds))


def test_a_picture_set_again_within_the_second_has_another_address(signed_in: Callable[..., Json]) -> None:
    client, seen = signed_in(), []
    for _time in range(3):
        seen.append(client.post(BOTH[1], **sent()).get_json()["data"]["avatar"])
        assert client.post("/user/avatar/remove").get_json()["status"]
    assert len(set(seen)) == 3


def test_webp_for_those_who_ask_for_it(signed_in: Callable[..., Json]) -> None:
    client = signed_in()
    user = client.post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    asked = {
        "image/avif,image/webp,image/png,*/*;q=0.8": "webp",
        "image/webp;q=0, */*": "png",
        "image/*": "png",
        "*/*": "png",
        "": "png",
    }
    for size, side in (("large", 200), ("middle", 120), ("small", 48)):
        for accept, kind in asked.items():
            reply = client.get(path(user["avatar_more"][size]), headers={"Accept": accept})
            assert reply.mimetype == f"image/{kind}"
            assert "Accept" in reply.headers["Vary"]
            picture = Image.open(io.BytesIO(reply.data))
            assert (picture.format, picture.size) == (kind.upper(), (side, side))
            assert off(picture.convert("RGB").getpixel((5, 5)), (0, 0, 255)) <= 3


def off(found: Any, wanted: tuple[int, ...]) -> int:
    """The largest difference of a channel."""
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True))


def test_simultaneous_uploads_never_mix_and_the_last_accepted_is_shown(
    app: Flask, signed_in: Callable[..., Json], token_of: Callable[..., str]
) -> None:
    first = signed_in().post(BOTH[1], **sent(png("#000000"))).get_json()["data"]
    token, start, stop = token_of(), threading.Barrier(12), threading.Event()
    answers: list[tuple[int, int]] = []
    wrong: list[Any] = []

    def one(number: int) -> None:
        client = app.test_client()
        start.wait()
        reply = client.post(BOTH[1], headers={"token": token}, **sent(png(f"#{number * 20:02x}0000"))).get_json()
        if reply["status"]:
            answers.append((int(reply["data"]["avatar"].rpartition("=")[2]), number * 20))
        else:
            wrong.append(reply)

    def poll() -> None:
        client = app.test_client()
        while not stop.is_set():
            for size in ("large", "middle", "small"):
                reply = client.get(path(first["avatar_more"][size]))
                if reply.mimetype != "image/png":
                    wrong.append((reply.status_code, reply.mimetype))

    reader = threading.Thread(target=poll)
    reader.start()
    writers = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert wrong == []
    assert len({second for second, _ in answers}) == 12
    shown = app.test_client().get("/user/info", headers={"token": token}).get_json()["data"]["avatar_more"]
    for size in ("large", "middle", "small"):
        assert int(shown[size].rpartition("=")[2]) == max(answers)[0]
        assert colour(app.test_client(), shown[size])[0] == max(answers)[1]


def test_what_a_killed_process_left_is_gone_after_the_next_start(
    app: Flask, make_app: Callable[..., Flask], signed_in: Callable[..., Json], folder: Path
) -> None:
    from userapp.avatar import services

    user = signed_in().post(BOTH[1], **sent(png("blue"))).get_json()["data"]
    with app.app_context():
        store = services.workshop().store
        with store.changing(user["id"]):
            store.put(user["id"], dict.fromkeys(("large.png", "middle.png", "small.webp"), b"x"))
    again = make_app(INSTANCE=app.instance_path, SQLALCHEMY_DATABASE_URI=app.config["SQLALCHEMY_DATABASE_URI"])
    left = [p for p in folder.rglob("*") if p.is_file() or p.is_symlink()]
    assert len(left) == 10  # six files, the link to their folder, three documented paths
    assert colour(again.test_client(), user["avatar"]) == (0, 0, 255)  # type: ignore[arg-type]


def test_uploads_of_an_account_are_counted(make_app: Callable[..., Flask]) -> None:
    app = make_app(AVATAR_PER_HOUR=1)
    app.test_client_class = Json
    client: Json = app.test_client()  # type: ignore[assignment]
    assert client.register("ning", email="a@example.com").get_json()["status"]
    assert client.post(BOTH[1], **sent()).get_json()["status"]
    reply = client.post("/user/avatar", **sent())
    assert (reply.status_code, reply.get_json()["code"]) == (429, 429)
    assert int(reply.headers["Retry-After"]) > 0


def test_messages_are_the_documents(app: Flask) -> None:
    known = {n: e.message for n, e in app.extensions["userapp.errors"].items() if 10700 <= n <= 10712}
    assert sorted(known) == list(range(10700, 10713))
