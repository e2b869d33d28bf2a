"""What `doctor` finds: a verdict on one thing, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError


@dataclass(frozen=True)
class Finding:
    """`verdict` is ok, note (worth knowing) or bad (to be repaired); `says` is one line."""

    name: str
    verdict: str
    says: str


Check = Callable[[], Iterator[Finding]]


def bad(name: str, says: str) -> Finding:
    """Something to be repaired."""
    return Finding(name, "bad", says)


def note(name: str, says: str) -> Finding:
    """Something worth knowing."""
    return Finding(name, "note", says)


def ok(name: str, says: str) -> Finding:
    """As it should be."""
    return Finding(name, "ok", says)


def serious(name: str, says: str) -> Finding:
    """Bad for a service, and only worth knowing where the development tools are loaded."""
    return note(name, says) if development() else bad(name, says)


def development() -> bool:
    """Whether this is a developer's start."""
    return "userapp.devtools" in current_app.config["PLUGINS"]


def kind(error: BaseException) -> str:
    """What may be said of a failure: its kind; its text may hold an address or a secret."""
    cause = getattr(error, "orig", None) if isinstance(error, SQLAlchemyError) else None
    return type(cause or error).__name__
