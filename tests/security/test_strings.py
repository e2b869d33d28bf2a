"""INP-01: every text into every field, as form and as JSON: never a 500, and the same verdict on both databases."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.security.sides import Side, in_process
from tests.security.strings import OWN, common_passwords, corpora, numbers
from tests.security.sweep import IDENTIFIERS, PASSWORDS, Findings, Sweep
from userapp.testing import FAST_HASHES

# What would otherwise answer for the fields: limits of guesses, messages and requests, and the age of a session.
SETTINGS = {
    "LOGIN_TRIES": 10**9, "MESSAGES_PER_DAY": 10**9, "CODE_TRIES_PER_HOUR": 10**9, "AVATAR_PER_HOUR": 10**9,
    "FRESH_SECONDS": 10**6, "ADMIN_FRESH_SECONDS": 10**6, "MESSAGE_GAP": 0, "RATELIMIT_ENABLED": False,
    "PROPAGATE_EXCEPTIONS": False, **FAST_HASHES,
}  # fmt: skip
SHARES = int(os.environ.get("SHARES", "16"))
EVERY = int(os.environ.get("EVERY", "1"))


@pytest.fixture
def quiet() -> Iterator[None]:
    """Lines are written, but not kept in memory by the thousand."""
    found = [logging.getLogger(name) for name in ("userapp.request", "userapp.audit")]
    for logger in found:
        logger.propagate = False
    yield
    for logger in found:
        logger.propagate = True


@pytest.fixture
def here(make_app: Callable[..., Flask], quiet: None) -> Side:
    """On SQLite, or where TEST_ON says."""
    return made(make_app(**SETTINGS))


@pytest.fixture
def there(make_app: Callable[..., Flask], fresh_postgresql: str) -> Side:
    """The same on PostgreSQL."""
    return made(make_app(**SETTINGS, SQLALCHEMY_DATABASE_URI=fresh_postgresql))


def made(app: Flask) -> Side:
    """An application that is asked by its WSGI door."""
    app.extensions["userapp.courier"].stop()
    side = Side(app, in_process(app))
    side.settle()
    return side


def alike(found: Findings) -> None:
    """No failure, no difference; what it was is told."""
    print(found.sent, "requests;", dict(found.seen.most_common(12)))
    for row in found.wrong[:100]:
        print(str(row)[:1500])
    assert found.wrong == []


def test_all_fields_at_once(here: Side) -> None:
    """The fixed sample of the fast suite."""
    sweep = Sweep([here])
    sweep.together(OWN[::5])
    sweep.addresses(OWN[::30])
    alike(sweep.found)


@pytest.mark.long
@pytest.mark.postgresql
def test_each_field_by_itself_on_both_databases(here: Side, there: Side) -> None:
    """A fixed share of the whole."""
    sweep = Sweep([here, there])
    swept(sweep, [*OWN[::5], *corpora()[::200]], numbers()[::200], common_passwords()[::1000])


@pytest.mark.huge
@pytest.mark.postgresql
@pytest.mark.parametrize("share", range(SHARES))
def test_all_of_the_corpora(here: Side, there: Side, share: int) -> None:
    """Everything, in shares that can run side by side (ARGS="-n 2"); EVERY=10 takes every tenth text."""
    step = SHARES * EVERY
    texts = [*OWN, *corpora()][share::step]
    swept(Sweep([here, there]), texts, numbers()[share::step], common_passwords()[share::step])


def swept(sweep: Sweep, texts: list[str | bytes], phones: list[str | bytes], secrets: list[str | bytes]) -> None:
    """Texts go everywhere, numbers where names of accounts go, passwords in turn where passwords go."""
    sweep.fields(texts)
    sweep.fields(phones, IDENTIFIERS)
    sweep.in_turn(secrets, PASSWORDS)
    sweep.filters(texts)
    sweep.anywhere(texts[::20])
    sweep.pages(texts[::40])  # drawing them is what takes the time
    sweep.addresses(texts[::40])
    alike(sweep.found)
