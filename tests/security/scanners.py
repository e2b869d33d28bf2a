"""sqlmap and wapiti against a running service; docs/security.md says how they are installed and what they found.

    python -m tests.security.scanners sqlmap --program PATH [--on postgresql] [--only /user/login]

Neither is a dependency. The captcha is waived and nothing is limited, so that they reach what is behind.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.caller import Caller
from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer, new_database, running_application, running_postgresql
from userapp import accounts, create_app

SETTINGS = {
    "CAPTCHA_ANSWER": ANSWER, "ADDRESS_LIMITS": "0", "LOGIN_TRIES": "1000000000", "ALL_LOGIN_TRIES": "0",
    "MESSAGE_GAP": "0", "MESSAGES_PER_DAY": "1000000000", "CODE_TRIES_PER_HOUR": "1000000000",
    "CODE_TRIES": "1000000000", "ADMIN_FRESH_SECONDS": "1000000", "OWN_DATA_FRESH_SECONDS": "1000000",
    "LOST_MAILBOX": "yes", "ARGON2_MEMORY_KIB": "8", "ARGON2_TIME": "1", "SMS_URL": "outbox:", "SECRET_KEY": "k" * 40,
    "DISCLOSURES": "1000000000",
}  # fmt: skip
GOOD = {
    "captcha": ANSWER, "no_captcha": "1", "password": PASSWORD, "old_password": PASSWORD, "old_pwd": PASSWORD,
    "new_password": "battery-staple-7", "new_pwd": "battery-staple-7", "uname": "lanlan", "email": "lan@example.com",
    "new_email": "lan@example.com", "phone": "13800138009", "uid": "77", "user": "lanlan", "type": "old_send_again",
    "code": "123456", "client": "web", "next": "/user/info", "link": "x.y.z", "confirm": "1790000000", "gender": "1",
    "sex": "男", "sex_flag": "0", "user_type": "teacher", "format": "json", "_t": "1", "by": "uname", "page": "1",
}  # fmt: skip
# Of these a form takes one, or the first decides: each by itself.
ONE_OF = {"user", "uid", "uname", "phone", "email", "code", "sex", "sex_flag", "gender"}
LEFT_OUT = ("/dev/outbox", "/user/logout")  # not part of the service; signs the scanner out
# What ends the session of an administrator who tries everything; 2 is the first one, beside the victim.
ENDS_ME = ("/user/sessions", "/user/refresh_token", "/user/password", "/user/change_password", "/admin/users/2")
NONE, FOUND = "do not appear to be injectable", "sqlmap identified the following injection point"
HEADERS = ("User-Agent: a*", "Referer: /a*", "X-Forwarded-For: 10.0.0.1*", "X-Session-Id: a*", "Accept-Language: en*")
COOKIES = ("session", "token", "captcha", "device", "reset", "lang")
PERSONS = count(1)


@dataclass(frozen=True)
class Target:
    """One request, and what of it is attacked (empty: what is marked with a star)."""

    path: str
    body: str = ""
    attacked: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    cookies: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.path} {'JSON' if self.body[:1] == '{' else 'form' if self.body else 'query'}"


@dataclass
class Service:
    """A running service, and an administrator for each run: a scanner may change whose session it has."""

    server: LiveServer
    app: Any
    on: str
    spelling: str = "application/x-www-form-urlencoded"
    victim: int = 0

    def administrator(self) -> dict[str, str]:
        """Credentials of somebody new who may do everything."""
        name = f"scanner{next(PERSONS)}"
        caller = Caller(self.server.url)
        made = caller.register(name).json
        assert made["status"], made
        with self.app.app_context():
            accounts.set_type(made["data"]["id"], "admin", accounts.OPERATOR)
        token = caller.login(name, client="api").json["data"]["token"]
        caller.login(name)
        return {**caller.cookies, "token": token}

    def log(self) -> list[str]:
        """One line for each request so far."""
        return [line for line in self.server.log.splitlines() if "userapp.request" in line]

    def reference(self) -> dict[str, Any]:
        """The service's own description of what it answers."""
        return dict(Caller(self.server.url).ask("/openapi.json").json)


def serve(stack: ExitStack, on: str) -> Service:
    """The service as production starts it, on a new database."""
    uri = f"sqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'scanned.sqlite'}"
    if on == "postgresql":
        uri = stack.enter_context(new_database(stack.enter_context(running_postgresql())))
    values = {f"USERAPP_{key}": value for key, value in SETTINGS.items()} | {"USERAPP_SQLALCHEMY_DATABASE_URI": uri}
    server = stack.enter_context(running_application(values))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    beside = {"SQLALCHEMY_DATABASE_URI": uri, "SECRET_KEY": SETTINGS["SECRET_KEY"], "BASE_URL": server.url}
    service = Service(server, create_app({**beside, "INSTANCE": folder, "TRUSTED_HOSTS": ["127.0.0.1"]}), on)
    if on == "postgresql":  # both spellings become the same text, so one a database is enough
        service.spelling = "application/json"
    stack.callback(service.app.extensions["userapp.courier"].stop)
    service.victim = Caller(server.url).register("victim").json["data"]["id"]
    return service


def targets(service: Service) -> Iterator[Target]:
    """Every parameter of every operation, as form on SQLite and as JSON on PostgreSQL; then headers and cookies."""
    document = service.reference()
    for path, operations in sorted(document["paths"].items(), key=lambda found: found[0].startswith("/admin")):
        if path in LEFT_OUT:
            continue
        plain = path.replace("{user_id}", str(service.victim)).replace("{size}", "middle").replace("{shelf}", "001")
        for method, operation in operations.items():
            names = [found["name"] for found in operation.get("parameters", []) if found.get("in") == "query"]
            if names:
                query = urlencode({name: GOOD.get(name, "1") for name in names})
                yield Target(f"{plain}?{query}", "a=1" if method == "post" else "", tuple(names))
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                fields = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]["properties"]
                if kind == service.spelling:
                    yield from bodies(plain, list(fields), kind == "application/json")
    yield Target("/admin/users/1*")
    yield Target("/avatar/middle/001/1*.png")
    for line in (*HEADERS, "token: TOKEN*", "Authorization: Bearer TOKEN*"):
        yield Target("/user/info", headers=(line,))
    login = urlencode({"user": "victim", "password": PASSWORD, "no_captcha": "1"})
    for path, body in (("/user/info", ""), ("/user/login", login)):
        for name in COOKIES:
            yield Target(path, body, cookies=(name,))


def bodies(path: str, fields: list[str], as_json: bool) -> Iterator[Target]:
    """The bodies of a form: those of which it takes one each by itself, all others together."""
    several = [name for name in fields if name not in ONE_OF]
    single = [name for name in fields if name in ONE_OF] if path != "/user/register" else []
    groups = [[name] for name in single] + [several if single else fields]
    for group in filter(None, groups):
        names = dict.fromkeys([*group, *(several if single else fields), "no_captcha"])
        if "user" in single and group == several:
            names["user"] = None
        values = {name: GOOD.get(name, "x") for name in names}
        yield Target(path, json.dumps(values) if as_json else urlencode(values), tuple(group))


def sqlmap(program: str, service: Service, target: Target, folder: str) -> str:
    """Run it on one target: `none`, or what it said."""
    who = service.administrator()
    token = who.pop("token")
    headers = [line.replace("TOKEN", token) for line in target.headers]
    if target.path == "/user/refresh_token":
        headers.append(f"token: {token}")
    if target.body.startswith("{"):
        headers.append("Content-Type: application/json")
    command = [
        program, "-u", service.server.url + target.path, "--batch", "--level", "3", "--risk", "2", "--flush-session",
        "--dbms", service.on, "--ignore-code", "*", "--disable-coloring", "--output-dir", folder, "--skip-waf",
    ]  # fmt: skip
    command += ["--data", target.body] if target.body else []
    command += ["-p", ",".join(target.attacked)] if target.attacked else []
    command += ["--headers", "\n".join(headers)] if headers else []
    if not any("TOKEN" in line for line in target.headers):  # a token would come before the session
        shown = {**who, **{name: who.get(name, token) + "*" for name in target.cookies}}
        command += ["--cookie", "; ".join(f"{name}={value}" for name, value in shown.items())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if FOUND in done.stdout:
        return done.stdout[done.stdout.index(FOUND) :]
    return "none" if NONE in done.stdout else "DID NOT RUN " + " ".join(done.stdout.split()[-60:])


def every_sqlmap(program: str, service: Service, only: str) -> int:
    """All targets; how many had a finding."""
    told: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for target in targets(service):
            if only not in target.path:
                continue
            before = len(service.log())
            said = sqlmap(program, service, target, folder)
            told[said.split()[0]] += 1
            parts = ",".join(target.attacked or target.headers or target.cookies)
            print(f"{target} [{parts}] {len(service.log()) - before} requests: {said}", flush=True)
    print(dict(told))
    return sum(told.values()) - told["none"]


def wapiti(program: str, service: Service, role: str, seconds: int) -> int:
    """All modules that need no other host, as a stranger or as an administrator; how many findings."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            program, "-u", service.server.url + "/", "--swagger", service.server.url + "/openapi.json", "-d", "1",
            "--scope", "domain", "--flush-session", "--no-bugreport", "--store-session", folder, "-f", "json",
            "-o", str(report), "-m", MODULES, "--max-scan-time", str(seconds), "--max-attack-time", str(seconds),
            "-v", "1", *(word for path in LEFT_OUT for word in ("-x", service.server.url + path)),
        ]  # fmt: skip
        if role == "administrator":
            command += ["-H", f"token: {service.administrator()['token']}"]
            command += [word for path in ENDS_ME for word in ("-x", f"{service.server.url}{path}*")]
        subprocess.run(command, check=False)
        found = json.loads(report.read_text("utf-8"))
    findings = [(kind, one) for kind, several in found["vulnerabilities"].items() for one in several]
    findings += [(kind, one) for kind, several in found["anomalies"].items() for one in several]
    for kind, one in findings:
        print(kind, one["method"], one["path"], one["parameter"], one["info"])
    print(found["infos"])
    return len(findings)


# All but those that need another host, look for other products, or guess file names.
MODULES = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,ldap,methods,permanentxss,redirect,shellshock,"
    "sql,ssrf,timesql,upload,xss,xxe"
)


def main() -> int:
    """0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", choices=("sqlmap", "wapiti"))
    parser.add_argument("--program", required=True)
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", default="", help="sqlmap: paths that hold this")
    parser.add_argument("--role", choices=("stranger", "administrator"), default="stranger", help="wapiti: who asks")
    parser.add_argument("--seconds", type=int, default=600, help="wapiti: at most so long for each module")
    given = parser.parse_args()
    with ExitStack() as stack:
        service = serve(stack, given.on)
        if given.tool == "sqlmap":
            found = every_sqlmap(given.program, service, given.only)
        else:
            found = wapiti(given.program, service, given.role, given.seconds)
        statuses = Counter(hit[1] for line in service.log() if (hit := re.search(r"status=(\d+)", line)))
        print(found, "findings;", sum(statuses.values()), "requests:", dict(sorted(statuses.items())))
    return 1 if found or any(status >= "500" for status in statuses) else 0


if __name__ == "__main__":
    sys.exit(main())
