"""A worker's threads: few work at a time, more wait, and nobody stands still for those who do."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from userapp.threads import STUCK_SECONDS, Threads, waiting

PATIENCE = 30


Pools = Callable[[int, int], Threads]


@contextmanager
def pools() -> Iterator[Pools]:
    """Make Threads that are ended with the test."""
    made: list[Threads] = []

    def make(most: int, at_work: int) -> Threads:
        made.append(Threads(most, at_work))
        return made[-1]

    yield make
    for pool in made:
        pool.shutdown()


@pytest.fixture(params=["as they are here", "without epoll"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pools]:
    """Threads here and on other systems, which have no epoll."""
    if request.param == "without epoll":
        monkeypatch.delattr("select.epoll", raising=False)
    with pools() as make:
        yield make


@pytest.fixture
def watching() -> Iterator[Pools]:
    """Threads that watch connections."""
    if not hasattr(select, "epoll"):
        pytest.skip("there is no epoll on this system")
    with pools() as make:
        yield make


def running() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("request-")}


def test_no_more_work_at_a_time_than_may(threads: Pools) -> None:
    pool, guard, seen, now = threads(8, 3), threading.Lock(), [], []

    def work() -> None:
        with guard:
            now.append(1)
            seen.append(len(now))
        time.sleep(0.002)
        with guard:
            now.pop()

    for job in [pool.submit(work) for _ in range(60)]:
        job.result(PATIENCE)
    assert max(seen) == 3 and len(seen) == 60


def test_who_waits_leaves_the_place_to_another(threads: Pools) -> None:
    pool, gate = threads(4, 1), threading.Event()

    def wait() -> str:
        with waiting():
            gate.wait(PATIENCE)
        return "waited"

    waiters = [pool.submit(wait) for _ in range(3)]
    assert pool.submit(lambda: "worked").result(PATIENCE) == "worked"
    gate.set()
    assert [waiter.result(PATIENCE) for waiter in waiters] == ["waited"] * 3


def test_after_the_waiting_there_are_as_few_at_work_as_before(threads: Pools) -> None:
    pool, gate = threads(8, 2), threading.Event()

    def wait() -> None:
        with waiting():
            gate.wait(PATIENCE)

    waiters = [pool.submit(wait) for _ in range(6)]
    gate.set()
    [waiter.result(PATIENCE) for waiter in waiters]
    now, most, guard = [0], [0], threading.Lock()

    def work() -> None:
        with guard:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        with guard:
            now[0] -= 1

    [job.result(PATIENCE) for job in [pool.submit(work) for _ in range(20)]]  # those who came back stop by and by
    most[0] = 0
    [job.result(PATIENCE) for job in [pool.submit(work) for _ in range(40)]]
    assert most[0] == 2


def test_no_more_threads_are_started_than_may(threads: Pools) -> None:
    pool, gate, before = threads(3, 2), threading.Event(), running()

    def wait() -> None:
        with waiting():
            gate.wait(PATIENCE)

    jobs = [pool.submit(wait) for _ in range(10)]
    assert not jobs[9].done() and len(running() - before) <= 3
    gate.set()
    [job.result(PATIENCE) for job in jobs]
    assert len(running() - before) <= 3


def test_who_waits_without_saying_so_is_relieved(threads: Pools) -> None:
    pool, gate = threads(4, 1), threading.Event()
    stuck = pool.submit(gate.wait, PATIENCE)
    job = pool.submit(lambda: "worked")
    end = time.monotonic() + PATIENCE
    while not job.done() and time.monotonic() < end:
        assert not stuck.done()
        time.sleep(STUCK_SECONDS / 5)
        pool.relieve()
    assert job.result(0) == "worked"
    gate.set()


def test_nobody_is_relieved_while_work_is_taken(threads: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [100.0]
    monkeypatch.setattr("userapp.threads.monotonic", lambda: moment[0])
    pool, before, begun, go = threads(8, 1), running(), threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        begun.release()
        go.acquire(timeout=PATIENCE)

    for _ in [pool.submit(work) for _ in range(5)]:
        assert begun.acquire(timeout=PATIENCE)
        moment[0] += STUCK_SECONDS * 0.9
        pool.relieve()
        go.release()
    assert len(running() - before) == 1


def test_a_failure_goes_to_who_asked_and_the_thread_goes_on(threads: Pools) -> None:
    pool = threads(1, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(PATIENCE)
    assert pool.submit(lambda: 1).result(PATIENCE) == 1


def test_work_that_fails_leaves_its_thread_at_work(threads: Pools, caplog: pytest.LogCaptureFixture) -> None:
    pool = threads(1, 1)
    pool.do(lambda: 1 // 0)
    assert pool.submit(lambda: 1).result(PATIENCE) == 1
    assert "ZeroDivisionError" in caplog.text


def test_what_was_taken_is_done_before_the_threads_end(threads: Pools) -> None:
    before = running()
    pool, gate = threads(6, 2), threading.Event()

    def wait() -> str:
        with waiting():
            gate.wait(PATIENCE)
        return "done"

    jobs = [pool.submit(wait) for _ in range(5)]
    pool.shutdown()
    gate.set()
    assert [job.result(PATIENCE) for job in jobs] == ["done"] * 5
    [thread.join(PATIENCE) for thread in running() - before]
    assert not running() - before


def test_waiting_elsewhere_is_nothing() -> None:
    with waiting():
        pass


def test_without_epoll_nobody_is_watched(watching: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("select.epoll", raising=False)
    assert not watching(1, 1).keep(object(), print)


class Line:
    """A connection as Threads sees it, and the other end."""

    def __init__(self, timeout: float = 0) -> None:
        self.sock, self.other = socket.socketpair()
        self.other.settimeout(PATIENCE)
        self.watched, self.timeout = False, timeout


@pytest.fixture
def lines() -> Iterator[Callable[..., Line]]:
    """Make connections that are closed with the test."""
    made: list[Line] = []

    def make(*args: float) -> Line:
        made.append(Line(*args))
        return made[-1]

    yield make
    for line in made:
        line.sock.close()
        line.other.close()


Lines = Callable[..., Line]


def test_who_is_kept_is_answered_each_time_he_speaks(watching: Pools, lines: Lines) -> None:
    pool, line = watching(4, 2), lines()
    pool.submit(lambda: None).result(PATIENCE)  # somebody is there

    def answer(line: Line) -> None:
        said = line.sock.recv(100)
        pool.keep(line, answer)
        line.sock.sendall(said.upper())

    pool.keep(line, answer)
    for said in (b"one", b"two", b"three"):
        line.other.sendall(said)
        assert line.other.recv(100) == said.upper()
    assert pool.kept() == 1


def test_who_says_nothing_is_given_back_once(watching: Pools, lines: Lines) -> None:
    pool, late, early = watching(4, 2), lines(10.0), lines(20.0)
    for line in (late, early):
        pool.keep(line, lambda line: line.sock.send(b"never"))
    assert [pool.overdue(15.0), pool.overdue(15.0)] == [[late], []] and pool.kept() == 1


def test_new_work_and_who_is_kept_take_turns(watching: Pools, lines: Lines) -> None:
    pool, gate, order = watching(1, 1), threading.Event(), []
    pool.submit(gate.wait, PATIENCE)
    kept = [lines() for _ in range(3)]
    for line in kept:
        pool.keep(line, lambda _: order.append("kept"))
        line.other.send(b"x")
    jobs = [pool.submit(order.append, "new") for _ in range(4)]
    gate.set()
    [job.result(PATIENCE) for job in jobs]
    assert len(order) == 7 and order[:6].count("kept") == 3


def test_who_is_kept_is_answered_though_all_wait_without_saying_so(watching: Pools, lines: Lines) -> None:
    pool, gate, line = watching(4, 1), threading.Event(), lines()
    pool.submit(gate.wait, PATIENCE)
    pool.keep(line, lambda line: line.sock.send(b"answered"))
    line.other.send(b"x")
    line.other.setblocking(False)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(STUCK_SECONDS / 5)
        pool.relieve()
        with suppress(BlockingIOError):
            assert line.other.recv(100) == b"answered"
            break
    gate.set()


def test_no_work_is_overlooked(watching: Pools, lines: Lines) -> None:
    """Whoever hears of something does it, or somebody else hears of it."""
    pool, line, done = watching(8, 2), lines(), threading.Semaphore(0)

    def answer(line: Line) -> None:
        line.sock.recv(1)
        pool.keep(line, answer)
        done.release()

    def wait() -> None:
        with waiting():
            time.sleep(0.0005)
        done.release()

    pool.keep(line, answer)
    for _ in range(300):
        pool.do(wait)
        line.other.send(b"x")
        pool.do(done.release)
        assert all(done.acquire(timeout=PATIENCE) for _ in range(3))
