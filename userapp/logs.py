"""Log lines: JSON for machines, colours for a person at a terminal; with the request's id, and never with a secret.

What a caller sent is struck out of warnings and errors in every spelling it may have there, and so are our own secrets.
A traceback in JSON is the places passed, without the lines of source and without the values.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from flask import Flask, g, has_request_context, request

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
STRUCK = "[redacted]"
SHORTEST = 4  # what is shorter tells nothing, and striking it out would leave nothing legible
LONGEST = 500
KEPT_SECRET = ("SECRET_KEY", "MAIL_PASSWORD", "AVATAR_S3_SECRET", "METRICS_TOKEN", "SMS_URL")
URLS = ("SQLALCHEMY_DATABASE_URI", "RATELIMIT_STORAGE_URI", "SMS_URL")
PATTERNS = re.compile(
    r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])|\$argon2\w+\$[^\s\"']+|(?<=://)[^/\s@]+:[^/\s@]+(?=@)"
)
COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "35"}
_own: set[str] = set()


class JsonFormatter(logging.Formatter):
    """One object a line; what a caller of the logger gave as `extra` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Build the line; a message that is a JSON object already is taken in."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if has_request_context() and (identity := g.get("request_id")):
            line["request_id"] = identity
        grave = record.levelno >= logging.WARNING
        message = record.getMessage()
        told = _parsed(message) if message.startswith("{") else None
        if isinstance(told, dict):
            line |= told
        else:
            line["message"] = redacted(message) if grave else message
        for name, value in vars(record).items():
            if name not in STANDARD and not name.startswith("_") and value != told:
                line[name] = redacted(value) if grave and isinstance(value, str) else value
        if record.exc_info and record.exc_info[1]:
            line["error"], line["trace"] = summary(record.exc_info[1]), list(places(record.exc_info[1]))
        return PATTERNS.sub(STRUCK, json.dumps(line, ensure_ascii=False, default=str))


class PlainFormatter(logging.Formatter):
    """For a developer: time, level, message and the whole traceback; in colours where a terminal shows them."""

    def format(self, record: logging.LogRecord) -> str:
        """Build the line or, with a traceback, the lines."""
        extras = {name: value for name, value in vars(record).items() if name not in STANDARD and name[0] != "_"}
        parts = [datetime.fromtimestamp(record.created).strftime("%H:%M:%S"), record.levelname[:4].lower(), record.name]
        text = " ".join([*parts, record.getMessage(), *(f"{name}={value}" for name, value in extras.items())])
        if record.exc_info and record.exc_info[1]:
            text += "\n" + "".join(traceback.format_exception(record.exc_info[1])).rstrip()
        if record.levelno >= logging.WARNING:
            text = redacted(text, longest=20_000)
        text = PATTERNS.sub(STRUCK, text)
        colour = COLOURS.get(record.levelname, "90") if sys.stderr.isatty() else ""
        return f"\033[{colour}m{text}\033[0m" if colour else text


class _Stderr(logging.StreamHandler[Any]):
    """Writes to whatever standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _value: Any) -> None:
        """The base class sets one; there is nothing to keep."""


def connect(app: Flask) -> None:
    """Send every log line of the process through one handler, as LOG_FORMAT and LOG_LEVEL of this application say."""
    config = app.config
    _own.update(secrets_of(config))
    root = logging.getLogger()
    handler = next((one for one in root.handlers if isinstance(one, _Stderr)), None)
    if handler is None:
        handler = _Stderr()
        root.addHandler(handler)
    plain = config["LOG_FORMAT"] == "plain" or (not config["LOG_FORMAT"] and "userapp.devtools" in config["PLUGINS"])
    handler.setFormatter(PlainFormatter() if plain else JsonFormatter())
    logging.getLogger("userapp").setLevel(config["LOG_LEVEL"].upper())


def secrets_of(config: Any) -> Iterator[str]:
    """The values of our own that must not be read anywhere."""
    given = [config.get(name) or "" for name in KEPT_SECRET] + list(config.get("SECRET_KEY_FALLBACKS") or [])
    for name in URLS:
        parts = urlsplit(str(config.get(name) or ""))
        given += [parts.password or "", unquote(parts.password or "")]
    yield from (value for value in given if len(value) >= SHORTEST)


def redacted(text: str, longest: int = LONGEST) -> str:
    """`text` without anything the present caller sent, without our own secrets, and not endless."""
    known = sorted({spelling for value in {*_own, *_sent()} for spelling in _spellings(value)}, key=len, reverse=True)
    if known:
        text = re.sub("|".join(map(re.escape, known)), STRUCK, text, flags=re.IGNORECASE)
    return text if len(text) <= longest else text[:longest] + "…"


def summary(error: BaseException) -> str:
    """An exception's class and the first line of its text: what databases tell in further lines are values of rows."""
    first = str(error).split("\n", 1)[0]
    return f"{type(error).__module__}.{type(error).__qualname__}: {redacted(first)}"


def places(error: BaseException | None) -> Iterator[str]:
    """Where an exception came from, innermost last, its causes after it."""
    for _ in range(5):
        if error is None:
            return
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"{frame.filename}:{frame.lineno} {frame.name}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is not None:
            yield f"because of {summary(error)}"


def _sent() -> Iterable[str]:
    """Every value of the request under way: which of them are secret is not for a log to guess."""
    if not has_request_context():
        return ()
    values = [*request.args.values(), *request.cookies.values(), *map(str, (g.get("body") or {}).values())]
    values += [request.headers.get("token", ""), request.headers.get("Authorization", "").rpartition(" ")[2]]
    return [value for value in values if SHORTEST <= len(value) <= 4096]


def _spellings(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    spelled = {
        value,
        repr(value)[1:-1],
        ascii(value)[1:-1],
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }
    spelled |= {quote(raw), quote_plus(raw), quote(raw, safe=""), raw.hex(), repr(raw)[2:-1]}
    spelled |= {repr(text)[1:-1] for text in spelled}  # what an exception quotes once more
    return spelled | {b64encode(raw).decode().rstrip("="), urlsafe_b64encode(raw).decode().rstrip("=")}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
