"""Whether a caller can tell by the clock that somebody has an address, where nobody may learn it."""

from __future__ import annotations

import random
import time
import urllib.request

import pytest

from tests.auth.test_timing import area
from tests.burst import post
from tests.conftest import ANSWER, PASSWORD

pytestmark = pytest.mark.long
SAMPLES, REPEATS, NEEDED = 100, 3, 2
SETTINGS = {
    "CAPTCHA_ANSWER": ANSWER, "ADDRESS_LIMITS": "0", "DISCLOSURE": "never", "MESSAGE_GAP": "0",
    "MESSAGES_PER_DAY": "1000000", "ARGON2_MEMORY_KIB": "8", "ARGON2_TIME": "1",
}  # fmt: skip


def test_a_taken_address_takes_as_long_as_a_free_one(live_server):
    """ENUM-01: the chance to guess right by the clock is between 0.40 and 0.60 in two of three repeats."""
    server = live_server(**{f"USERAPP_{key}": value for key, value in SETTINGS.items()})

    def register(name, **more):
        with urllib.request.urlopen(server.url + "/user/captcha", timeout=60) as reply:
            cookies = reply.headers.get_all("Set-Cookie")
        cookie = next(line for line in cookies if line.startswith("captcha=")).partition(";")[0]
        form = {"uname": name, "password": PASSWORD, "captcha": ANSWER, "client": "api", **more}
        answer = post(server.port, "/user/register", form, Cookie=cookie).json
        assert answer["status"], answer
        return answer["data"]["token"]

    for number in range(5):
        register(f"owner{number}", email=f"taken{number}@example.com")
    token = register("asker", phone="13800138000")

    def sample(kind):
        form = {"email": f"{kind}{random.randrange(5)}@example.com"}
        start = time.perf_counter()
        answer = post(server.port, "/user/email/new", form, token=token)
        seconds = time.perf_counter() - start
        assert answer.json["status"], answer.json
        return seconds

    figures = []
    for _ in range(REPEATS):
        times = {"taken": [], "vacant": []}
        for number in range(SAMPLES + 5):
            for kind in random.sample(sorted(times), 2):
                seconds = sample(kind)
                if number >= 5:  # the first warm everything up
                    times[kind].append(seconds)
        figures.append(round(area(times["taken"], times["vacant"]), 3))
    print("AUC", figures)
    assert sum(0.40 <= figure <= 0.60 for figure in figures) >= NEEDED, figures
