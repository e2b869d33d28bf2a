"""gunicorn's settings; HOST, PORT, WEB_CONCURRENCY and the GUNICORN_* variables below override them."""

import os
from pathlib import Path
from typing import Any


def _bind() -> str:
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


bind = os.environ.get("GUNICORN_BIND") or _bind()
worker_class = "gthread"  # a sync worker stands still for one slow client
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("GUNICORN_THREADS", "8"))
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 0
control_socket_disable = True  # by default two instances of one user would share it
# a slow disk must not look like a dead worker
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nosec B108
umask = 0o077  # what is written holds accounts: nobody else's to read
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "warning")
errorlog = "-"
accesslog = os.environ.get("GUNICORN_ACCESS_LOG") or None  # the application logs requests itself


def child_exit(server: Any, worker: Any) -> None:
    """Let the metrics forget a worker that has gone."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
