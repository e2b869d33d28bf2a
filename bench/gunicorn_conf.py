"""gunicorn for peers and floors: what deploy/gunicorn.conf.py says for userapp, but for what is its own."""

import os
from pathlib import Path

bind = f"127.0.0.1:{os.environ['PORT']}"
worker_class = os.environ.get("BENCH_WORKER", "gthread")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("GUNICORN_THREADS", "8"))
timeout = 30
keepalive = 5
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
loglevel = "warning"
