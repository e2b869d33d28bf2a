"""A worker killed at any moment of a recovery: one password works, and the code is used if and only if it is the new.

Started by hand (ROUNDS=200); the figures stand in docs/operations.md.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.burst import Shot, burst
from tests.caller import Caller
from tests.conftest import ANSWER
from tests.servers import LiveServer

pytestmark = pytest.mark.huge
ROUNDS = int(os.environ.get("ROUNDS") or 200)
SETTINGS = {
    "USERAPP_CAPTCHA_ANSWER": ANSWER, "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_MESSAGE_GAP": "0",
    "USERAPP_MESSAGES_PER_DAY": "100000", "USERAPP_CODE_TRIES_PER_HOUR": "100000", "USERAPP_LOGIN_TRIES": "100000",
    "USERAPP_LOG_FORMAT": "json",
}  # fmt: skip


def again(ask: Callable[[], Any]) -> Any:
    """Ask until a worker answers."""
    end = time.monotonic() + 60
    while True:
        try:
            return ask()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.02)


def workers(server: LiveServer) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def code_for(caller: Caller, address: str) -> str:
    """Ask for a code and read it in the outbox."""
    reply = again(lambda: caller.ask("/user/reset", {"email": address, "captcha": caller.captcha()}))
    assert reply.code == 0, reply
    mails = again(lambda: caller.ask("/dev/outbox")).json["data"]  # newest first; notices are among them
    found = (re.search(r"\b\d{6}\b", mail["text"]) for mail in mails if "找回密码" in mail["subject"])
    return next(code[0] for code in found if code)


def kill(victims: list[int]) -> None:
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def signs_in(server: LiveServer, password: str) -> bool:
    return bool(again(lambda: Caller(server.url).login("ning", password)).code == 0)


def recover(caller: Caller, code: str, password: str) -> int:
    form = {"code": code, "new_password": password}
    return int(again(lambda: caller.ask("/user/reset", {**form, "captcha": caller.captcha()})).code)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_exactly_one_password_works(
    database: str, request: pytest.FixtureRequest, live_server: Callable[..., LiveServer]
) -> None:
    uri = request.getfixturevalue("fresh_postgresql") if database == "postgresql" else ""
    server = live_server(USERAPP_SQLALCHEMY_DATABASE_URI=uri, **SETTINGS)
    caller, password, seen = Caller(server.url), "correct-horse-0", Counter[str]()
    assert caller.register("ning", password=password).code == 0
    span = 0.0
    for number in range(ROUNDS):
        new, asking = f"battery-staple-{number}", Caller(server.url)
        code = code_for(asking, "ning@example.com")
        again(asking.captcha)
        cookie = "; ".join(f"{name}={value}" for name, value in asking.cookies.items())
        shot = Shot("/user/reset", {"code": code, "captcha": ANSWER, "new_password": new}, {"Cookie": cookie})
        began = time.monotonic()
        killer = threading.Timer(random.uniform(0.2, 1.1) * span, kill, [workers(server)])
        if span:
            killer.start()
        (answer,) = burst(server.port, [shot])
        if not span:  # the first is left alone: it tells how long one takes
            span = time.monotonic() - began
        elif killer.is_alive():
            killer.join()
        works = [one for one in (password, new) if signs_in(server, one)]
        assert len(works) == 1, f"round {number}: {works}"
        changed = works[0] == new
        assert changed or not (answer.status == 200 and answer.json["code"] == 0), "acknowledged, then lost"
        second = recover(asking, code, f"{new}-again")
        assert (second == 0) is not changed, f"round {number}: the code answered {second}, changed: {changed}"
        password = new if changed else f"{new}-again"
        seen["changed" if changed else "not changed"] += 1
        seen["answered" if answer.status else "no answer"] += 1
    print(f"\n{database}: {dict(seen)}")
    os.kill(server.process.pid, signal.SIGTERM)
