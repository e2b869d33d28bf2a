"""gunicorn's settings; HOST, PORT, WEB_CONCURRENCY and the GUNICORN_* variables below override them."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gunicorn.glogging import Logger

# What a reload tells the master that it becomes: gunicorn's own two names, and the workers that are there.
PASSED_ON = ("GUNICORN_PID", "GUNICORN_FD", "USERAPP_FORMER")
OF_COUNTS = ("PROMETHEUS_MULTIPROC_DIR", "USERAPP_OWN_METRICS")
# They would end a process that does not listen for them, as a master that is still loading.
NOT_MEANWHILE = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nosec B108 - made by mkdtemp, for us alone


def _bind() -> str:
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


bind = os.environ.get("GUNICORN_BIND") or _bind()
worker_class = "userapp.worker.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# More than passwords may wait for hashing (USERAPP_HASH_QUEUE): in a storm of sign-ins, readers still find a thread.
threads = int(os.environ.get("GUNICORN_THREADS", "40"))
timeout = 30
graceful_timeout = 30
keepalive = 5
# A worker is replaced after so many requests, each at another number; 0 keeps workers for ever.
max_requests = int(os.environ.get("GUNICORN_MAX_REQUESTS", "0"))
max_requests_jitter = max_requests // 10
preload_app = True  # loaded once for all workers, which share its memory; a HUP loads it anew (on_reload)
gc.disable()  # until it is loaded: what is loaded stays, and looking for garbage meanwhile takes an eighth of the time
control_socket_disable = True  # by default two instances of one user would share it
worker_tmp_dir = MEMORY  # a slow disk must not look like a dead worker
umask = 0o077  # what is written holds accounts: nobody else's to read
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")

# The access log is off, because the application has a line for each request; switched on, it must not show the query,
# which may hold a token.
accesslog = os.environ.get("GUNICORN_ACCESS_LOG") or None
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "warning")


class logger_class(Logger):  # noqa: N801 - gunicorn reads its settings by their names
    """Gives gunicorn's own lines the form of the application's."""

    def setup(self, cfg: Any) -> None:
        """Exchange the formatters once gunicorn has made its handlers."""
        from userapp.logs import JsonFormatter, PlainFormatter

        super().setup(cfg)
        wanted = os.environ.get("USERAPP_LOG_FORMAT") or ("plain" if os.environ.get("USERAPP_DEVTOOLS") == "1" else "")
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(PlainFormatter() if wanted == "plain" else JsonFormatter())


# All workers count into one folder (userapp/metrics.py). The environment keeps it over a reload.
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    for _left in Path(MEMORY or tempfile.gettempdir()).glob("userapp-metrics-*-*"):  # of one that was killed
        if Path("/proc/self").exists() and not Path("/proc", _left.name.split("-")[2]).exists():
            shutil.rmtree(_left, ignore_errors=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=f"userapp-metrics-{os.getpid()}-", dir=MEMORY)
    os.environ["USERAPP_OWN_METRICS"] = str(os.getpid())


def on_reload(server: Any) -> None:
    """Become a new master in this process, with new code and new libraries, if they can be loaded.

    Workers go on serving meanwhile: they are this process's children before and after.
    """
    program, *rest = server.START_CTX["args"][1:]
    start = [sys.executable, *(["-m", "gunicorn"] if program.endswith("__main__.py") else [program])]
    environment = {name: value for name, value in server.cfg.env_orig.items() if name not in PASSED_ON}
    environment |= {name: os.environ[name] for name in OF_COUNTS if name in os.environ}
    os.chdir(server.START_CTX["cwd"])
    trial = environment | {"USERAPP_WORKER": "0"}  # a place that no worker has: it must not add to anybody's counts
    if subprocess.run([*start, "--check-config", *rest], env=trial, check=False).returncode:
        gc.enable()
        server.log.error("what a reload was to load cannot be loaded: the former code goes on")
        return
    for number in NOT_MEANWHILE:
        signal.signal(number, signal.SIG_IGN)
    environment["GUNICORN_PID"] = str(os.getpid())
    environment["GUNICORN_FD"] = ",".join(str(listener.fileno()) for listener in server.LISTENERS)
    environment["USERAPP_FORMER"] = ",".join(f"{pid}:{worker.place}" for pid, worker in server.WORKERS.items())
    os.execve(sys.executable, [*start, *rest], environment)


def when_ready(server: Any) -> None:
    """Let workers that a former master left serve until the new ones do; callers would wait meanwhile."""
    gc.enable()
    gc.freeze()
    former = os.environ.pop("USERAPP_FORMER", "")
    if not former:
        return
    for pid, place in (map(int, one.split(":")) for one in former.split(",")):
        alive = SimpleNamespace(last_update=time.monotonic, close=lambda: None)
        server.WORKERS[pid] = SimpleNamespace(age=0, place=place, tmp=alive, aborted=False)
    for _ in range(server.cfg.workers):
        server.spawn_worker()

    def once_they_serve() -> None:
        del server.manage_workers  # the class's own again
        end = time.monotonic() + graceful_timeout
        while time.monotonic() < end and not all(map(_serves, server.WORKERS.values())):
            server.reap_workers()
            time.sleep(0.05)
        server.manage_workers()

    server.manage_workers = once_they_serve  # called next after the new ones were forked


def _serves(worker: Any) -> bool:
    """Whether it has begun to say that it is alive: from then on its file's time is the monotonic clock's."""
    return bool(worker.tmp.last_update() <= time.monotonic())


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the first free place: its counts go on where those of the place's last worker ended."""
    taken = {getattr(other, "place", None) for other in server.WORKERS.values()}
    worker.place = next(place for place in range(1, 10_000) if place not in taken)
    os.environ["USERAPP_WORKER"] = str(worker.place)


def post_fork(_server: Any, worker: Any) -> None:
    """Leave the database connections of the process alone that loaded the application."""
    application = worker.app.wsgi()
    with application.app_context():
        application.extensions["sqlalchemy"].engine.dispose(close=False)


def pre_request(_worker: Any, req: Any) -> None:
    """End a connection with a body in chunks: behind a broken one nobody can tell where the next request begins."""
    if any(name == "TRANSFER-ENCODING" for name, _value in req.headers):
        req.force_close()


def child_exit(_server: Any, worker: Any) -> None:
    """Let the gauges forget a worker that has gone; its counts stay."""
    from prometheus_client import multiprocess

    from userapp.worker import tell

    tell(worker.place)
    multiprocess.mark_process_dead(worker.place)


def on_exit(_server: Any) -> None:
    """Take the folder of counts away, if it was ours."""
    if os.environ.get("USERAPP_OWN_METRICS") == str(os.getpid()):
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
