"""A worker's threads: few work at a time, more wait, and nobody stands still for those who do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from userapp.threads import STUCK_SECONDS, Threads, waiting

PATIENCE = 30


@pytest.fixture
def threads() -> Iterator[Callable[[int, int], Threads]]:
    """Make Threads that are ended with the test."""
    made: list[Threads] = []

    def make(most: int, at_work: int) -> Threads:
        made.append(Threads(most, at_work))
        return made[-1]

    yield make
    for pool in made:
        pool.shutdown()


def running() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("request-")}


def test_no_more_work_at_a_time_than_may(threads: Callable[[int, int], Threads]) -> None:
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


def test_who_waits_leaves_the_place_to_another(threads: Callable[[int, int], Threads]) -> None:
    pool, gate = threads(4, 1), threading.Event()

    def wait() -> str:
        with waiting():
            gate.wait(PATIENCE)
        return "waited"

    waiters = [pool.submit(wait) for _ in range(3)]
    assert pool.submit(lambda: "worked").result(PATIENCE) == "worked"
    gate.set()
    assert [waiter.result(PATIENCE) for waiter in waiters] == ["waited"] * 3


def test_after_the_waiting_there_are_as_few_at_work_as_before(threads: Callable[[int, int], Threads]) -> None:
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


def test_no_more_threads_are_started_than_may(threads: Callable[[int, int], Threads]) -> None:
    pool, gate, before = threads(3, 2), threading.Event(), running()

    def wait() -> None:
        with waiting():
            gate.wait(PATIENCE)

    jobs = [pool.submit(wait) for _ in range(10)]
    assert not jobs[9].done() and len(running() - before) <= 3
    gate.set()
    [job.result(PATIENCE) for job in jobs]
    assert len(running() - before) <= 3


def test_who_waits_without_saying_so_is_relieved(threads: Callable[[int, int], Threads]) -> None:
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


def test_nobody_is_relieved_while_work_is_taken(threads: Callable[[int, int], Threads]) -> None:
    pool, before = threads(8, 1), running()
    jobs = [pool.submit(time.sleep, 0.001) for _ in range(200)]
    while not jobs[-1].done():
        pool.relieve()
        time.sleep(0.001)
    assert len(running() - before) == 1


def test_a_failure_goes_to_who_asked_and_the_thread_goes_on(threads: Callable[[int, int], Threads]) -> None:
    pool = threads(1, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(PATIENCE)
    assert pool.submit(lambda: 1).result(PATIENCE) == 1


def test_what_was_taken_is_done_before_the_threads_end(threads: Callable[[int, int], Threads]) -> None:
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
