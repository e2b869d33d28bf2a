"""Settings: their one documented default each, where values come from, and what is too unsafe to start with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from .plugins import Setting
from .profiles import PROFILES

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PLUGINS = (
    "userapp.system", "userapp.auth", "userapp.profile", "userapp.avatar", "userapp.email_binding",
    "userapp.operators", "userapp.admin", "userapp.own_data", "userapp.api_reference",
)  # fmt: skip

SETTINGS: dict[str, Setting] = {
    "SECRET_KEY": Setting(
        "", "Signs cookies and keys every HMAC; 32 characters or more. Empty: the instance's file `secret_key`."
    ),
    "SECRET_KEY_FALLBACKS": Setting([], "Former secrets that are still accepted, newest first."),
    "PLUGINS": Setting(list(PLUGINS), "Features to load, in order."),
    "DEVTOOLS": Setting(False, "Load userapp.devtools; refused beside a base URL that is not on this machine."),
    "BASE_URL": Setting("", "Where clients reach the service; every link is built from it. https, except on loopback."),
    "TRUSTED_HOSTS": Setting([], "Host names answered to; another Host is 400."),
    "TRUSTED_ORIGINS": Setting([], "Front ends on other origins that may call with cookies."),
    "SITE_NAME": Setting("userapp", "The name on pages and in messages."),
    "SITE_LOGO": Setting("icon.svg", "The picture beside it: a file of static/ in the theme's folder."),
    "SITE_COLOUR": Setting("", "The colour of links and buttons, as #0b6572; made readable in light and dark."),
    "TIME_ZONE": Setting("UTC", "The zone of dates on pages for a visitor whose own is not known yet."),
    "THEME": Setting("", "The folder of templates/ and static/ that replace ours; empty is theme/ in the instance."),
    "SQLALCHEMY_DATABASE_URI": Setting("", "The database; empty means SQLite in the instance folder."),
    "DB_POOL_SIZE": Setting(0, "Database connections of each worker that stay open (0 = 8); threads may have more."),
    "DB_STATEMENT_SECONDS": Setting(5, "Seconds a statement of a request may take on PostgreSQL."),
    "DB_LOCK_SECONDS": Setting(3, "Seconds a statement may wait for a lock on PostgreSQL."),
    "DB_PGBOUNCER": Setting(False, "A PgBouncer in transaction mode stands in front of PostgreSQL."),
    "SQLITE_JOURNAL": Setting("WAL", "SQLite's journal mode."),
    "SECURITY_PROFILE": Setting("documented", "documented, balanced or strict: see docs/security.md."),
    "DISCLOSURE": Setting("", "Tell unknown users apart from wrong passwords: always, names or never (profile)."),
    "PASSWORD_MIN": Setting(0, "Fewest characters of a password (0 = the profile's)."),
    "PASSWORD_MAX": Setting(0, "Most characters of a password (0 = the profile's)."),
    "FRESH_SECONDS": Setting(-1, "How long ago the password may have been given for sensitive actions (-1 = profile)."),
    "RESET_UNVERIFIED": Setting("", "Send resets to addresses not verified yet: yes or no (empty = profile)."),
    "QUERY_TOKEN": Setting("", "Take tokens from the query string and body: query, body or no (empty = profile)."),
    "HTTP_STATUS": Setting("documented", "strict answers real statuses on document B's endpoints too."),
    "MAX_CONTENT_LENGTH": Setting(256 * 1024, "Bytes of a request body, uploads excepted."),
    "MAX_FORM_MEMORY_SIZE": Setting(256 * 1024, "Bytes of one field of a multipart form."),
    "MAX_FORM_PARTS": Setting(100, "Parts of a multipart form."),
    "PROXY_HOPS": Setting(0, "How many proxies of ours stand in front."),
    "PHONE_REGION": Setting("CN", "The country a phone number without a prefix belongs to."),
    "EMAIL_TEST_DOMAINS": Setting(False, "Accept the reserved .test domain."),
    "SESSION_IDLE_DAYS": Setting(14, "A session unused for so long ends."),
    "SESSION_DAYS": Setting(90, "A session ends after so long in any case."),
    "TOKEN_DAYS": Setting(30, "Life of a token."),
    "ADMIN_HOURS": Setting(12, "A session or token of an administrator ends after so long in any case."),
    "ADMIN_FRESH_SECONDS": Setting(300, "How long ago an administrator's password may have been given for a change."),
    "ARGON2_MEMORY_KIB": Setting(19456, "argon2id memory in KiB."),
    "ARGON2_TIME": Setting(2, "argon2id passes."),
    "ARGON2_PARALLELISM": Setting(1, "argon2id lanes."),
    "ARGON2_COMPILED": Setting(False, "Hash by argon2-cffi, compiled here (`make native`), not by libsodium."),
    "HASH_THREADS": Setting(0, "Threads that hash passwords in each worker (0 = the cores, shared among the workers)."),
    "HASH_QUEUE": Setting(32, "Passwords that may wait for a hash thread, fewer than the server's threads; then 503."),
    "HASH_NICENESS": Setting(1, "How far hash threads stand below the others, 0 to 19; 4 where a hash takes 5 ms."),
    "ADDRESS_LIMITS": Setting(True, "Count what comes from one client address; can be 0 only beside devtools."),
    "LOGIN_TRIES": Setting(5, "Wrong passwords an account takes within LOGIN_WINDOW."),
    "LOGIN_TRIES_IN_A_ROW": Setting(
        -1, "Wrong passwords in a row; then only known devices and recovery get in (0 = any, -1 = profile)."
    ),
    "LOGIN_WINDOW": Setting(300, "Seconds."),
    "ADDRESS_LOGIN_TRIES": Setting(30, "Wrong passwords one client address may give within LOGIN_WINDOW."),
    "ALL_LOGIN_TRIES": Setting(
        1000, "Wrong passwords from unknown devices the service takes within LOGIN_WINDOW (0 = any)."
    ),
    "DISCLOSURES": Setting(20, "Answers that tell who exists, one client address an hour."),
    "RATELIMIT_DEFAULT": Setting("600 per minute", "Requests of one client address."),
    "RATELIMIT_STORAGE_URI": Setting("memory://", "memory:// on one process, redis://… beyond."),
    "MAIL_SERVER": Setting("", "The SMTP server; without one, mail goes to the outbox beside devtools and fails else."),
    "MAIL_PORT": Setting(25, "Its port."),
    "MAIL_USE_TLS": Setting(False, "STARTTLS, with the certificate checked."),
    "MAIL_USE_SSL": Setting(False, "TLS from the first byte."),
    "MAIL_USERNAME": Setting("", "Its user."),
    "MAIL_PASSWORD": Setting("", "Its password."),
    "MAIL_DEFAULT_SENDER": Setting("userapp@localhost", "The From of every mail."),
    "MAIL_TIMEOUT": Setting(5, "Seconds a mail may take, from connecting to acceptance."),
    "SMS_TIMEOUT": Setting(10, "Seconds the SMS gateway has to answer."),
    "MAIL_CA_FILE": Setting("", "A certificate authority of your own for the mail server."),
    "SMS_URL": Setting("", "The SMS gateway: outbox:, webhook+https://…, aliyun://…, tencent://…, twilio://…"),
    "SMS_COUNTRIES": Setting([], "Calling codes texts may go to, as 86; empty means every one."),
    "SMS_PER_DAY": Setting(10000, "Texts the service sends in a day, over all numbers."),
    "CODE_TRIES": Setting(5, "Wrong tries a code takes."),
    "CODE_TRIES_PER_HOUR": Setting(10, "Wrong codes an account takes in an hour, over all its codes."),
    "RESET_CODE_MINUTES": Setting(10, "Life of a reset code."),
    "EMAIL_CODE_MINUTES": Setting(30, "Life of an e-mail code."),
    "MESSAGES_PER_DAY": Setting(10, "Messages with a code to one target in a day."),
    "MESSAGE_GAP": Setting(60, "Seconds between two messages of one purpose to one target."),
    "LOG_LEVEL": Setting("INFO", "What is logged: INFO has a line for each request, WARNING only what went wrong."),
    "LOG_FORMAT": Setting("", "json or plain; empty means plain beside devtools, json else."),
    "AUDIT_DAYS": Setting(365, "How long security events are kept."),
}
FIXED: dict[str, Any] = {
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_REFRESH_EACH_REQUEST": False,
    "RATELIMIT_HEADERS_ENABLED": False,
    "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    "WTF_CSRF_CHECK_DEFAULT": False,
    "WTF_CSRF_TIME_LIMIT": None,
    "WTF_CSRF_SSL_STRICT": False,  # web.py compares Origin and Sec-Fetch-Site itself
    "WTF_I18N_ENABLED": False,
    "MAIL_SUPPRESS_SEND": False,
}


SECRET_NAME = re.compile(r"SECRET|PASSWORD$|SMS_URL|DATABASE_URI")


class UnsafeStart(RuntimeError):
    """The configuration would put accounts at risk; each argument is one line: what is wrong and what to do."""

    def __str__(self) -> str:
        """All of it in one line."""
        return "; ".join(map(str, self.args))


def load(app: Flask, overrides: Mapping[str, Any] | None) -> None:
    """Fill the kernel's settings: defaults < instance/config.py < USERAPP_* environment < overrides."""
    app.config.from_mapping(FIXED)
    app.config.from_mapping(_file(app))
    app.config.from_mapping(overrides or {})
    add(app, SETTINGS, overrides)
    config = app.config
    if config["SECURITY_PROFILE"] not in PROFILES:
        raise UnsafeStart(f"USERAPP_SECURITY_PROFILE is {config['SECURITY_PROFILE']!r}, not one of {list(PROFILES)}")
    for key, value in PROFILES[config["SECURITY_PROFILE"]].items():
        if config[key] == SETTINGS[key].default:
            config[key] = value
    config["SECRET_KEY"] = config["SECRET_KEY"] or _kept_secret(app)
    config["SQLALCHEMY_DATABASE_URI"] = _database(app, config["SQLALCHEMY_DATABASE_URI"])
    if config["DEVTOOLS"] and "userapp.devtools" not in config["PLUGINS"]:
        config["PLUGINS"] = [*config["PLUGINS"], "userapp.devtools"]
    config["BASE_URL"] = config["BASE_URL"].rstrip("/")
    config["TRUSTED_HOSTS"] = config["TRUSTED_HOSTS"] or None
    secure = config["BASE_URL"].startswith("https://")
    config["SESSION_COOKIE_SECURE"] = secure
    config["SESSION_COOKIE_NAME"] = "__Host-session" if secure else "session"
    config["PERMANENT_SESSION_LIFETIME"] = 86400 * config["SESSION_DAYS"]
    config["RATELIMIT_ENABLED"] = config["ADDRESS_LIMITS"]


def add(app: Flask, settings: Mapping[str, Setting], overrides: Mapping[str, Any] | None = None) -> None:
    """Give `app` the settings of one owner, each from the last place that names it; a second owner is refused."""
    owned: set[str] = app.extensions.setdefault("userapp.settings", set())
    if shared := owned & set(settings):
        raise UnsafeStart(f"setting {sorted(shared)[0]} has two owners")
    owned |= set(settings)
    values = {key: _copy(setting.default) for key, setting in settings.items()}
    values |= {key: value for key, value in _file(app).items() if key in settings}
    for key, setting in settings.items():
        if (text := os.environ.get(f"USERAPP_{key}")) is not None:
            values[key] = parse(key, text, setting.default)
    values |= {key: value for key, value in (overrides or {}).items() if key in settings}
    app.config.from_mapping(values)


def parse(key: str, text: str, default: Any) -> Any:
    """Read an environment variable's text as the type of its default; raises UnsafeStart where it is not one."""
    if isinstance(default, bool):
        if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off", ""):
            raise UnsafeStart(f"USERAPP_{key} is {text!r}, neither yes nor no")
        return text.lower() in ("1", "true", "yes", "on")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise UnsafeStart(f"USERAPP_{key} is {text!r}, not a whole number") from None
    if isinstance(default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def refuse_unsafe(app: Flask) -> None:
    """Raise UnsafeStart with a plain line for each thing that production must not run with."""
    if found := list(_dangers(app)):
        raise UnsafeStart(*found)


def _dangers(app: Flask) -> Iterator[str]:
    config = app.config
    host = urlsplit(config["BASE_URL"]).hostname or ""
    if len(config["SECRET_KEY"]) < 32:
        yield "USERAPP_SECRET_KEY is missing or shorter than 32 characters: `openssl rand -hex 32` makes one"
    if not host:
        yield "USERAPP_BASE_URL is missing: the address clients reach the service at, https://id.example.com"
    elif not config["BASE_URL"].startswith("https://") and host not in LOOPBACK:
        yield "USERAPP_BASE_URL is not https: passwords would travel in the open"
    if not config["TRUSTED_HOSTS"]:
        yield "USERAPP_TRUSTED_HOSTS is empty: name the hosts this service answers to"
    if "userapp.devtools" in config["PLUGINS"]:
        if host and host not in LOOPBACK:
            yield "userapp.devtools is loaded beside a base URL that is not on this machine: set USERAPP_DEVTOOLS=0"
    else:
        if app.debug or not config["ADDRESS_LIMITS"] or _fixed_captcha(config):
            yield "a debug switch (DEBUG, ADDRESS_LIMITS=0, CAPTCHA_ANSWER) is on without userapp.devtools: unset it"
        for path in _open_secrets(app):
            yield f"{path} holds a secret and other users of this machine can read or write it: chmod 600 {path}"


def _open_secrets(app: Flask) -> Iterator[Path]:
    """The files of the instance folder with a secret in them that are not their owner's (and group's) alone."""
    folder = Path(app.instance_path)
    named = [folder / "secret_key"]
    if any(SECRET_NAME.search(key) for key in _file(app)):
        named.append(folder / "config.py")
    yield from (path for path in named if path.is_file() and path.stat().st_mode & 0o007)


def _fixed_captcha(config: Mapping[str, Any]) -> bool:
    return bool(config.get("CAPTCHA_ANSWER") or os.environ.get("USERAPP_CAPTCHA_ANSWER"))


def _kept_secret(app: Flask) -> str:
    """The secret that the first start wrote into the instance folder, so that commands find it too."""
    path = Path(app.instance_path) / "secret_key"
    return path.read_text("utf-8").strip() if path.is_file() else ""


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _file(app: Flask) -> dict[str, Any]:
    path = Path(app.instance_path) / "config.py"
    if not path.is_file():
        return {}
    names: dict[str, Any] = {}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), names)  # nosec B102 - the operator's own file
    return {key: value for key, value in names.items() if key.isupper()}


def _database(app: Flask, uri: str) -> str:
    if not uri:
        return "sqlite:///" + str(Path(app.instance_path) / "userapp.sqlite")
    scheme, colon, rest = uri.partition("://")
    return f"postgresql+psycopg://{rest}" if colon and scheme in ("postgres", "postgresql") else uri
