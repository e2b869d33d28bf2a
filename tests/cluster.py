"""Two nodes behind nginx on one PostgreSQL, one Valkey, one S3 store and one mail server, all real.

`python -m tests.cluster` starts it and waits for Ctrl-C; tests have it as the fixture `cluster`.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ANSWER
from tests.servers import (
    ROOT,
    LiveServer,
    S3Server,
    free_port,
    new_database,
    running_application,
    running_postgresql,
    running_s3,
    running_valkey,
    unavailable,
    wait_for,
)
from tests.smtp_server import SmtpServer, run_smtp, write_certificate


@dataclass(frozen=True)
class Cluster:
    """What was started, and where it answers; `url` is nginx's."""

    url: str
    nodes: tuple[LiveServer, LiveServer]
    database: str
    valkey: str
    s3: S3Server
    smtp: SmtpServer
    folder: Path


def settings(database: str, valkey: str, s3: S3Server, smtp: SmtpServer, url: str) -> dict[str, str]:
    """A node's environment: what production has, and the development tools that fix the captcha's answer."""
    values = {
        "SECRET_KEY": "c" * 40, "BASE_URL": url, "TRUSTED_HOSTS": "localhost,127.0.0.1", "PROXY_HOPS": "1",
        "DEVTOOLS": "1", "CAPTCHA_ANSWER": ANSWER, "LOG_FORMAT": "json", "MESSAGE_GAP": "0",
        "SQLALCHEMY_DATABASE_URI": database, "RATELIMIT_STORAGE_URI": valkey, "RATELIMIT_DEFAULT": "40 per minute",
        "AVATAR_STORE": f"s3://{s3.bucket}/pictures", "AVATAR_S3_ENDPOINT": s3.url,
        "AVATAR_S3_KEY": s3.access_key, "AVATAR_S3_SECRET": s3.secret_key,
        "MAIL_SERVER": smtp.host, "MAIL_PORT": str(smtp.port), "MAIL_TIMEOUT": "5",
        "ARGON2_MEMORY_KIB": "64", "ARGON2_TIME": "1",
    }  # fmt: skip
    return {f"USERAPP_{key}": value for key, value in values.items()}


def nginx_files(folder: Path, ports: tuple[int, int], nodes: list[int]) -> Path:
    """Our nginx.conf as it is, but for what it tells its reader to change."""
    certificate, key = write_certificate(folder)
    site = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    for old, new in {
        r"listen \[::\].*\n": "\n",
        r"listen 80;": f"listen 127.0.0.1:{ports[0]};",
        r"listen 443 ssl http2;": f"listen 127.0.0.1:{ports[1]} ssl http2;",
        r"server_name .*": "server_name localhost;",
        r"ssl_certificate     .*": f"ssl_certificate {certificate};",
        r"ssl_certificate_key .*": f"ssl_certificate_key {key};",
        r"/var/log/nginx/": f"{folder}/",
        r"root /srv/userapp;": f"root {folder};",
    }.items():
        site, count = re.subn(old, new, site)
        assert count, f"deploy/nginx.conf has no {old!r}"
    names = (ROOT / "deploy/nginx-nodes.conf").read_text("utf-8")
    for port, node in zip(("8001", "8002"), nodes, strict=True):
        assert f"127.0.0.1:{port}" in names
        names = names.replace(f"127.0.0.1:{port}", f"127.0.0.1:{node}")
    (folder / "site.conf").write_text(names + site, "utf-8")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log warn;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ {temporary} include {folder}/site.conf; }}\n"
    )
    return whole


def listens(port: int) -> bool:
    """Whether somebody takes connections at `port` (nginx's pid file is there before that)."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running_nginx(nodes: list[int], ports: tuple[int, int]) -> Iterator[Path]:
    """nginx with our configuration in front of `nodes`; yields the folder of its logs."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        unavailable("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        command = [nginx, "-e", f"{folder}/error.log", "-p", name, "-c", str(nginx_files(folder, ports, nodes))]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        process = subprocess.Popen(command)
        try:
            assert wait_for(lambda: listens(ports[1]), process), (folder / "error.log").read_text()
            yield folder
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def running_cluster(postgresql: str, valkey: str, **more: str) -> Iterator[Cluster]:
    """Everything; the nodes are started at the same moment, on an empty database."""
    with ExitStack() as stack:
        database = stack.enter_context(new_database(postgresql))
        s3, smtp = stack.enter_context(running_s3()), stack.enter_context(run_smtp(free_port(), secure=False))
        ports = free_port(), free_port()
        url = f"https://localhost:{ports[1]}"
        environment = settings(database, valkey, s3, smtp, url) | more
        stacks = [stack.enter_context(ExitStack()) for _ in range(2)]
        with ThreadPoolExecutor(2) as both:
            nodes = list(both.map(lambda one: one.enter_context(running_application(environment)), stacks))
        folder = stack.enter_context(running_nginx([node.port for node in nodes], ports))
        yield Cluster(url, (nodes[0], nodes[1]), database, valkey, s3, smtp, folder)


if __name__ == "__main__":
    with running_postgresql() as server, running_valkey() as counters, running_cluster(server, counters) as all_of_it:
        print(all_of_it.url, *(node.url for node in all_of_it.nodes), f"logs: {all_of_it.folder}", flush=True)
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            pass
