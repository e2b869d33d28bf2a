"""Two nodes behind nginx are one service: what happens on one is so on the other."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.avatar.test_upload import png
from tests.burst import Shot, burst
from tests.caller import Caller
from tests.cluster import Cluster, running_cluster
from tests.conftest import ANSWER, PASSWORD

pytestmark = [pytest.mark.long, pytest.mark.postgresql]
NEW = "battery-staple-7"


@pytest.fixture(scope="module")
def cluster(postgresql_url: str, valkey_url: str) -> Iterator[Cluster]:
    """One for all of these tests."""
    with running_cluster(postgresql_url, valkey_url) as found:
        yield found


@pytest.fixture
def a(cluster: Cluster) -> str:
    """The address of the first node."""
    return cluster.nodes[0].url


@pytest.fixture
def b(cluster: Cluster) -> str:
    """The address of the second."""
    return cluster.nodes[1].url


def somebody() -> str:
    return "n" + secrets.token_hex(5)


def cookies(caller: Caller) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in caller.cookies.items())}


def wait_until(true: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_both_started_on_an_empty_database_and_migrated_it_once(cluster: Cluster, a: str, b: str) -> None:
    with psycopg.connect(cluster.database) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    for node in (a, b):
        reply = Caller(node).ask("/readyz")
        assert (reply.status, set(reply.json["data"].values())) == (200, {"ok"})


def test_a_captcha_of_one_node_is_spent_on_the_other(a: str, b: str) -> None:
    caller = Caller(b)
    caller.captcha(at=a)
    form = {"user": somebody(), "password": PASSWORD, "captcha": ANSWER}
    cookie = dict(caller.cookies)
    assert caller.ask("/user/login", form).code == 10100
    for node in (a, b):
        caller.cookies = dict(cookie)
        assert caller.ask("/user/login", form, at=node).code == 30001


def test_a_session_ended_on_one_node_is_dead_on_the_other(a: str, b: str) -> None:
    caller, name = Caller(a), somebody()
    assert caller.register(name).code == 0
    kept = dict(caller.cookies)
    assert caller.ask("/user/info", at=b).json["data"]["uname"] == name
    assert caller.ask("/user/logout", {}).code == 0
    caller.cookies = kept
    assert caller.ask("/user/info", at=b).code == -2, "nothing is kept on a node that could outlive the row"


def test_a_password_changed_on_one_node_ends_the_tokens_on_the_other(a: str, b: str) -> None:
    caller, name = Caller(a), somebody()
    caller.register(name)
    token = Caller(b).login(name, client="api").json["data"]["token"]
    assert Caller(b).ask("/user/info", token=token).code == 0
    assert caller.ask("/user/password", {"old_password": PASSWORD, "new_password": NEW}).code == 0
    assert Caller(b).ask("/user/info", token=token).code == -2
    assert Caller(b).login(name, NEW).code == 0


def test_volume_is_counted_exactly_over_both_nodes(cluster: Cluster) -> None:
    caller = Caller(cluster.url)
    replies = [caller.ask("/server_status/time") for _ in range(55)]
    assert Counter(reply.code for reply in replies) == {0: 40, 429: 15}
    assert int(replies[-1].headers["retry-after"]) <= 61  # whole seconds, rounded up
    log = (cluster.folder / "userapp.log").read_text()
    assert len(set(re.findall(r'"node":"(127\.0\.0\.1:\d+)"', log))) == 2


def test_guesses_are_counted_exactly_over_both_nodes(cluster: Cluster) -> None:
    name, shots = somebody(), []
    Caller(cluster.nodes[0].url).register(name)
    for number in range(20):
        node = cluster.nodes[number % 2]
        caller = Caller(node.url)
        caller.captcha()
        form = {"user": name, "password": "wrong-horse-9", "captcha": ANSWER}
        shots.append(Shot("/user/login", form, cookies(caller), port=node.port))
    assert Counter(answer.json["code"] for answer in burst(0, shots)) == {10101: 5, 10110: 15}


def test_pictures_are_the_same_on_both_nodes(cluster: Cluster, a: str, b: str) -> None:
    caller = Caller(a)
    caller.register(somebody())
    for colour, at in (("red", a), ("blue", b)):
        body = (
            b"--x\r\nContent-Disposition: form-data; name=avatar; filename=a.png\r\n\r\n"
            + png(colour)
            + b"\r\n--x--\r\n"
        )
        reply = caller.ask("/user/avatar", files=body, at=at, **{"Content-Type": "multipart/form-data; boundary=x"})
        assert reply.code == 0, reply
        for url in reply.json["data"]["avatar_more"].values():
            assert url.startswith(cluster.url)
            seen = [caller.ask(url.removeprefix(cluster.url), at=node) for node in (a, b, cluster.url)]
            assert {one.status for one in seen} == {200} and len({one.body for one in seen}) == 1


def test_a_code_works_once_over_both_nodes(cluster: Cluster, a: str, b: str) -> None:
    caller, name = Caller(a), somebody()
    caller.register(name)
    assert caller.ask("/user/reset", {"email": f"{name}@example.com", "captcha": caller.captcha()}).code == 0
    (mail,) = [one for one in cluster.smtp.messages if name in str(one["To"]) and "找回密码" in str(one["Subject"])]
    code = re.search(r"\b\d{6}\b", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert code
    shots = []
    for number in range(10):
        one = Caller(a)
        one.cookies = dict(caller.cookies)
        one.captcha()
        form = {"code": code[0], "captcha": ANSWER, "new_password": f"{NEW}-{number}"}
        shots.append(Shot("/user/reset", form, cookies(one), port=cluster.nodes[number % 2].port))
    codes = [answer.json["code"] for answer in burst(0, shots)]
    assert codes.count(0) == 1 and set(codes) <= {0, 11005, 11007, 10204}, codes
    works = [number for number in range(10) if Caller(b).login(name, f"{NEW}-{number}").code == 0]
    assert len(works) <= 1


def test_the_proxy_adds_what_it_must_and_hides_what_it_should(cluster: Cluster) -> None:
    caller = Caller(cluster.url)
    for path in ("/metrics", "/readyz"):
        assert caller.ask(path).status == 404
    reply = caller.ask(
        "/user/info?__token=" + "e" * 64, **{"X-Forwarded-For": "198.51.100.7", "X-Request-Id": "x" * 20}
    )
    assert reply.headers["strict-transport-security"].startswith("max-age=31536000")
    identity = reply.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", identity)
    wait_until(lambda: any(identity in node.log for node in cluster.nodes))
    (line,) = [line for node in cluster.nodes for line in node.log.splitlines() if identity in line]
    assert '"address": "127.0.0.1"' in line, "what a client claims about its address is thrown away"
    for text in (*(node.log for node in cluster.nodes), (cluster.folder / "userapp.log").read_text()):
        assert "e" * 64 not in text
    large = caller.ask("/user/login", files=b"x" * 4_000_000, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert large.status == 413


def test_each_node_counts_what_it_served(a: str) -> None:
    text = Caller(a).ask("/metrics").body.decode()
    assert 'userapp_requests_total{endpoint="auth.login",outcome="10110"}' in text
    assert "userapp_limiter_local 0.0" in text
