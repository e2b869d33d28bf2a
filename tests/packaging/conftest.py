"""Wheels built from this checkout, and environments they are installed into; nothing here needs a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import ROOT

SOURCES = ("userapp", "migrations", "deploy", "setup.py", "setup.cfg")
DEPENDENCIES = "dependencies.pth"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that has the service's dependencies, but neither the service nor this checkout."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where it keeps what was installed."""
        return next((self.folder / "lib").glob("python*")) / "site-packages"

    def install(self, *targets: Path | str) -> None:
        """Install wheels or folders as they are, without asking an index."""
        offline = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
        self._pip("install", *offline, *map(str, targets))

    def uninstall(self, name: str) -> None:
        """Take a package away again."""
        self._pip("uninstall", "--yes", "--quiet", name)

    def _pip(self, *words: str) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(self.folder / "bin/python"), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, name: str, *words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands and wait for it; nothing of this process's environment but PATH and HOME is kept."""
        command = [str(self.folder / "bin" / name), *words]
        variables = self.variables(**environment)
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=240, check=False)

    def variables(self, **given: str) -> dict[str, str]:
        """The environment variables of its processes."""
        kept = {key: value for key, value in os.environ.items() if key in ("HOME", "LANG", "LC_ALL", "TMPDIR")}
        return {**kept, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}", **given}


def copy_of_sources(target: Path) -> Path:
    """What pip reads of this checkout: a build leaves files beside its sources."""
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    for name in SOURCES:
        here = ROOT / name
        if here.is_dir():
            shutil.copytree(here, target / name, ignore=ignored)
        else:
            target.mkdir(exist_ok=True)
            shutil.copy(here, target / name)
    return target


def build(folder: Path, target: Path) -> None:
    """Build one wheel with the setuptools of the tests."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(target), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of this checkout by name: `userapp` and `userapp_devtools`."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = copy_of_sources(folder / "sources")
    for part in (sources, sources / "deploy" / "devtools"):
        build(part, folder)
    return {wheel.name.split("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture
def new_environment(tmp_path: Path) -> Callable[[], Environment]:
    """Make environments: `new_environment()`."""

    def make() -> Environment:
        folder = tmp_path / "environment"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
        environment = Environment(folder)
        (environment.packages / DEPENDENCIES).write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        return environment

    return make
