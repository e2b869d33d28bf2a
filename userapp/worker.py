"""gunicorn's thread worker as this service needs it: `gunicorn --worker-class userapp.worker.Worker`."""

from __future__ import annotations

import mmap
import socket
import time
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import TConn, ThreadWorker

from .news import readable
from .threads import STUCK_SECONDS, Threads, waiting

AT_WORK = 4  # of a worker's threads; more only take the interpreter from each other
LOOK_SECONDS = 0.25  # so often a worker looks after its threads and who is kept, whatever happens
SILENT_SECONDS = 10  # so long a connection may say nothing at all
LEAVE_SECONDS, UNREAD_BYTES = 2.0, 32 * 1024 * 1024  # what of a refused body is thrown away: less, and the caller
# would find the connection broken instead of the refusal
TURNS = 4  # so many milliseconds at most a worker leaves a new connection to another that has fewer

NOBODY, PLACES = 2**32 - 1, 64
# How many connections each worker has, by its place (deploy/gunicorn.conf.py); made before the fork, so all see it.
_held = memoryview(mmap.mmap(-1, 4 * PLACES)).cast("I")


def tell(place: int, connections: int = NOBODY) -> None:
    """Tell the other workers how many connections the one at `place` has; nothing where it takes no new ones."""
    if 0 < place < PLACES:
        _held[place] = connections


for _place in range(PLACES):
    _held[_place] = NOBODY


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread, as a sync worker stands still for one slow client; it neither drops connections nor waits for them."""

    place = 0  # among the workers; 0: nobody gave it one
    _connections = 0
    _look_at = 0.0

    @property
    def nr_conns(self) -> int:
        """gunicorn's count of open connections; others see it for as long as this worker takes new ones."""
        return self._connections

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._connections = count
        tell(self.place, count if self.alive else NOBODY)

    def run(self) -> None:
        """Take new connections from now on."""
        tell(self.place, self._connections)
        super().run()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Take no more of them."""
        super().handle_exit(sig, frame)
        tell(self.place)

    def get_thread_pool(self) -> Threads:
        """The threads of `--threads`, few of them at work."""
        return Threads(self.cfg.threads, AT_WORK)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Look after the threads between two events."""
        often = LOOK_SECONDS if self.tpool.idle() else STUCK_SECONDS
        super().wait_for_and_dispatch_events(min(timeout, often))
        self.tpool.relieve()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new connections or not; a worker that is to end takes who was let in already, and then nobody is.

        gunicorn 27 keeps the socket open meanwhile: callers are let in, wait, and at last are cut off.
        """
        super().set_accept_enabled(enabled)
        while not self.alive and not enabled and self.sockets:  # called again, there is nothing left to do
            listener = self.sockets.pop()
            while self._accept(listener):
                pass
            listener.close()

    def accept(self, listener: Any) -> None:
        """Take a new connection, unless a worker with fewer is faster."""
        for _ in range(TURNS):
            if self._connections > min(_held):
                time.sleep(0.001)
        self._accept(listener)

    def _accept(self, listener: Any) -> bool:
        """Take a connection, if there is one; no thread waits until it speaks."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker was faster, or the caller has gone
            return False
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname())
        if readable(client):
            conn.data_ready = True
            self.enqueue_req(conn)
        else:
            self._wait_for(conn)
        return True

    def enqueue_req(self, conn: Any) -> None:
        """Have a connection's request answered."""
        self.tpool.do(partial(self._answer, conn))

    def _answer(self, conn: Any) -> None:
        """Answer a connection's request, in a thread; who keeps it open is answered again once there is more."""
        try:
            said = self.handle(conn)
            if said is True and self.alive and not (conn.is_http2 or conn.parser.unreader.buf.getvalue()):
                conn.set_timeout()
                if self.tpool.keep(conn, self._answer):
                    return
        except Exception:
            self.log.exception("A connection failed.")
            said = False
        self.method_queue.defer(self.finish_request, conn, said)
        if not said:
            _take_leave(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Keep no more connections than gunicorn would."""
        if self.tpool.kept() >= self.max_keepalived:
            req.force_close()
        return super().handle_request(req, conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections that were silent for too long; while the worker ends, gunicorn does that."""
        if not self.alive:
            for conn in self.tpool.overdue(float("inf")):
                self.finish_request(conn, True)
        elif (moment := time.monotonic()) >= self._look_at:
            self._look_at = moment + LOOK_SECONDS
            for conn in self.tpool.overdue(moment):
                self.nr_conns -= 1
                conn.close()
        super().murder_keepalived(force)

    def finish_request(self, conn: Any, said: Any) -> None:
        """Look after a connection that is still silent, or the next request of one that ends with the worker."""
        if not said:  # the thread takes leave of it
            self.nr_conns -= 1
        elif said is not True and not self.alive:  # gunicorn 27 closes it when the worker is to end: a lost request
            self._wait_for(conn)
        else:
            done: Future[Any] = Future()
            done.set_result(said)
            super().finish_request(conn, done)

    def _wait_for(self, conn: Any) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + SILENT_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))


class Connection(TConn):  # type: ignore[misc]
    """gunicorn's connection; a caller who is slow to send takes nobody's place at work."""

    watched = False

    def init(self) -> None:
        """Have heads and bodies read patiently; called before each request, done once."""
        if self.initialized:
            return
        super().init()
        if not self.is_http2:
            self.parser.unreader.sock = PatientReader(self.sock)


class PatientReader:
    """What gunicorn reads a socket by: whoever waits for more leaves the place to another thread meanwhile."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def recv(self, size: int) -> bytes:
        """What has come, or else what comes next."""
        try:
            return self._sock.recv(size, socket.MSG_DONTWAIT)
        except (BlockingIOError, ValueError):  # nothing yet; TLS knows no such flag
            with waiting():
                return self._sock.recv(size)


def _take_leave(conn: Any) -> None:
    """Close a connection so that its last answer arrives, though the caller may still be sending a large body."""
    with waiting():
        close_graceful(conn.sock, LEAVE_SECONDS, UNREAD_BYTES)
