"""Every code block of README.md and docs/ is run here, or says why not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.code_blocks import Block, every_block, run_as
from tests.servers import ROOT, LiveServer

HOWS = re.compile(r"shell|python|fetch|java|import \w+|file [\w./]+|theme|walk-through|elsewhere: .+")
EXPECTED = re.compile(r'# .*?"code": (-?\d+)')
CURL = 'curl() { command curl -sS "$@" | tee -a "$REPLIES"; echo >>"$REPLIES"; }\n'
DJANGO = "pbkdf2_sha256$600000$Zm9vYmFyc2FsdA$gTuDVF+5/qr4fBSlBvHU3ZDjOqH+gmsF8tzQXV5b0NE="
MD5 = "5f4dcc3b5aa765d61d8327deb882cf99"
IMPORTED = {
    "django": ("accounts.jsonl", json.dumps({"uname": "ning", "email": "a@example.com", "password_hash": DJANGO})),
    "documentb": (
        "accounts.csv",
        f"uid,uname,name,user_type,email,email_verified,password_hash\n121434313,s121434313,宁,student,a@example.com,1,{MD5}",
    ),
    "flasksecurity": (
        "accounts.csv",
        "uname,email,email_verified,disabled,password_hash\nning,a@example.com,1,0,\n",
    ),
}


def test_every_block_is_run_or_says_why_not() -> None:
    silent = [f"{block.page}:{block.line}" for block in every_block() if not block.mark]
    assert silent == [], "put <!-- run: … --> or <!-- not run: the reason --> before these blocks"
    unknown = [block.how for block in every_block() if block.mark == "run" and not HOWS.fullmatch(block.how)]
    assert unknown == []


@pytest.fixture
def server(live_server: Callable[..., LiveServer]) -> LiveServer:
    """What `make run` starts, with `no_captcha` as on a developer's machine."""
    return live_server(USERAPP_DEVTOOLS="1", USERAPP_ADDRESS_LIMITS="0")


def ids(block: Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.mark.long
def test_shell_blocks_answer_what_their_comments_say(server: LiveServer, tmp_path: Path) -> None:
    for page in sorted({block.page for block in run_as("shell")}):
        folder = tmp_path / page
        folder.mkdir()
        script = CURL + "\n".join(block.at(server.url) for block in run_as("shell") if block.page == page)
        done = run(["bash", "-euo", "pipefail", "-c", script], folder, REPLIES=str(folder / "replies"))
        assert done.returncode == 0, done.stderr
        lines = [line for line in script.splitlines()[1:] if re.search(r"\bcurl ", line)]
        expected = [int(found[1]) if (found := EXPECTED.search(line)) else 0 for line in lines]
        replies = (folder / "replies").read_text("utf-8").splitlines()
        assert [json.loads(reply)["code"] for reply in replies if reply] == expected, page


@pytest.mark.long
def test_python_blocks_run(server: LiveServer, tmp_path: Path) -> None:
    for block in run_as("python"):
        done = run([sys.executable, "-c", block.at(server.url)], tmp_path)
        assert done.returncode == 0, f"{ids(block)}: {done.stderr}"


@pytest.mark.long
def test_java_blocks_run(server: LiveServer, tmp_path: Path) -> None:
    if shutil.which("javac") is None:
        pytest.skip("no JDK")
    for block in run_as("java"):
        (tmp_path / "Tour.java").write_text(block.at(server.url), "utf-8")
        done = run(["java", "Tour.java"], tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["code"] in (0, 10817), "one mail a minute, and registration sent one"


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(IMPORTED))
def test_the_imports_of_the_migration_guides_run(tmp_path: Path, name: str) -> None:
    file, content = IMPORTED[name]
    (tmp_path / file).write_text(content, "utf-8")
    settings = {
        "USERAPP_INSTANCE": str(tmp_path / "instance"), "USERAPP_SECRET_KEY": "k" * 40, "PYTHONPATH": str(ROOT),
        "USERAPP_BASE_URL": "http://localhost", "USERAPP_TRUSTED_HOSTS": "localhost",
    }  # fmt: skip
    flask = f'flask() {{ "{sys.executable}" -m flask "$@"; }}\nflask --app wsgi db upgrade heads\n'
    count = "\nflask --app wsgi users list --json\n"
    for block in run_as(f"import {name}"):
        done = run(["bash", "-euc", flask + block.text + count], tmp_path, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"a@example.com"' in done.stdout


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and wait."""
    variables = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=240, check=False
    )  # fmt: skip
