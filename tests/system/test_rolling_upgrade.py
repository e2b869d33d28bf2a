"""From the code before the newest migration to today's, under load: migrate first, then replace node by node."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.caller import Caller
from tests.cluster import running_nginx
from tests.conftest import ANSWER
from tests.load import load
from tests.servers import ROOT, LiveServer, answers, free_port, stop, wait_for
from tests.system.test_faults import reader, report, someone, writer

pytestmark = [pytest.mark.long, pytest.mark.postgresql]


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """The checkout as it was before the newest migration."""
    git = shutil.which("git")
    told = ["log", "--diff-filter=A", "--format=%H", "-1", "--", "migrations/versions"]
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("there is no history here to upgrade from")
    found = subprocess.run([git, "-C", str(ROOT), *told], capture_output=True, text=True, check=False).stdout.strip()
    packed = tmp_path / "former.tar"
    archive = [git, "-C", str(ROOT), "archive", f"--output={packed}", f"{found}^"]
    if not found or subprocess.run(archive, capture_output=True, check=False).returncode:
        pytest.skip("there is no history here to upgrade from")
    shutil.unpack_archive(packed, tmp_path / "former")
    return tmp_path / "former"


@contextmanager
def node(tree: Path, port: int, folder: Path, environment: dict[str, str]) -> Iterator[LiveServer]:
    """A node with the code of `tree`."""
    folder.mkdir(parents=True, exist_ok=True)
    values = environment | {"PORT": str(port), "USERAPP_INSTANCE": str(folder)}
    with (folder / "server.log").open("ab") as log:
        command = [sys.executable, "deploy/run.py"]
        process = subprocess.Popen(command, cwd=tree, env=values, stdout=log, stderr=log, start_new_session=True)
    server = LiveServer(f"http://127.0.0.1:{port}", port, folder, process)
    try:
        assert wait_for(lambda: answers(server.url + "/readyz"), process), server.log
        yield server
    finally:
        stop(process)


def end(server: LiveServer) -> None:
    """As systemd does it."""
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait(60)


def test_nothing_is_lost(former: Path, fresh_postgresql: str, tmp_path: Path) -> None:
    ports, nginx = [free_port(), free_port()], (free_port(), free_port())
    url = f"https://localhost:{nginx[1]}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("USERAPP_")}
    environment |= {
        "HOST": "127.0.0.1", "WEB_CONCURRENCY": "1", "USERAPP_SECRET_KEY": "u" * 40, "USERAPP_BASE_URL": url,
        "USERAPP_TRUSTED_HOSTS": "localhost,127.0.0.1", "USERAPP_DEVTOOLS": "1", "USERAPP_CAPTCHA_ANSWER": ANSWER,
        "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_SQLALCHEMY_DATABASE_URI": fresh_postgresql, "USERAPP_PROXY_HOPS": "1",
        "USERAPP_ARGON2_MEMORY_KIB": "64", "USERAPP_ARGON2_TIME": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    folders = [tmp_path / "a", tmp_path / "b"]
    with running_nginx(ports, nginx) as logs:
        with node(former, ports[0], folders[0], environment) as a, node(former, ports[1], folders[1], environment) as b:
            proxy = LiveServer(url, nginx[1], tmp_path, a.process)
            tokens = [someone(proxy)[1] for _ in range(2)]
            kept: list[list[int]] = [[0] for _ in tokens]
            asks = [writer(proxy, token, last) for token, last in zip(tokens, kept, strict=True)]
            with load([*asks, *(reader(proxy, token) for token in tokens)], pause=0.1) as seen:
                seen.wait_for("good", 20)
                upgrade = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade", "heads"]
                values = environment | {"USERAPP_INSTANCE": str(folders[0])}
                nodes = [subprocess.Popen(upgrade, cwd=ROOT, env=values, stderr=subprocess.PIPE) for _ in range(2)]
                told = [one.communicate(timeout=120)[1].decode() for one in nodes]
                assert [one.returncode for one in nodes] == [0, 0], told
                assert sum(one.count("Running upgrade") > 0 for one in told) == 1, "one of two at once migrates"
                seen.wait_for("good", 20)
                end(a)
                seen.wait_for("good", 20)
                with node(ROOT, ports[0], folders[0], environment):
                    seen.wait_for("good", 20)
                    end(b)
                    with node(ROOT, ports[1], folders[1], environment):
                        seen.wait_for("good", 30)
                        seen.end()
                        replies = [Caller(url).ask("/user/info", token=token) for token in tokens]
        assert set(seen.outcomes()) == {"good"}, (seen.outcomes(), (logs / "error.log").read_text())
        found = [int(reply.json["data"]["intro"]) for reply in replies]
        assert all(number >= last[0] for number, last in zip(found, kept, strict=True))
        report("Rolling upgrade", answers=len(seen.told), slowest=seen.slowest())
