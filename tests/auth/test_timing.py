"""Whether a stranger can tell by the clock who has an account."""

from __future__ import annotations

import http.client
import json
import random
import time
from urllib.parse import urlencode

import pytest

from tests.conftest import ANSWER, PASSWORD

pytestmark = pytest.mark.long

SAMPLES, REPEATS, NEEDED = 200, 3, 2
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Visitor:
    """A client on one open connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(
        self, method: str, path: str, values: dict[str, str] | None = None, cookie: str = "", **more: str
    ) -> tuple[dict, str]:
        """A request; returns what JSON says and the captcha cookie that was set."""
        headers = (FORM if values else {}) | ({"Cookie": cookie} if cookie else {}) | more
        self.connection.request(method, path, urlencode(values) if values else None, headers)
        reply = self.connection.getresponse()
        body, cookies = reply.read(), reply.headers.get_all("Set-Cookie") or []
        found = next((line.partition(";")[0] for line in cookies if line.startswith("captcha=")), "")
        return (json.loads(body) if reply.headers["Content-Type"] == "application/json" else {}), found

    def attempt(self, path: str, values: dict[str, str]) -> tuple[int, float]:
        """Send a form with a fresh captcha; returns its code and how many seconds only that took."""
        _picture, cookie = self.ask("GET", "/user/captcha")
        start = time.perf_counter()
        body, _cookie = self.ask("POST", path, values | {"captcha": ANSWER}, cookie)
        return body["code"], time.perf_counter() - start


def area(first: list[float], second: list[float]) -> float:
    """The chance that one of `second` took longer than one of `first`: 0.5 means that nothing can be told."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_value, kind) in enumerate(ranked, 1) if kind)
    return (ranks - len(second) * (len(second) + 1) / 2) / (len(first) * len(second))


@pytest.mark.parametrize("kind,unknown", [("uname", "nobody{}"), ("email", "nobody{}@example.com")])
def test_known_and_unknown_accounts_take_the_same_time(live_server, kind, unknown):
    """Contract 7: in every profile the time taken is the same for known and unknown accounts."""
    limits = {"USERAPP_ADDRESS_LIMITS": "0", "USERAPP_LOGIN_TRIES": "100000", "USERAPP_ALL_LOGIN_TRIES": "0"}
    server = live_server(USERAPP_CAPTCHA_ANSWER=ANSWER, **limits)
    visitor = Visitor(server.port)
    for number in range(20):
        values = {"uname": f"ning{number}", "email": f"ning{number}@example.com", "password": PASSWORD}
        assert visitor.attempt("/user/register", values)[0] == 0
    names = {10101: "ning{}" if kind == "uname" else "ning{}@example.com", 10100: unknown}

    def sample(code: int) -> float:
        user = names[code].format(random.randrange(20))
        found, seconds = visitor.attempt("/user/login", {"user": user, "password": "wrong-horse-9"})
        assert found == code
        return seconds

    figures = []
    for _ in range(REPEATS):
        times: dict[int, list[float]] = {10101: [], 10100: []}
        for number in range(SAMPLES + 10):
            for code in random.sample(sorted(times), 2):
                seconds = sample(code)
                if number >= 10:  # the first warm everything up
                    times[code].append(seconds)
        figures.append(round(area(times[10101], times[10100]), 3))
    visitor.connection.close()
    print("AUC", kind, figures)
    assert sum(0.40 <= figure <= 0.60 for figure in figures) >= NEEDED, figures
