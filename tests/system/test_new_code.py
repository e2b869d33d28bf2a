"""A reload (HUP) brings the code that is on the disk, and keeps the former one where that cannot be loaded."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.caller import Caller
from tests.servers import LiveServer
from tests.system.test_faults import QUICK, Start
from userapp.config import SETTINGS

pytestmark = pytest.mark.long
PLUGIN = '''
"""Tells which release it is."""

from flask import Blueprint

from userapp import web
from userapp.described import described
from userapp.plugins import Plugin
from userapp.web import Outcome

blueprint = Blueprint("releases", __name__)


@blueprint.get("/release")
@web.anyone
@described(data={"release": 1})
def release():
    """The release."""
    return web.as_json(Outcome(data={"release": RELEASE}))


plugin = Plugin(blueprint)
'''


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A plugin's only file."""
    folder = tmp_path / "releases"
    folder.mkdir()
    return folder / "__init__.py"


@pytest.fixture
def server(live_server: Start, release: Path) -> LiveServer:
    """Two workers with the plugin's first release."""
    release.write_text(PLUGIN.replace("RELEASE", "1"), "utf-8")
    plugins = ",".join([*SETTINGS["PLUGINS"].default, "userapp.devtools", "releases"])
    settings = {"PYTHONPATH": str(release.parents[1]), "USERAPP_PLUGINS": plugins, "USERAPP_ADDRESS_LIMITS": "0"}
    return live_server(WEB_CONCURRENCY="2", **settings, **QUICK)


def told(server: LiveServer) -> set[int]:
    """What the workers answer; each request is a new connection, to whichever is faster."""
    answers = [Caller(server.url).ask("/release").json["data"]["release"] for _ in range(20)]
    return set(answers)


def reload(server: LiveServer) -> None:
    os.kill(server.process.pid, signal.SIGHUP)


def wait_until(server: LiveServer, found: set[int]) -> None:
    end = time.monotonic() + 60
    while told(server) != found and time.monotonic() < end:
        time.sleep(0.1)
    assert told(server) == found, server.log[-3000:]


def workers(server: LiveServer) -> set[str]:
    pid = server.process.pid
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_a_reload_brings_new_code_to_every_worker(server: LiveServer, release: Path) -> None:
    for number in (22, 333):  # the master that a reload made can be reloaded, too
        release.write_text(PLUGIN.replace("RELEASE", str(number)), "utf-8")
        before = workers(server)
        reload(server)
        wait_until(server, {number})
        end = time.monotonic() + 60
        while workers(server) & before and time.monotonic() < end:
            time.sleep(0.1)
        assert len(workers(server)) == 2 and not workers(server) & before
    assert server.process.poll() is None, "it is the same process all the time"


def test_what_cannot_be_loaded_replaces_nothing(server: LiveServer, release: Path) -> None:
    release.write_text("this is no Python", "utf-8")
    reload(server)
    end = time.monotonic() + 60
    while "cannot be loaded" not in server.log and time.monotonic() < end:
        time.sleep(0.1)
    assert "the former code goes on" in server.log and told(server) == {1}
    release.write_text(PLUGIN.replace("RELEASE", "22"), "utf-8")
    reload(server)
    wait_until(server, {22})
