"""What is measured over HTTP: who-am-I, sign-in, registration, reads during a storm of sign-ins, start-up, growth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import mean

from . import client, processes
from .contestants import COMPILED, DJANGO, FASTAPI, FLASK_SECURITY, FLOORS, GRANIAN, LIBSODIUM, OURS, Application
from .live import Live, Sample, refuse_failures, started
from .plan import Plan

Lives = dict[str, Live]
Samples = dict[str, list[Sample]]
Line = tuple[str, Application, str, str]

COOKIE: list[Line] = [
    ("userapp", OURS, "/user/info", "cookie"),
    ("floor: Flask, constant JSON", FLOORS, "/constant", "cookie"),
    ("floor: one SELECT by the driver", FLOORS, "/raw", "cookie"),
    ("floor: one SELECT by SQLAlchemy Core", FLOORS, "/core", "cookie"),
    ("userapp under granian", GRANIAN, "/user/info", "cookie"),
    ("Flask-Security", FLASK_SECURITY, "/me", "cookie"),
    ("Django, own view", DJANGO, "/me", "cookie"),
    ("django-allauth, session endpoint", DJANGO, "/_allauth/browser/v1/auth/session", "cookie"),
    ("fastapi-users, token in a cookie", FASTAPI, "/me", "cookie"),
]
TOKEN: list[Line] = [
    ("userapp", OURS, "/user/info", "token"),
    ("userapp under granian", GRANIAN, "/user/info", "token"),
    ("Flask-Security", FLASK_SECURITY, "/me", "token"),
    ("django-allauth, session endpoint", DJANGO, "/_allauth/app/v1/auth/session", "token"),
    ("fastapi-users", FASTAPI, "/me", "token"),
]
HASHERS: list[tuple[str, Application]] = [
    ("userapp", OURS),
    ("userapp, argon2 compiled", COMPILED),
    ("floor: the hash and nothing else", FLOORS),
    ("floor: the hash by libsodium", LIBSODIUM),
    ("Flask-Security", FLASK_SECURITY),
    ("django-allauth", DJANGO),
    ("fastapi-users", FASTAPI),
]


def who_am_i(lives: Lives, plan: Plan, by: str, connections: int) -> Samples:
    """Each line in turn, round after round."""
    lines = COOKIE if by == "cookie" else TOKEN
    found: Samples = {label: [] for label, *_ in lines}
    for turn in range(plan.rounds + 1):
        for label, application, path, how in lines:
            live = lives[application.name]
            sample = live.sample(live.reads(path, how), connections, plan.reads)
            if turn:  # the first round warms up
                found[label].append(sample)
    return found


def hashing(lives: Lives, plan: Plan, requests: Callable[[Live, int], list[bytes]]) -> Samples:
    """Sign-in or registration with four connections, each line in turn."""
    found: Samples = {label: [] for label, _ in HASHERS}
    for turn in range(plan.rounds + 1):
        for label, application in HASHERS:
            live = lives[application.name]
            sample = live.sample(requests(live, plan.hashes), 4, plan.hashes)
            if turn:
                found[label].append(sample)
    return found


def storm(lives: Lives, plan: Plan) -> dict[str, list[dict[str, float]]]:
    """Eight reading clients alone, then beside sixteen that sign in."""
    reads = {application.name: line for line in COOKIE if (application := line[1]) is not GRANIAN}
    reads |= {DJANGO.name: COOKIE[6], COMPILED.name: COOKIE[0], LIBSODIUM.name: COOKIE[3]}
    found: dict[str, list[dict[str, float]]] = {label: [] for label, _ in HASHERS}
    for _ in range(plan.storms):
        for label, application in HASHERS:
            live, (_, _, path, how) = lives[application.name], reads[application.name]
            found[label].append(_one_storm(live, live.reads(path, how), plan.storm_seconds))
    return found


def _one_storm(live: Live, reads: list[bytes], seconds: float) -> dict[str, float]:
    alone = client.Group(cycle(reads), 8)
    client.run(live.server.port, [alone], seconds / 2)
    for pid in live.server.workers():
        processes.forget_peak(pid)
    beside = client.Group(cycle(reads), 8)
    logins = client.Group(iter(live.logins(int(seconds * 150))), 16)
    took = client.run(live.server.port, [beside, logins], seconds)
    if not live.application.module:  # what fails of a peer's ("database is locked") counts as not done
        refuse_failures(live.application.name, beside)
        refuse_failures(live.application.name, logins)
    return {
        "kept": (beside.good() / took) / (alone.good() / (seconds / 2)),
        "p50": beside.quantile(0.5) / alone.quantile(0.5),
        "p99 ms": beside.quantile(0.99) * 1e3,
        "logins": logins.good() / took,
        "MiB": max(processes.peak_memory(pid) for pid in live.server.workers()),
    }


def memory(lives: Lives) -> dict[str, float]:
    """MiB of a worker's own after everything above, the mean of the workers."""
    return {name: mean(processes.own_memory(pid) for pid in live.server.workers()) for name, live in lives.items()}


def start_up(lives: Lives, plan: Plan, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """(seconds, processor seconds) from the command to the first answer, on the databases that are filled already."""
    starts = {name: (live.application, live.variables) for name, live in lives.items()}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for _ in range(plan.starts):
        for name, (application, variables) in starts.items():
            command, place = application.command()
            with processes.running(command, place, variables, "/", folder / "start.log") as server:
                found[name].append((server.start_seconds, server.start_cpu))
    return found


def growth(urls: Iterator[tuple[int, str]], plan: Plan, folder: Path) -> dict[str, Samples]:
    """userapp alone on databases of more and more accounts, all at work side by side."""
    with ExitStack() as stack:
        lives = {}
        for size, url in urls:
            home = folder / f"growth-{url.partition(':')[0]}-{size}"
            home.mkdir()
            lives[f"{size:,}"] = stack.enter_context(started(OURS, url.replace("@home", str(home)), home, size))
        found: dict[str, Samples] = {kind: {label: [] for label in lives} for kind in ("who am I", "login")}
        for turn in range(plan.rounds + 1):
            for label, live in lives.items():
                read = live.sample(live.reads("/user/info", "cookie"), 4, plan.reads)
                login = live.sample(live.logins(plan.hashes), 4, plan.hashes)
                if turn:
                    found["who am I"][label].append(read)
                    found["login"][label].append(login)
    return found
