"""Contestants at work: started on a database, somebody signed in, samples taken of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from . import client, contestants, people, processes
from .contestants import DJANGO, FASTAPI, FLASK_SECURITY, FLOORS, Application
from .environments import new_database

PEOPLE = 16  # how many accounts the reading clients are signed in to


@dataclass(frozen=True)
class Sample:
    """One short run: processor microseconds of the server for each request, requests a second, latencies in ms."""

    cpu: float
    rate: float
    p50: float
    p99: float


@dataclass
class Live:
    """One running contestant; the header lines its signed-in callers send, by how they are known."""

    application: Application
    server: processes.Server
    variables: dict[str, str]
    callers: dict[str, list[str]] = field(default_factory=dict)
    new_number: int = 20_000_000
    known: Iterator[int] = field(default_factory=lambda: iter(()))

    def challenges(self, count: int) -> Iterator[tuple[str, str]]:
        """Captchas with their answers, for userapp; the others ask none."""
        if self.application.module:
            return iter(())
        command = [sys.executable, "-m", "bench.ours", "challenges", str(count)]
        done = subprocess.run(command, cwd=contestants.ROOT, env=self.variables, capture_output=True, check=True)
        return iter([(cookie, answer) for cookie, answer in json.loads(done.stdout)])

    def logins(self, count: int) -> list[bytes]:
        """Requests that sign accounts in, one after the other."""
        found = self.challenges(count)
        return [self.application.login(next(self.known), found) for _ in range(count)]

    def registrations(self, count: int) -> list[bytes]:
        """Requests that register new accounts."""
        found, first = self.challenges(count), self.new_number
        self.new_number += count
        return [self.application.register(number, found) for number in range(first, first + count)]

    def reads(self, path: str, by: str) -> list[bytes]:
        """Who-am-I requests of everybody who is signed in."""
        return [contestants.request("GET", path, line) for line in self.callers[by]]

    def sample(self, requests: list[bytes], connections: int, count: int) -> Sample:
        """Send `count` of the requests, over and over, and look at what it took; an answer beside 2xx is an end."""
        group = client.Group(cycle(requests), connections, count)
        before = self.server.cpu()
        seconds = client.run(self.server.port, [group])
        cpu = (self.server.cpu() - before) / count * 1e6
        refuse_failures(self.application.name, group)
        return Sample(cpu, count / seconds, group.quantile(0.5) * 1e3, group.quantile(0.99) * 1e3)


def refuse_failures(name: str, group: client.Group) -> None:
    """End the run where something but successes was measured."""
    if bad := {status: times for status, times in group.statuses.items() if not 200 <= status < 300}:
        raise SystemExit(f"{name} answered {bad}: {group.last_head.decode()}\n{group.last_body[:500]!r}")
    if b'"status":false' in group.last_body.replace(b" ", b""):
        raise SystemExit(f"{name} refused: {group.last_body[:500]!r}")


@contextmanager
def started(application: Application, database: str, folder: Path, accounts: int) -> Iterator[Live]:
    """An application on a filled database, with people signed in."""
    variables = application.variables(database, folder)
    command, place = application.seeding(accounts)
    done = subprocess.run(command, cwd=place, env=_plain(variables), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{application.name} could not be filled:\n{done.stdout}{done.stderr}"[-3000:])
    command, place = application.command()
    with processes.running(command, place, variables, "/", folder / "server.log") as server:
        live = Live(application, server, _plain(variables), known=cycle(range(PEOPLE + 1, accounts + 1)))
        _sign_people_in(live)
        yield live


def _plain(variables: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **variables}


@contextmanager
def everybody(
    applications: list[Application], database: str, server: str | None, folder: Path, accounts: int
) -> Iterator[dict[str, Live]]:
    """All of them at once on databases of one kind; `server` is PostgreSQL's URL."""
    with ExitStack() as stack:
        lives = {}
        for number, application in enumerate(applications):
            home = folder / f"{database}-{application.name.replace(' ', '-')}-{accounts}"
            home.mkdir(parents=True)
            name = f"bench_{number}_{accounts}"
            url = new_database(server, name) if server else f"sqlite:///{home}/bench.sqlite"
            lives[application.name] = stack.enter_context(started(application, url, home, accounts))
        yield lives


def _sign_people_in(live: Live) -> None:
    challenges = live.challenges(2 * PEOPLE)
    for number in range(1, PEOPLE + 1):
        for by, line in _callers(live, number, challenges).items():
            live.callers.setdefault(by, []).append(line)


def _callers(live: Live, number: int, challenges: contestants.Challenges) -> dict[str, str]:
    application = live.application
    if application.module == FLOORS.module:
        enter = contestants.form("/enter", user=people.name(number))
        return {"cookie": _cookie(exchange(live.server.port, enter)[0])}
    head, body = exchange(live.server.port, application.login(number, challenges))
    told = json.loads(body)
    if application is FLASK_SECURITY:
        token = told["response"]["user"]["authentication_token"]
        return {"cookie": _cookie(head), "token": f"Authentication-Token: {token}\r\n"}
    if application is DJANGO:
        key = told["meta"]["session_token"]
        return {"cookie": f"Cookie: sessionid={key}\r\n", "token": f"X-Session-Token: {key}\r\n"}
    if application is FASTAPI:
        token = told["access_token"]
        return {"cookie": f"Cookie: session={token}\r\n", "token": f"Authorization: Bearer {token}\r\n"}
    program = exchange(live.server.port, contestants.our_login(number, challenges, "api"))[1]
    return {"cookie": _cookie(head), "token": f"Authorization: Bearer {json.loads(program)['data']['token']}\r\n"}


def _cookie(head: str) -> str:
    found = re.search(r"(?mi)^set-cookie: (session=[^;\r]+)", head)
    assert found, head
    return f"Cookie: {found[1]}\r\n"


def exchange(port: int, request: bytes) -> tuple[str, str]:
    """One request and its answer."""
    group = client.Group(iter([request]), 1)
    client.run(port, [group])
    refuse_failures(f"port {port}", group)
    return group.last_head.decode(), group.last_body.decode()


def settle(lives: dict[str, Live]) -> None:
    """Let start-up work come to its end."""
    time.sleep(1)
    assert all(live.server.process.poll() is None for live in lives.values())
