"""INP-01, INP-02: a share of the corpora to two running services, on SQLite and PostgreSQL: no worker ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

from tests.avatar.test_running_service import workers
from tests.conftest import ANSWER
from tests.security.sides import Side, over_http
from tests.security.strings import OWN, corpora, names_of_files
from tests.security.sweep import Sweep
from tests.security.test_bodies import bodies, thrown
from tests.security.test_strings import SETTINGS, alike
from tests.security.test_uploads import picture, uploads
from tests.servers import LiveServer, running_application

pytestmark = [pytest.mark.long, pytest.mark.postgresql]
SECRET = "s" * 40
ENVIRONMENT = {
    "USERAPP_SECRET_KEY": SECRET, "USERAPP_CAPTCHA_ANSWER": ANSWER, "USERAPP_ADDRESS_LIMITS": "0",
    "WEB_CONCURRENCY": "2", "USERAPP_LOG_FORMAT": "json",
}  # fmt: skip
TOLD = {f"USERAPP_{name}": str(value) for name, value in SETTINGS.items() if type(value) is int}


@pytest.fixture
def services(
    make_app: Callable[..., Flask], fresh_postgresql: str, tmp_path: Path
) -> Iterator[list[tuple[LiveServer, Side]]]:
    """A running service on each database, and whoever asks it; the application beside it does what no request can."""
    with ExitStack() as running:
        found = []
        for uri in (f"sqlite:///{tmp_path}/live.sqlite", fresh_postgresql):
            values = ENVIRONMENT | TOLD | {"USERAPP_SQLALCHEMY_DATABASE_URI": uri}
            server = running.enter_context(running_application(values))
            app = make_app(**SETTINGS, SQLALCHEMY_DATABASE_URI=uri)
            app.extensions["userapp.courier"].stop()
            side = Side(app, running.enter_context(over_http(server.port)))
            side.settle()
            found.append((server, side))
        yield found


def test_a_share_of_the_corpora_ends_no_worker(services: list[tuple[LiveServer, Side]]) -> None:
    before = [workers(server.process.pid) for server, _side in services]
    sweep = Sweep([side for _server, side in services])
    sweep.together([*OWN[::6], *corpora()[::200]])
    sweep.fields([*OWN[5::20], *corpora()[100::1000]])
    uploads(sweep, names_of_files()[::20], [picture(), picture()[:33], b""], 9)
    thrown(sweep, [body for body in bodies() if len(body[2]) < 200_000], 6)  # more is refused before it is sent
    alike(sweep.found)
    assert [workers(server.process.pid) for server, _side in services] == before
    for server, _side in services:
        assert '"level": "error"' not in server.log and "Traceback" not in server.log
