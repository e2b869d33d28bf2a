"""What pip installs is whole, serves outside the checkout, and holds no development tool."""

from __future__ import annotations

import configparser
import json
import subprocess
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import userapp
from tests.packaging.conftest import Environment
from tests.servers import ROOT, answers, free_port, stop, wait_for

DEBUG_PARAMETER = b"no_captcha"
NOT_INSTALLED = {"userapp/devtools"}
LEFT_OUT = {".pyc"}


def test_the_debug_parameter_is_named_below_devtools_only() -> None:
    house = ROOT / "userapp"
    files = [path for path in house.rglob("*") if path.is_file() and path.suffix not in LEFT_OUT]
    naming = {path.relative_to(house).parts[0] for path in files if DEBUG_PARAMETER in path.read_bytes()}
    assert naming == {"devtools"}


def test_the_version_stands_in_one_place() -> None:
    for path in (ROOT / "setup.cfg", ROOT / "deploy/devtools/setup.cfg"):
        setup = configparser.ConfigParser()
        setup.read(path, "utf-8")
        assert setup["metadata"]["version"] == "attr: userapp.__version__"
    assert userapp.__version__


@pytest.mark.long
def test_the_wheel_holds_everything_but_the_development_tools(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["userapp"]) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
        naming = [name for name in wheel.namelist() if DEBUG_PARAMETER in wheel.read(name)]
        metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("METADATA"))).decode()
    assert naming == []
    assert f"Version: {userapp.__version__}\n" in metadata
    assert found == expected("userapp", "") | expected("migrations", "userapp/")
    with zipfile.ZipFile(wheels["userapp_devtools"]) as wheel:
        tools = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert tools == {name for name in every_file("userapp") if name.startswith("userapp/devtools/")}


def expected(folder: str, inside: str) -> set[str]:
    """The files of a folder as the wheel must hold them."""
    return {inside + name for name in every_file(folder) if not name.startswith(tuple(NOT_INSTALLED))}


def every_file(folder: str) -> set[str]:
    """The files of a folder of this checkout, `__pycache__` aside."""
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


@pytest.mark.long
def test_the_wheel_serves_from_an_empty_environment(
    wheels: dict[str, Path], new_environment: Callable[[], Environment], tmp_path: Path
) -> None:
    environment = new_environment()
    environment.install(wheels["userapp"])
    port = free_port()
    settings = {
        "USERAPP_SECRET_KEY": "k" * 40,
        "USERAPP_BASE_URL": f"http://localhost:{port}",
        "USERAPP_TRUSTED_HOSTS": "localhost",
        "USERAPP_INSTANCE": str(tmp_path / "instance"),
    }
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    upgraded = environment.run("userapp", "db", "upgrade", "heads", cwd=outside, **settings)
    assert upgraded.returncode == 0, upgraded.stderr
    command = [environment.folder / "bin/python", "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "userapp.worker.Worker", "--no-control-socket", "userapp.start_checks:start()"]
    with (tmp_path / "log").open("wb") as log:
        variables = environment.variables(**settings)
        server = subprocess.Popen(command, cwd=outside, env=variables, stdout=log, stderr=log, start_new_session=True)
    try:
        url = f"http://localhost:{port}"
        assert wait_for(lambda: answers(url + "/healthz"), server), (tmp_path / "log").read_text("utf-8")
        smoke(url)
    finally:
        stop(server)


def smoke(url: str) -> None:
    """Pages in English with their style, JSON, a migrated database, and nothing of the development tools."""
    assert "Sign in" in get(url + "/user/login?lang=en", "text/html")
    assert "body" in get(url + "/static/site.css", "text/css")
    wrong = json.loads(get(url + "/user/info", "application/json"))
    assert wrong["code"] == -2
    assert json.loads(get(url + "/server_status/time", "application/json"))["status"]
    tried = urllib.request.Request(
        url + "/user/reset", data=b"email=a%40example.com&captcha=AAAAA", headers={"Accept": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(tried, timeout=30)
    with refused.value as reply:
        assert json.load(reply)["code"] == 30002
    with pytest.raises(urllib.error.HTTPError) as missing:
        get(url + "/dev/outbox", "application/json")
    missing.value.close()


def get(url: str, accept: str) -> Any:
    """The text of a reply."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.read().decode()
