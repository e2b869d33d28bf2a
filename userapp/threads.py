"""The threads of a worker: a few at work, and more for as long as some of them wait for something slow.

More threads at work than that only take the interpreter from each other; fewer than wait would keep everybody waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from queue import SimpleQueue
from time import monotonic
from typing import Any

STUCK_SECONDS = 0.05  # after so long in which nobody took what there is to do, all who are at work must be waiting

_here = threading.local()


@contextmanager
def waiting() -> Iterator[None]:
    """Around what waits for something slow, a hash or a mail server: another request has this thread's place meanwhile.

    Does nothing in threads that are not of `Threads`.
    """
    threads: Threads | None = getattr(_here, "threads", None)
    if threads is None:
        yield
        return
    threads.step_aside()
    try:
        yield
    finally:
        threads.come_back()


class Threads(Executor):
    """At most `at_work` threads work at a time, of at most `most`; who comes back from waiting goes on at once."""

    def __init__(self, most: int, at_work: int) -> None:
        self._at_work, self._most = at_work, most
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._guard, self._bell = threading.Lock(), threading.Semaphore(0)
        self._started = self._active = self._parked = 0  # active: at work, or free to be
        self._taken, self._ended = monotonic(), False

    def submit(self, work: Callable[..., Any], /, *args: Any, **values: Any) -> Future[Any]:
        """Have a thread do the work as soon as one may."""
        future: Future[Any] = Future()
        if self._jobs.empty():
            self._taken = monotonic()
        self._jobs.put(lambda: _do(future, work, args, values))
        with self._guard:
            if self._active < self._at_work:
                self._call_one()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; what was taken is done, and the process waits for that before it ends."""
        with self._guard:
            self._ended = True
            for _ in range(self._parked):
                self._bell.release()
        self._jobs.put(None)

    def idle(self) -> bool:
        """Whether nothing is left that no thread took."""
        return self._jobs.empty()

    def relieve(self) -> None:
        """Give those who are at work one thread more if they all seem to wait; called now and then."""
        if not self._jobs.empty() and monotonic() - self._taken > STUCK_SECONDS:
            with self._guard:
                self._taken = monotonic()
                self._call_one()

    def step_aside(self) -> None:
        """The calling thread is about to wait."""
        with self._guard:
            self._active -= 1
            if self._active < self._at_work and not self._jobs.empty():
                self._call_one()

    def come_back(self) -> None:
        """The calling thread has waited; for the rest of its work there may be one more than the rule."""
        with self._guard:
            self._active += 1

    def _call_one(self) -> None:
        if self._parked:
            self._parked -= 1
            self._bell.release()
        elif self._started < self._most:
            self._started += 1
            threading.Thread(target=self._serve, name=f"request-{self._started}").start()
        else:
            return
        self._active += 1

    def _serve(self) -> None:
        _here.threads = self
        while (job := self._jobs.get()) is not None:
            self._taken = monotonic()
            job()
            del job
            if self._may_park():
                self._bell.acquire()
        self._jobs.put(None)  # for the next thread

    def _may_park(self) -> bool:
        with self._guard:
            if self._active <= self._at_work or self._ended:
                return False
            self._active -= 1
            self._parked += 1
            return True


def _do(future: Future[Any], work: Callable[..., Any], args: Any, values: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work(*args, **values))
    except BaseException as error:
        future.set_exception(error)
