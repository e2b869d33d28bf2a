"""What the threads of a worker wait for: that there is work, and that a connection speaks."""

from __future__ import annotations

import os
import select
import threading

NOBODY = -1


def readable(what: object) -> bool:
    """Whether there is something to be read from a socket or the like; an end, too."""
    asked = select.poll()
    asked.register(what, select.POLLIN)  # type: ignore[arg-type]
    return bool(asked.poll(0))


class News:
    """Any number of threads wait for connections and for the bell; each event is told to one of them."""

    def __init__(self) -> None:
        self._epoll, self._bell = select.epoll(), os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN | select.EPOLLET)  # so nobody has to read it

    def ring(self) -> None:
        """Wake one thread, or the next that would wait."""
        os.eventfd_write(self._bell, 1)

    def watch(self, number: int, again: bool) -> None:
        """Tell once when a connection speaks; `again` where it was watched before."""
        (self._epoll.modify if again else self._epoll.register)(number, select.EPOLLIN | select.EPOLLONESHOT)

    def wait(self, block: bool) -> int:
        """The number of a connection that speaks, or NOBODY's."""
        return next((number for number, _ in self._epoll.poll(None if block else 0, 1)), NOBODY)

    def untold(self) -> bool:
        """Whether there is news that no thread was told."""
        return readable(self._epoll)


class Bell:
    """The bell alone, for systems without epoll: there gunicorn watches connections, with one thread."""

    def __init__(self) -> None:
        self._rung = threading.Semaphore(0)
        self.ring = self._rung.release

    def wait(self, block: bool) -> int:
        """Nobody's number, once the bell rang."""
        self._rung.acquire(blocking=block)
        return NOBODY

    def untold(self) -> bool:
        """Whether there is news of a connection that no thread was told."""
        return False


def open_news() -> News | Bell:
    """What this system has."""
    return News() if hasattr(select, "epoll") else Bell()
