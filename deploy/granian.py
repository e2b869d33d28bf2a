"""granian instead of gunicorn: one process that accepts in Rust, fewer microseconds a request; `pip install granian` first.

    python deploy/granian.py

Its workers share no folder of counts, so /metrics tells of the worker that happens to answer: run one worker on each port
and scrape them all, or stay with gunicorn.
"""

from __future__ import annotations

import os


def main() -> None:
    """Serve what gunicorn would, with the same variables: HOST, PORT, WEB_CONCURRENCY, GUNICORN_THREADS."""
    from granian import Granian  # type: ignore[import-not-found,unused-ignore]
    from granian.constants import Interfaces  # type: ignore[import-not-found,unused-ignore]

    os.umask(0o077)
    Granian(
        "wsgi:app",
        address=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        interface=Interfaces.WSGI,
        workers=int(os.environ.get("WEB_CONCURRENCY", "2")),
        blocking_threads=int(os.environ.get("GUNICORN_THREADS", "8")),
        backpressure=128,
        respawn_failed_workers=True,
        workers_kill_timeout=20,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main()
