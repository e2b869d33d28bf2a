"""The plugins of docs/plugins.md: installed beside the wheel they appear, work, and can be taken away again."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.conftest import Environment
from tests.servers import ROOT
from userapp.config import PLUGINS

FILES = re.compile(r"^### `(?P<name>[\w./]+)`\n.*?^```\w*\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
HERE = ROOT / "tests/plugins"
WITH_NOTES = {"USERAPP_PLUGINS": ",".join([*PLUGINS, "notes"])}
TABLES = """
import sqlite3, sys
print(*(row[0] for row in sqlite3.connect(sys.argv[1]).execute("SELECT name FROM sqlite_master")))
"""
ANSWERS = "from userapp import create_app; print(create_app().test_client().get('/user/notes').json['code'])"


def test_the_text_and_the_packages_are_the_same() -> None:
    told = {match["name"]: match["content"] for match in FILES.finditer((ROOT / "docs/plugins.md").read_text("utf-8"))}
    kept = {
        path.relative_to(HERE).as_posix(): path.read_text("utf-8")
        for path in HERE.rglob("*")
        if path.is_file() and path.suffix in (".py", ".cfg", ".html")
    }
    assert sorted(told) == sorted(kept)
    for name, content in kept.items():
        assert told[name] == content, f"docs/plugins.md has another {name}"


@pytest.fixture
def installed(wheels: dict[str, Path], new_environment: Callable[[], Environment], tmp_path: Path) -> Environment:
    """An environment with the service, its development tools and the packages of both plugins."""
    environment = new_environment()
    shutil.copytree(HERE, tmp_path / "plugins")
    environment.install(*wheels.values(), tmp_path / "plugins/notes", tmp_path / "plugins/invitations")
    return environment


@pytest.mark.long
@pytest.mark.parametrize("name", ["notes", "invitations"])
def test_a_plugins_own_tests_pass_where_it_is_installed(installed: Environment, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "plugins" / name
    done = installed.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.long
def test_a_plugin_comes_and_goes_with_its_table(installed: Environment, tmp_path: Path) -> None:
    settings = {
        "USERAPP_SECRET_KEY": "k" * 40,
        "USERAPP_BASE_URL": "http://localhost",
        "USERAPP_TRUSTED_HOSTS": "localhost",
        "USERAPP_INSTANCE": str(tmp_path / "instance"),
    }

    def ran(name: str, *words: str, **more: str) -> str:
        done: subprocess.CompletedProcess[str] = installed.run(name, *words, cwd=tmp_path, **settings, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    database = str(tmp_path / "instance/userapp.sqlite")
    ran("userapp", "db", "upgrade", "heads", **WITH_NOTES)
    assert "notes" in ran("python", "-c", TABLES, database).split()
    assert ran("userapp", "notes", **WITH_NOTES) == "0\n"
    assert ran("python", "-c", ANSWERS, **WITH_NOTES) == "-2\n"
    ran("userapp", "db", "downgrade", "notes@base", **WITH_NOTES)
    installed.uninstall("userapp-notes")
    tables = ran("python", "-c", TABLES, database).split()
    assert "notes" not in tables
    assert "users" in tables
    ran("userapp", "db", "upgrade", "heads")
    assert ran("python", "-c", ANSWERS) == "404\n"
