"""Fixtures of the e-mail tests: the codes that were mailed, somebody verified, a change under way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Json

OLD, NEW = "old@example.com", "new@example.com"


def refused(reply: Any) -> int:
    """The number of a refusal as document B answers it: always HTTP 200."""
    assert reply.status_code == 200 and reply.json["status"] is False, reply.json
    return int(reply.json["code"])


def accepted(reply: Any) -> Any:
    """The data of a success of document B."""
    assert (reply.status_code, reply.json["status"], reply.json["msg"]) == (200, True, ""), reply.json
    return reply.json["data"]


@pytest.fixture
def code_to(outbox: Callable[[], list[dict[str, Any]]]) -> Callable[..., str]:
    """The newest code that was mailed to an address."""

    def look(address: str) -> str:
        found = [re.search(r"\b[A-Z2-9]{10}\b", mail["text"]) for mail in outbox() if mail["to"] == address]
        return next(match[0] for match in found if match)

    return look


@pytest.fixture
def verified(signed_in: Callable[..., Json], code_to: Callable[..., str]) -> Callable[..., Json]:
    """A client signed in as somebody new whose address is verified."""

    def make(uname: str = "ning", kind: type[Json] = Json, email: str = OLD) -> Json:
        client = signed_in(uname, kind, email=email)
        reply = client.post("/user/email/bind", data={"captcha": code_to(email)})
        assert reply.status_code == 303 or accepted(reply)
        return client

    return make


@pytest.fixture
def changing(verified: Callable[..., Json], code_to: Callable[..., str]) -> Callable[..., tuple[Json, dict[str, str]]]:
    """A client with a change under way, and the two codes that end it."""

    def make(uname: str = "ning", kind: type[Json] = Json, old: str = OLD, new: str = NEW) -> Any:
        client = verified(uname, kind, old)
        reply = client.post("/user/email/unbind", data={"new_email": new})
        assert reply.status_code == 303 or accepted(reply)
        return client, {"old_captcha": code_to(old), "new_captcha": code_to(new)}

    return make
