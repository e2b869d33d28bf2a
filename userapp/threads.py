"""The threads of a worker: a few at work, and more for as long as some of them wait for something slow.

More threads at work than that only take the interpreter from each other; fewer than wait would keep everybody waiting.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

from .news import News, open_news

STUCK_SECONDS = 0.05  # after so long in which nobody took what there is to do, all who are at work must be waiting

logger = logging.getLogger(__name__)
_here = threading.local()

Answer = Callable[[Any], object]


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
        self._jobs: deque[Callable[[], object] | None] = deque()
        self._kept: dict[int, tuple[Any, Answer]] = {}
        self._news = open_news()
        self._resting: deque[None] = deque()  # as many as threads wait for news: a deque counts without a lock
        self._guard, self._bell = threading.Lock(), threading.Semaphore(0)
        self._started = self._active = self._parked = 0  # active: at work, or free to be
        self._taken, self._ended = monotonic(), False

    def submit(self, work: Callable[..., Any], /, *args: Any, **values: Any) -> Future[Any]:
        """Have a thread do the work as soon as one may."""
        future: Future[Any] = Future()
        self.do(lambda: _do(future, work, args, values))
        return future

    def do(self, work: Callable[[], object]) -> None:
        """The same for work that needs no future."""
        if not self._jobs:
            self._taken = monotonic()
        self._put(work)
        with self._guard:
            if self._active < self._at_work:
                self._call_one()

    def keep(self, conn: Any, answer: Answer) -> bool:
        """Have a connection answered by whichever thread is free, once it speaks; who called leaves it alone then.

        Not where the system cannot tell: False, and nothing is done.
        """
        if not isinstance(self._news, News):
            return False
        number, again = conn.sock.fileno(), conn.watched
        self._kept[number], conn.watched = (conn, answer), True  # first: another thread may answer it at once
        try:
            self._news.watch(number, again)
        except OSError:
            del self._kept[number]
            raise
        return True

    def kept(self) -> int:
        """How many connections are watched."""
        return len(self._kept)

    def overdue(self, moment: float) -> list[Any]:
        """Connections that said nothing until then; nobody watches them any more."""
        late = [number for number, (conn, _) in list(self._kept.items()) if conn.timeout <= moment]
        return [found[0] for number in late if (found := self._kept.pop(number, None))]

    def _put(self, work: Callable[[], object] | None) -> None:
        self._jobs.append(work)
        self._wake_one()

    def _wake_one(self) -> None:
        if self._jobs and self._resting:
            self._news.ring()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; what was taken is done, and the process waits for that before it ends."""
        with self._guard:
            self._ended = True
            for _ in range(self._parked):
                self._bell.release()
        self._put(None)

    def idle(self) -> bool:
        """Whether nothing is left that no thread took."""
        return not self._jobs

    def relieve(self) -> None:
        """Give those who are at work one thread more if they all seem to wait; called now and then."""
        if monotonic() - self._taken > STUCK_SECONDS and (self._jobs or (self._kept and self._news.untold())):
            with self._guard:
                self._taken = monotonic()
                self._call_one()

    def step_aside(self) -> None:
        """The calling thread is about to wait."""
        with self._guard:
            self._active -= 1
            if self._active < self._at_work and (self._jobs or self._kept):
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
        queued = False
        while True:
            job, queued = self._next(kept_first=queued)
            if job is None:
                break
            self._taken = monotonic()
            try:
                job()
            except Exception:  # the thread has its place to keep
                logger.exception("Work for a thread failed.")
            del job
            if self._may_park():
                self._bell.acquire()
        self._put(None)  # for the next thread

    def _next(self, kept_first: bool) -> tuple[Callable[[], object] | None, bool]:
        """Wait for what is to be done next, and whether it is from the queue: those and who was kept take turns."""
        while True:
            if self._jobs and not (kept_first and self._kept):
                with suppress(IndexError):  # another thread was faster
                    job = self._jobs.popleft()
                    self._wake_one()
                    return job, True
            kept_first = False
            self._resting.append(None)
            number = self._news.wait(block=not self._jobs)
            self._resting.pop()
            if found := self._kept.pop(number, None):
                conn, answer = found
                return partial(answer, conn), False

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
