"""What `doctor` sees without asking anybody: secrets, files, hosts, proxies, counters, room on the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy.engine import make_url
from werkzeug.sansio.utils import host_is_trusted

from .findings import Finding, bad, development, note, ok, serious

WORDS = ("secret", "changeme", "change-me", "password", "example", "userapp", "development", "12345678")
FEWEST = 10  # different characters of a secret; of 32 random hexadecimal digits hardly ever fewer appear
ROOM = 200  # MiB


def profile() -> Iterator[Finding]:
    """Which security profile, and whether the development tools are loaded."""
    chosen = current_app.config["SECURITY_PROFILE"]
    if development():
        yield note("start", "the development tools are loaded: whoever reaches this service reads everybody's mail")
    if chosen == "documented":
        yield note("profile", "documented tells who has an account: USERAPP_SECURITY_PROFILE=balanced tells less")
    else:
        yield ok("profile", chosen)


def secrets() -> Iterator[Finding]:
    """Whether the secrets can be guessed."""
    keys = [("USERAPP_SECRET_KEY", current_app.config["SECRET_KEY"])]
    keys += [("USERAPP_SECRET_KEY_FALLBACKS", key) for key in current_app.config["SECRET_KEY_FALLBACKS"]]
    weak = sorted({name for name, key in keys if _weak(key)})
    for name in weak:
        yield bad("secret", f"{name} can be guessed: `openssl rand -hex 32` makes one that cannot")
    if not weak:
        yield ok("secret", "long and without a pattern")


def _weak(key: str) -> bool:
    repeats = key in (key + key)[1:-1]
    return len(key) < 32 or len(set(key)) < FEWEST or repeats or any(word in key.lower() for word in WORDS)


def files() -> Iterator[Finding]:
    """Whether others on this machine can read what is kept."""
    folder = Path(current_app.instance_path)
    uri = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    kept = [folder / "secret_key", folder / "config.py"]
    if uri.get_backend_name() == "sqlite" and uri.database:
        kept.append(Path(uri.database))
    open_ones = [path for path in kept if path.is_file() and path.stat().st_mode & 0o077]
    if folder.stat().st_mode & 0o007 == 0:  # nobody else comes so far
        open_ones = [path for path in open_ones if folder not in path.parents]
    for path in open_ones:
        yield serious("files", f"other users of this machine can read {path}: chmod 600 {path}")
    if not open_ones:
        yield ok("files", f"only their owner reads what is in {folder}")


def hosts() -> Iterator[Finding]:
    """Whether the links this service makes lead to a host it answers to."""
    base, trusted = current_app.config["BASE_URL"], current_app.config["TRUSTED_HOSTS"] or []
    host = urlsplit(base).netloc
    if host_is_trusted(host, trusted):
        yield ok("hosts", f"{base} is answered")
    else:
        yield bad(
            "hosts", f"USERAPP_TRUSTED_HOSTS lacks {host}, the host of USERAPP_BASE_URL: every link would be a 400"
        )


def proxies() -> Iterator[Finding]:
    """Whether the callers' addresses are theirs."""
    hops = current_app.config["PROXY_HOPS"]
    if current_app.config["BASE_URL"].startswith("https://") and hops == 0:
        says = (
            "USERAPP_PROXY_HOPS is 0 beside https: the proxy that ends TLS would count as everybody; set 1, or as many"
        )
        yield bad("proxies", says + " as stand in front")
    elif hops > 3:
        yield note(
            "proxies", f"USERAPP_PROXY_HOPS is {hops}: one more than there are lets callers invent their address"
        )
    else:
        yield ok("proxies", f"{hops} in front")


def counters() -> Iterator[Finding]:
    """Whether all workers count in one place."""
    said = os.environ.get("WEB_CONCURRENCY", "")
    workers = int(said) if said.isdecimal() else 2
    if current_app.config["RATELIMIT_STORAGE_URI"].startswith("memory:") and workers > 1:
        says = f"each of {workers} workers counts by itself, limits are {workers} times what they say: "
        yield serious("counters", says + "USERAPP_RATELIMIT_STORAGE_URI=redis://… or WEB_CONCURRENCY=1")
    else:
        yield ok("counters", f"{workers} workers count in one place")


def room() -> Iterator[Finding]:
    """Whether the disk has room."""
    free = shutil.disk_usage(current_app.instance_path).free // 2**20
    if free < ROOM:
        yield bad("disk", f"{free} MiB are left at {current_app.instance_path}: make room, {ROOM} MiB at the least")
    else:
        yield ok("disk", f"{free} MiB free")
