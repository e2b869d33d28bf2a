"""ENUM-01 at its number: 200 samples of a known and an unknown name each, three repeats, on a running service.

By the clock of a client, and by the processor time the worker took: that one stays sharp while the machine is busy.
BUSY=1 compares no medians then; FAST=1 makes hashes cheap, so that what else differs is not lost in their noise.
"""

from __future__ import annotations

import os
import random
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.auth.test_timing import Visitor, area
from tests.conftest import ANSWER
from tests.servers import running_application

pytestmark = pytest.mark.huge
SAMPLES, REPEATS, NEEDED, PEOPLE = 200, 3, 2, 20
PASSWORD = "correct-horse-battery-9"  # of accounts that live as long as a test
SETTINGS = {
    "CAPTCHA_ANSWER": ANSWER, "ADDRESS_LIMITS": "0", "LOGIN_TRIES": "1000000", "ALL_LOGIN_TRIES": "0",
    "LOGIN_TRIES_IN_A_ROW": "0", "MESSAGE_GAP": "0", "MESSAGES_PER_DAY": "1000000", "SMS_URL": "outbox:",
    "FRESH_SECONDS": "1000000",
}  # fmt: skip
FRESH = count(10_000)
Taken = tuple[float, float]  # seconds by the clock, and of the processor
KINDS = ("uname", "uid", "phone", "email")


def known(kind: str) -> str:
    """A name of one of the people there are."""
    number = random.randrange(PEOPLE)
    return {"uid": str(number + 1), "phone": f"138001380{number:02d}"}.get(kind) or unknown(kind, "ning", number)


def unknown(kind: str, name: str = "nobody", number: int | None = None) -> str:
    """A name nobody has."""
    number = random.randrange(PEOPLE) if number is None else number
    shapes = {"uname": f"{name}{number}", "email": f"{name}{number}@example.com", "uid": str(5000 + number)}
    return shapes.get(kind) or f"139001390{number:02d}"


@dataclass
class Stage:
    """A service of a profile with its people, and somebody signed in as a program."""

    visitor: Visitor
    worker: int
    token: str = ""

    def processor(self) -> float:
        """Seconds of processor time the worker has used."""
        return time.clock_gettime((~self.worker << 3) | 2)

    def settle(self) -> None:
        """Wait until the worker has nothing left to do for the last request."""
        before = 0.0
        while self.processor() - before > 0.0001:
            before = self.processor()
            time.sleep(0.004)

    def attempt(self, path: str, **form: str) -> tuple[int, Taken]:
        """A form with a fresh captcha: its number, and what only that took."""
        _picture, cookie = self.visitor.ask("GET", "/user/captcha")
        who = {"token": self.token} if path == "/user/email/new" else {}
        self.settle()
        used, start = self.processor(), time.perf_counter()
        body, _cookie = self.visitor.ask("POST", path, {**form, "captcha": ANSWER}, cookie, **who)
        return body["code"], (time.perf_counter() - start, self.processor() - used)

    def login(self, kind: str, there: bool) -> Taken:
        """Sign in by a name of a kind, with a wrong password."""
        name = known(kind) if there else unknown(kind)
        number, taken = self.attempt("/user/login", **{kind: name}, password="wrong-horse-battery-9")
        assert number in (10100, 10101, 10111)
        return taken

    def reset(self, kind: str, there: bool) -> Taken:
        """Ask for a recovery code."""
        number, taken = self.attempt("/user/reset", **{kind: known(kind) if there else unknown(kind)})
        assert number == 0
        return taken

    def after(self, kind: str, there: bool) -> Taken:
        """Ask for a recovery code, and time the request behind it: the mail leaves meanwhile."""
        self.reset(kind, there)
        used, start = self.processor(), time.perf_counter()
        self.visitor.ask("GET", "/server_status/time")
        return time.perf_counter() - start, self.processor() - used

    def bind(self, kind: str, there: bool) -> Taken:
        """Ask for an address that somebody has, or nobody."""
        address = known(kind) if there else unknown(kind)
        number, taken = self.attempt("/user/email/new", email=address)
        assert number == 0
        return taken

    def register(self, kind: str, there: bool) -> Taken:
        """Register under a name that somebody has, or nobody; the answer tells, in every profile."""
        form = {"uname": f"fresh{next(FRESH)}", "email": f"fresh{next(FRESH)}@example.com", "password": PASSWORD}
        number, taken = self.attempt("/user/register", **form | ({kind: known(kind)} if there else {}))
        assert (number != 0) is there
        return taken


@pytest.fixture(scope="module", params=["documented", "strict"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One for each profile; everybody's address is verified."""
    with ExitStack() as stack:
        hashes = {"ARGON2_MEMORY_KIB": "8", "ARGON2_TIME": "1"} if os.environ.get("FAST") == "1" else {}
        values = {f"USERAPP_{key}": value for key, value in {**SETTINGS, **hashes}.items()}
        server = stack.enter_context(running_application({**values, "USERAPP_SECURITY_PROFILE": request.param}))
        master = server.process.pid
        workers = Path(f"/proc/{master}/task/{master}/children").read_text("ascii").split()
        found = Stage(Visitor(server.port), int(workers[0]))
        stack.callback(found.visitor.connection.close)
        for number in range(PEOPLE):
            names = {kind: unknown(kind, "ning", number) for kind in ("uname", "email")}
            names["phone"] = f"138001380{number:02d}"
            assert found.attempt("/user/register", **names, password=PASSWORD)[0] == 0
        with closing(sqlite3.connect(server.instance / "userapp.sqlite")) as database:
            database.execute("UPDATE users SET email_verified = 1")
            database.commit()
        form = {"uname": "asker", "phone": "13700137000", "password": PASSWORD, "captcha": ANSWER, "client": "api"}
        _picture, cookie = found.visitor.ask("GET", "/user/captcha")
        found.token = found.visitor.ask("POST", "/user/register", form, cookie)[0]["data"]["token"]
        yield found


LOGINS = [("login", kind) for kind in KINDS]
CASES = {
    "documented": LOGINS,  # in the others the answer tells, as the documents promise
    "strict": [*LOGINS, ("reset", "email"), ("reset", "phone"), ("after", "email"), ("bind", "email"),
               ("register", "uname"), ("register", "email")],
}  # fmt: skip


def alike(one: list[float], other: list[float]) -> tuple[bool, str]:
    """Whether the samples cannot be told apart, and the figures."""
    figure, medians = area(one, other), [statistics.median(times) * 1000 for times in (one, other)]
    near = os.environ.get("BUSY") == "1" or abs(medians[0] - medians[1]) <= max(2, 0.05 * medians[0])
    return 0.40 <= figure <= 0.60 and near, f"AUC {figure:.3f} medians {medians[0]:.1f} {medians[1]:.1f} ms"


@pytest.mark.parametrize(("way", "kind"), CASES["strict"])
def test_the_time_taken_tells_nobody_who_exists(
    request: pytest.FixtureRequest, stage: Stage, way: str, kind: str
) -> None:
    profile = request.node.callspec.params["stage"]
    if (way, kind) not in CASES[profile]:
        pytest.skip("the answer tells, as the documents promise")
    good = [0, 0]
    for _ in range(REPEATS):
        times: dict[bool, list[Taken]] = {True: [], False: []}
        for number in range(SAMPLES + 10):
            for there in random.sample([True, False], 2):
                taken = getattr(stage, way)(kind, there)
                if number >= 10:  # the first warm everything up
                    times[there].append(taken)
        for which, name in enumerate(("clock", "processor")):
            fits, figures = alike(*([taken[which] for taken in times[there]] for there in (True, False)))
            good[which] += fits
            print(f"{profile} {way} {kind} {name}: {figures}", flush=True)
    assert min(good) >= NEEDED or way == "register", "of a name at registration the answer tells, in every profile"
