"""Starts the service from nothing: secret, database, then gunicorn; `make run` calls it."""

from __future__ import annotations

import ast
import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("localhost", "127.0.0.1", "::1")
UPGRADE = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade", "heads"]


def main() -> None:
    """Prepare the instance folder, bring the database up to date and become gunicorn."""
    os.umask(0o077)  # the database holds accounts: nobody else's to read
    host = os.environ.setdefault("HOST", "127.0.0.1").strip("[]")
    port = os.environ.setdefault("PORT", "8000")
    instance = Path(os.environ.get("USERAPP_INSTANCE") or ROOT / "instance").resolve()
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["USERAPP_INSTANCE"] = str(instance)
    fill_environment(host, port, instance)
    os.chdir(ROOT)
    migrate()
    print(f"userapp listens at {address(host, port)} (Ctrl-C ends it)", flush=True)
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"), "wsgi:app"]
    os.execv(sys.executable, command)


def fill_environment(host: str, port: str, instance: Path) -> None:
    """Give each setting that a start needs a value, unless the environment or instance/config.py has one."""
    given = settings_in(instance / "config.py")
    trusted = dict.fromkeys([bracketed(host), "localhost", "127.0.0.1", "[::1]"])
    values = {"BASE_URL": address(host, port), "TRUSTED_HOSTS": ",".join(trusted)}
    if host in LOOPBACK:
        values["DEVTOOLS"] = "1"
    for key, value in values.items():
        if key not in given:
            os.environ.setdefault(f"USERAPP_{key}", value)
    if "SECRET_KEY" not in given and not os.environ.get("USERAPP_SECRET_KEY"):
        os.environ["USERAPP_SECRET_KEY"] = secret_key(instance / "secret_key")


def settings_in(path: Path) -> set[str]:
    """The names that the operator's own configuration file assigns: the environment must not hide them."""
    if not path.is_file():
        return set()
    nodes = ast.walk(ast.parse(path.read_text("utf-8"), str(path)))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def secret_key(path: Path) -> str:
    """The secret kept in `path`, made at the first start and readable by its owner only."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        pass  # not the first start
    return path.read_text("ascii").strip()


def migrate() -> None:
    """Bring the tables up to date; what Alembic says is shown only when it fails."""
    done = subprocess.run(UPGRADE, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        sys.exit("userapp did not start: see the lines above")


def address(host: str, port: str) -> str:
    """The URL of a host and port."""
    return f"http://{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """`host` as URLs write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    main()
