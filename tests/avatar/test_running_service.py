"""Uploads to a running service: many at once, and workers that are killed half-way."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.avatar.live import ENVIRONMENT, SIZES, Person, fetch, picture, red, second, six
from tests.burst import burst
from tests.servers import DATABASE, LiveServer, answers, running_application

pytestmark = pytest.mark.long
TOGETHER = 20


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """Two workers, so that uploads meet in different processes."""
    with running_application(ENVIRONMENT | {"WEB_CONCURRENCY": "2"}) as found:
        yield found


def watch(me: Person, folder: Path, stop: threading.Event, seen: list[tuple[int, int]], wrong: list[str]) -> None:
    """Note which redness is shown under which `_t`; the three sizes of a moment without a change must agree."""
    while not stop.is_set():
        try:
            urls = me.pictures()
            shown = {red(fetch(urls[size])) for size in SIZES}
            if me.pictures() == urls:
                seen.extend((second(urls["large"]), shade) for shade in shown)
            for size in SIZES:
                red((folder / size / f"{me.number % 1000:03d}" / f"{me.number}.png").read_bytes())
        except Exception as error:  # whatever a reader meets is what this test is about
            wrong.append(repr(error))


def test_twenty_uploads_at_once_never_mix_and_the_last_one_is_shown(server: LiveServer) -> None:
    me, folder = Person.new(server.port, "twenty"), server.instance / "avatar"
    first = me.upload(picture(250)).json["data"]["avatar"]
    stop, seen, wrong = threading.Event(), [], []  # type: ignore[var-annotated]
    readers = [threading.Thread(target=watch, args=(me, folder, stop, seen, wrong)) for _ in range(3)]
    for reader in readers:
        reader.start()
    shades = [number * 12 for number in range(TOGETHER)]
    replies = [answer.json for answer in burst(server.port, [me.shot(picture(shade)) for shade in shades])]
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert [reply["code"] for reply in replies] == [0] * TOGETHER
    accepted = {second(reply["data"]["avatar"]): shade for reply, shade in zip(replies, shades, strict=True)}
    accepted[second(first)] = 250
    assert len(accepted) == TOGETHER + 1
    assert {(moment, shade) for moment, shade in seen if accepted[moment] != shade} == set()
    urls = me.pictures()
    assert second(urls["large"]) == max(accepted)
    assert {red(fetch(urls[size])) for size in SIZES} == {accepted[max(accepted)]}
    assert six(folder / "current" / f"{me.number % 1000:03d}" / str(me.number)) == {accepted[max(accepted)]}


def workers(process: int) -> list[int]:
    """The children of gunicorn."""
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def upload_and_kill(me: Person, server: LiveServer, data: bytes, after: float) -> bool:
    """Start an upload and kill every worker `after` seconds later; whether it was answered with a yes."""
    shot = me.shot(data)
    head = f"POST {shot.path} HTTP/1.1\r\nHost: 127.0.0.1\r\ntoken: {me.token}\r\nConnection: close\r\n"
    head += f"Content-Type: {shot.kind}\r\nContent-Length: {len(shot.body)}\r\n\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", me.port), timeout=60) as connection:
        connection.sendall(head.encode() + shot.body)
        time.sleep(after)
        for pid in workers(server.process.pid):
            os.kill(pid, signal.SIGKILL)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
    return b'"status":true' in received.replace(b" ", b"")


def kill_at_random_moments(times: int, instance: Path) -> list[str]:
    """Upload and kill; what was shown each time: the old triple, the new one, or the new one that was answered."""
    told: list[str] = []
    environment = ENVIRONMENT | {"WEB_CONCURRENCY": "1", "USERAPP_INSTANCE": str(instance)}
    environment[DATABASE] = ""  # in the folder: two services, one after the other, share it
    with running_application(environment) as server:
        me = Person.new(server.port, "killed")
        start = time.monotonic()
        assert me.upload(picture(shown := 255)).json["status"]
        longest = 1.5 * (time.monotonic() - start)
        chance = random.Random(times)
        for number in range(times):
            new = (number * 2) % 250
            answered = upload_and_kill(me, server, picture(new), chance.uniform(0, longest))
            wait_for_workers(server)
            urls = me.pictures()
            shades = {red(fetch(urls[size])) for size in SIZES}
            assert len(shades) == 1
            assert shades <= ({new} if answered else {shown, new})
            current = instance / "avatar" / "current" / f"{me.number % 1000:03d}" / str(me.number)
            wait(
                lambda current=current, shades=shades: six(current) == shades
            )  # mended by the new worker's first round
            told.append("answered" if answered else "new" if shades == {new} else "old")
            shown = shades.pop()
    with running_application(environment) as server:
        me.port = server.port
        urls = me.pictures()
        assert {red(fetch(url)) for url in urls.values()} == {shown}
        wait(lambda: len(files(instance / "avatar")) == 10)
    return told


def files(folder: Path) -> list[Path]:
    """Everything that is no folder."""
    return [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]


def wait_for_workers(server: LiveServer) -> None:
    """Wait until gunicorn has made another worker and it answers."""
    wait(lambda: answers(server.url + "/healthz"))


def wait(done: object) -> None:
    """Wait for something, for a minute at most."""
    end = time.monotonic() + 60
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_worker_leaves_the_old_or_the_new_triple(tmp_path: Path) -> None:
    assert len(kill_at_random_moments(8, tmp_path / "instance")) == 8


@pytest.mark.huge
def test_a_worker_killed_at_a_hundred_random_moments(tmp_path: Path) -> None:
    told = kill_at_random_moments(100, tmp_path / "instance")
    print({what: told.count(what) for what in sorted(set(told))})
    assert {"old", "answered"} <= set(told)


@pytest.mark.parametrize("megabytes", [3, 8, 20])
def test_who_sends_far_too_much_gets_the_refusal_and_no_broken_connection(server: LiveServer, megabytes: int) -> None:
    """The rest of the body is thrown away: a program that sends all of it before it reads still finds the answer."""
    answer = Person.new(server.port, f"large{megabytes}").upload(b"\0" * megabytes * 2**20)
    assert answer.status == 200 and answer.json["code"] == 10703, answer.body


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process's memory is read from Linux's /proc")
def test_five_hundred_uploads_leave_the_memory_as_it_was() -> None:
    """UPL-02: no drift; a picture of four megapixels each time."""
    with running_application(ENVIRONMENT | {"WEB_CONCURRENCY": "1"}) as server:
        me, photograph = Person.new(server.port, "drift"), picture(250, 2000)
        for _ in range(10):  # every thread has decoded one
            assert all(answer.json["status"] for answer in burst(server.port, [me.shot(photograph)] * 8))
        before = resident(server)
        for _ in range(500):
            assert me.upload(photograph).json["status"]
        after = resident(server)
    print(f"before {before:.0f} MiB, after {after:.0f} MiB")
    assert after - before <= 30


def resident(server: LiveServer) -> float:
    """MiB that the only worker holds."""
    pid = server.process.pid
    worker = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
    status = Path(f"/proc/{worker}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
