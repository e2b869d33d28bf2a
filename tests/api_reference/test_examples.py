"""The examples of the document are requests that are accepted, and what is answered has the shape it says."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import update

from tests.conftest import PASSWORD, Json
from userapp import accounts
from userapp.extensions import db
from userapp.models import User
from userapp.operators import setup_links

pytestmark = pytest.mark.long


class World:
    """One application, its document, and somebody in it who can be put into any state an example needs."""

    def __init__(self, app: Flask, outbox: Callable[[], list[dict[str, Any]]]) -> None:
        self.app, self.outbox = app, outbox
        app.test_client_class = Json
        self.document = app.test_client().get("/openapi.json").get_json()
        self.client: Any = app.test_client()
        self.someone: dict[str, Any] = {}

    def sign_in(self, *, verified: bool = False, admin: bool = False) -> None:
        """Register ning and sign in; `verified` is the address, `admin` the type."""
        fields = {"email": "ning@example.com", "client": "api"}
        self.someone = self.client.register("ning", PASSWORD, **fields).json["data"]
        self.outbox()  # the mail of the registration leaves before any other
        with self.app.app_context():
            db.session.execute(update(User).values(email_verified=verified))
            db.session.commit()
            if admin:
                accounts.set_type(self.someone["id"], "admin", accounts.OPERATOR)
        answered = self.client.login("ning", PASSWORD, client="api").json
        self.client.environ_base["HTTP_TOKEN"] = answered["data"]["token"]

    def newest(self, pattern: str, to: str) -> str:
        """What a pattern finds in the newest message to an address."""
        texts = [message["text"] for message in self.outbox() if message["to"] == to]
        return next(found[1] for text in texts if (found := re.search(pattern, text)))

    def send(self, operation_id: str, **changed: Any) -> None:
        """Send the example of an operation with what cannot be known before; the answer must be the described one."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if operation["operationId"] == operation_id:
                    self.check(path, method, operation, changed)
                    return
        raise AssertionError(f"no operation {operation_id}")

    def check(self, path: str, method: str, operation: dict[str, Any], changed: dict[str, Any]) -> None:
        """One request and its answer."""
        address = path.replace("{user_id}", str(changed.pop("user_id", "")))
        content = next(iter(operation.get("requestBody", {}).get("content", {"": {}}).values()))
        values = {**content.get("example", {}), **changed}
        reply = self.client.open(address, method=method.upper(), data=values if method == "post" else None)
        assert reply.status_code == 200, (operation["operationId"], reply.get_data(as_text=True)[:300])
        described = operation["responses"]["200"]["content"]
        assert reply.mimetype in described
        if reply.is_json and "schema" in described["application/json"]:
            schema = {**described["application/json"]["schema"], "components": self.document["components"]}
            jsonschema_rs.validator_for(schema).validate(reply.json)
            assert reply.json.get("code", 0) == 0, (operation["operationId"], reply.json)


@pytest.fixture
def world(app: Flask, outbox: Callable[[], list[dict[str, Any]]]) -> World:
    """An empty one."""
    app.config["LOST_MAILBOX"] = "yes"
    return World(app, outbox)


def picture() -> tuple[io.BytesIO, str]:
    """A file that is one."""
    file = io.BytesIO()
    Image.new("RGB", (300, 300), "teal").save(file, "PNG")
    return io.BytesIO(file.getvalue()), "me.png"


def test_signing_up_in_and_out(world: World) -> None:
    world.client.captcha()
    world.send("post_user_register")
    world.client.captcha()
    world.send("post_user_login")
    world.send("post_user_logout")
    world.client.captcha()
    world.send("post_user_reset")


def test_a_strangers_pages(world: World) -> None:
    for name in ("get_home", "get_user", "get_user_captcha", "get_server_status_time", "get_healthz", "get_docs"):
        world.send(name)


def test_information_and_pictures(world: World) -> None:
    world.sign_in()
    for name in ("get_user_info", "post_user_info", "post_user_sessions", "get_user_sessions", "get_user_security"):
        world.send(name)
    world.send("post_user_avatar", avatar=picture())
    world.send("post_user_upload_avatar", avatar=picture())
    world.send("post_user_avatar_remove")
    world.send("get_user_export")
    world.send("get_user_delete")


@pytest.mark.parametrize("name", ["post_user_password", "post_user_change_password", "post_user_set_token_cookie"])
def test_passwords_and_tokens(world: World, name: str) -> None:
    world.sign_in()
    world.send(name)


def test_a_token_is_refreshed(world: World) -> None:
    world.sign_in()
    world.send("post_user_refresh_token", confirm=str(int(time.time())))


def test_an_unverified_address(world: World) -> None:
    world.sign_in()
    for name in ("get_user_email", "get_user_email_status", "post_user_email_send", "post_email_send"):
        world.send(name)
    world.send("post_user_email_new")
    code = world.newest(r"\b([A-Z0-9]{10})\b", "ning.new@example.com")
    world.send("post_user_email_bind", captcha=code)


def test_a_verified_address(world: World) -> None:
    world.sign_in(verified=True)
    world.send("post_user_email_unbind")
    world.send("post_user_email_resend")
    codes = {
        f"{side}_captcha": world.newest(r"\b([A-Z0-9]{10})\b", address)
        for side, address in (("old", "ning@example.com"), ("new", "ning.new@example.com"))
    }
    world.send("post_user_email_unbind_confirm", **codes)
    world.send("post_user_email_undo", link=world.newest(r"undo\?link=(\S+)", "ning@example.com"))


def test_a_change_is_called_off(world: World) -> None:
    world.sign_in(verified=True)
    world.send("post_user_email_unbind")
    world.send("post_user_email_cancel")


def test_a_lost_mailbox(world: World) -> None:
    world.sign_in(verified=True)
    world.send("post_user_email_lost")
    world.send("post_user_email_lost_confirm", new_captcha=world.newest(r"\b([A-Z0-9]{10})\b", "ning.new@example.com"))
    world.send("post_user_email_keep", link=world.newest(r"keep\?link=(\S+)", "ning@example.com"))


def test_what_administrators_do(world: World, make_user: Callable[..., dict[str, Any]]) -> None:
    other = make_user("other", email="other@example.com")["id"]
    world.sign_in(admin=True)
    for name in ("get_admin", "get_admin_users", "get_admin_events"):
        world.send(name)
    world.send("get_admin_users_user_id", user_id=other)
    for verb in ("disable", "enable", "sessions", "uid", "name", "user_type", "reset"):
        world.send(f"post_admin_users_user_id_{verb}", user_id=other)
    with world.app.app_context():
        db.session.execute(update(User).where(User.id == other).values(email_verified=False))
        db.session.commit()
    world.send("post_admin_users_user_id_verify_email", user_id=other, email="other@example.com")
    world.send("post_admin_users_user_id_delete", user_id=other, uname="other")


def test_a_link_that_sets_a_password(world: World, make_user: Callable[..., dict[str, Any]]) -> None:
    identity = make_user("ning")["id"]
    with world.app.app_context():
        link = setup_links.link(identity).partition("link=")[2]
    world.send("post_user_setup", link=link, new_password="better-battery-8")
