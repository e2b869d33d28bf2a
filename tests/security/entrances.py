"""Where bytes of strangers come in, each as a function that fails on any answer but the documented ones."""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from PIL import Image
from sqlalchemy import update

from tests.security.surface import doors
from userapp import credentials, passwords
from userapp.avatar.errors import TooSmall, Unreadable
from userapp.avatar.pictures import Limits, make_sizes
from userapp.extensions import db
from userapp.models import User
from userapp.testing import PASSWORD, SETTINGS, Json, build, close

CORPUS = Path(__file__).parent / "corpus"
SIZES = {"large": 24, "small": 8}
SMALL = Limits(min_side=4, max_side=2000, max_pixels=250_000, max_webp_pixels=90_000)  # so that one costs little
STRANGERS = ("/user/login", "/user/register", "/user/reset", "/user/email/undo", "/user/setup")
OWNERS = (
    "/user/info", "/user/email/new", "/user/email/bind", "/user/email/unbind_confirm", "/user/sessions",
    "/user/refresh_token", "/user/change_password", "/user/avatar", "/user/delete", "/admin/users/1/uid",
    "/admin/users/1/user_type",
)  # fmt: skip
DOORS = (*STRANGERS, *OWNERS)
LIMITS = dict.fromkeys(
    ("LOGIN_TRIES", "MESSAGES_PER_DAY", "CODE_TRIES", "CODE_TRIES_PER_HOUR", "AVATAR_PER_HOUR", "ADMIN_FRESH_SECONDS",
     "OWN_DATA_FRESH_SECONDS", "DISCLOSURES"), 10**9,
)  # fmt: skip


def image(data: bytes) -> None:
    """A picture becomes the sizes it is kept in, or is refused by one of two errors."""
    square = None if len(data) % 3 else (len(data) % 13, len(data) % 11, len(data) % 97)
    try:
        made = make_sizes(data, square, SIZES, SMALL)
    except (TooSmall, Unreadable):
        return
    assert set(made) == {f"{name}.{kind}" for name in SIZES for kind in ("png", "webp")}
    for name, kept in made.items():
        with Image.open(io.BytesIO(kept)) as picture:
            side = SIZES[name.partition(".")[0]]
            assert (picture.size, picture.mode) == ((side, side), "RGB"), name
            assert not {"exif", "xmp", "icc_profile", "comment"} & set(picture.info), name


class Service:
    """The whole application, and an administrator of it who is signed in whatever the last request did."""

    def __init__(self, app: Flask) -> None:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        app.extensions["userapp.courier"].stop()
        app.test_client_class = Json
        self.app, self.token = app, ""
        app.test_client().register("root", email="root@example.com")  # type: ignore[attr-defined]
        self.sign_in()

    def sign_in(self) -> None:
        """Bring the account back to how it was, with a token of its own."""
        with self.app.app_context():
            stored = passwords.hash_password(PASSWORD)
            values = {"password_hash": stored, "user_type": "admin", "disabled": False}
            db.session.execute(update(User).where(User.id == 1).values(**values))
            user = db.session.get_one(User, 1)
            origin = credentials.Origin("127.0.0.1", "")
            self.token = credentials.issue(user, "token", origin, generation=user.generation).key
            db.session.commit()

    def close(self) -> None:
        """Close its connections and take its folder away."""
        close(self.app)
        shutil.rmtree(self.app.instance_path, ignore_errors=True)

    def take(self, kind: str, data: bytes) -> Any:
        """Send a body to the door its first byte names; whatever is wrong with it is a refusal with a number."""
        path = DOORS[data[0] % len(DOORS)] if data else DOORS[0]
        headers = {"token": self.token} if path in OWNERS else {}
        client = self.app.test_client(use_cookies=False)
        reply = client.post(path, data=data[1:], content_type=kind, headers=headers)
        body = reply.get_json()
        assert reply.status_code < 500 and set(body) >= {"status", "code", "msg", "data"}, (path, reply.status)
        assert body["code"] != -3 and body["status"] is (body["code"] == 0), (path, body)
        if path in OWNERS and (body["status"] or body["code"] in (-2, 4030)):
            self.sign_in()
        return reply


@cache
def service() -> Service:
    """One for the process that fuzzes."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    return Service(build({**SETTINGS, **LIMITS, "INSTANCE": folder}))


def body(kind: str) -> Callable[[bytes], None]:
    """The entrance of bodies of a content type."""

    def enter(data: bytes) -> None:
        service().take(kind, data)

    return enter


KINDS = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
}
ENTRANCES: dict[str, Callable[[bytes], None]] = {"image": image, **{name: body(kind) for name, kind in KINDS.items()}}


def words() -> list[str]:
    """What fields are called, and a few values that open the next check: libFuzzer would guess them one by one."""
    fields = {name for door in doors(service().app) for name in door.fields}
    return sorted(
        fields | {"no_captcha", PASSWORD, "root", "old_send_again", "teacher", "lan@example.com", "13800138000"}
    )


def kept(entrance: str) -> list[bytes]:
    """The inputs of the regression corpus: each reached something that no other of them does."""
    return [base64.b64decode(line) for line in (CORPUS / f"{entrance}.txt").read_text("ascii").splitlines()]
