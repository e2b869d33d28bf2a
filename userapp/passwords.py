"""Passwords: hash, verify and policy; the only place that knows what a stored password looks like.

A stored password is an argon2id string, or `<digest>+<argon2id string>` for an imported bare digest, or the salted hash
of another system until its owner signs in next. Passwords are NFKC-normalised, never trimmed and never truncated.
Imported hashes see the password exactly as typed, as their systems did.
"""

import os
import secrets
import sys
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from flask import current_app

from userapp import argon2id, blocklist, legacy_hashes, metrics
from userapp.errors import AppError, Overloaded, PasswordTooCommon
from userapp.threads import waiting

LONGEST = 1024  # characters: beyond this no work at all is spent on a password, whatever the policy says
ARGON2 = "$argon2id$"
GAPS = str.maketrans("", "", " -().+")

T = TypeVar("T")


# --- hash and verify -------------------------------------------------------------------------------------------------


def hash_password(password: str) -> str:
    """Hash a password that passed `check_policy`; raises Overloaded when too many are waiting."""
    if len(password) > LONGEST:
        raise ValueError("password too long to hash")
    return _on_pool(_hasher().hash, _secret(password))


def verify(password: str, stored: str | None) -> bool:
    """Check a password; an unknown account (`stored` None) costs the same as a known one with a current hash.

    An imported hash costs its own work and one argon2 on top, so it is never cheaper than an unknown account, but
    dearer until its owner signs in. A password beyond `LONGEST` is refused at once, whoever it is for.
    """
    if len(password) > LONGEST:
        return False
    hasher = _hasher()
    return _on_pool(_verify, hasher, password, stored, _dummy(hasher))


def needs_rehash(stored: str) -> bool:
    """Tell whether a hash that just verified should be replaced: imported, or made with other parameters."""
    return not stored.startswith(ARGON2) or _hasher().check_needs_rehash(stored)


def wrap_legacy(stored: str) -> str:
    """Turn another system's hash into what may be stored here; raises ValueError for a kind we cannot verify."""
    if not legacy_hashes.bare_digest(stored) and not legacy_hashes.is_known(stored):
        raise ValueError("unknown kind of password hash")
    return _on_pool(wrapper(), stored)


def wrapper() -> Callable[[str], str]:
    """What puts a bare digest into argon2id and leaves every other hash alone, for threads of the caller's own: an
    import of many must not take the places of people who sign in.
    """
    hasher = _hasher()

    def wrap(stored: str) -> str:
        algorithm = legacy_hashes.bare_digest(stored)
        return f"{algorithm}+{hasher.hash(stored.lower())}" if algorithm else stored

    return wrap


def _verify(hasher: PasswordHasher, password: str, stored: str | None, dummy: str) -> bool:
    algorithm, wrapped, inner = (stored or "").partition(f"+{ARGON2}")
    if wrapped and algorithm in legacy_hashes.DIGESTS.values():
        return _matches(hasher, ARGON2 + inner, legacy_hashes.digest(algorithm, password), dummy)
    if stored and stored.startswith(ARGON2):
        return _matches(hasher, stored, _secret(password), dummy)
    known = bool(stored) and legacy_hashes.is_known(stored or "")
    correct = known and legacy_hashes.verify(password, stored or "")
    _matches(hasher, dummy, _secret(password), dummy)
    return correct


def _matches(hasher: PasswordHasher, stored: str, secret: str | bytes, dummy: str) -> bool:
    try:
        return hasher.verify(stored, secret)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError):  # a damaged row must not answer faster than the others
        return stored != dummy and _matches(hasher, dummy, secret, dummy)


def _hasher() -> PasswordHasher:
    config = current_app.config
    kind = PasswordHasher if config["ARGON2_COMPILED"] else argon2id.Hasher
    return kind(config["ARGON2_TIME"], config["ARGON2_MEMORY_KIB"], config["ARGON2_PARALLELISM"])


def _dummy(hasher: PasswordHasher) -> str:
    """Spell a hash with today's parameters that no password has; making it costs nothing."""
    salt, digest = (b64encode(secrets.token_bytes(n)).rstrip(b"=").decode() for n in (hasher.salt_len, hasher.hash_len))
    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"{ARGON2}v=19${parameters}${salt}${digest}"


def _secret(password: str) -> bytes:
    # surrogatepass: a lone surrogate from a careless caller is an odd character, not a server error
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


# --- policy ----------------------------------------------------------------------------------------------------------


def check_policy(
    password: str, identifiers: Iterable[str | None], length_error: type[AppError], *, field: str | None = None
) -> None:
    """Raise `length_error` or PasswordTooCommon unless this may become the password of somebody so identified."""
    low, high = current_app.config["PASSWORD_MIN"], current_app.config["PASSWORD_MAX"]
    if len(password) > LONGEST or not low <= len(unicodedata.normalize("NFKC", password)) <= high:
        raise length_error(field=field, low=low, high=high)
    folded = _folded(password)
    plain = folded.translate(GAPS)  # as a phone number is often written
    if blocklist.is_common(folded) or not {folded, plain}.isdisjoint(
        _well_known((*identifiers, current_app.config["SITE_NAME"]))
    ):
        raise PasswordTooCommon(field=field)


def _well_known(identifiers: Iterable[str | None]) -> set[str]:
    return {_folded(spelling) for identifier in identifiers if identifier for spelling in _spellings(identifier)}


def _spellings(identifier: str) -> Iterator[str]:
    """Yield an identifier as its owner might type it: an address without its domain, a phone without its country."""
    yield identifier
    yield "".join(identifier.split())
    if "@" in identifier:
        yield identifier.rpartition("@")[0]
    if not identifier.startswith("+"):
        return
    import phonenumbers

    with suppress(phonenumbers.NumberParseException):
        phone = phonenumbers.parse(identifier)
        national = phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.NATIONAL)
        yield phonenumbers.national_significant_number(phone)
        yield "".join(filter(str.isdigit, national))
        yield identifier.lstrip("+")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


# --- the hashing threads ---------------------------------------------------------------------------------------------


@dataclass
class _HashPool:
    """A few low-priority threads, and places for a limited number of callers to wait for one."""

    threads: ThreadPoolExecutor
    places: threading.BoundedSemaphore

    def run(self, work: Callable[..., T], *args: object) -> T:
        """Do the work on a hashing thread and wait for it, or raise Overloaded at once."""
        if not self.places.acquire(blocking=False):
            metrics.overloads.inc()
            raise Overloaded(retry_after=2)
        metrics.hashing.inc()
        try:
            future: Future[T] = self.threads.submit(work, *args)
        except BaseException:
            self._leave()
            raise
        # not in `finally`: a caller that is interrupted leaves its work behind, which still takes up its place
        future.add_done_callback(lambda _: self._leave())
        with waiting():
            return future.result()

    def _leave(self) -> None:
        self.places.release()
        metrics.hashing.dec()


def _on_pool(work: Callable[..., T], *args: object) -> T:
    # One pool per process: threads do not survive a fork. A pool starts its threads with its first work, so one that
    # loses the race in `setdefault` costs nothing.
    pools: dict[int, _HashPool] = current_app.extensions.setdefault("userapp.passwords", {})
    return (pools.get(os.getpid()) or pools.setdefault(os.getpid(), _new_pool())).run(work, *args)


def _new_pool() -> _HashPool:
    config = current_app.config
    threads = config["HASH_THREADS"] or max(1, _processors() // int(os.environ.get("WEB_CONCURRENCY", 2)))
    places = threading.BoundedSemaphore(threads + config["HASH_QUEUE"])
    return _HashPool(ThreadPoolExecutor(threads, "password-hash", _give_way, (config["HASH_NICENESS"],)), places)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _give_way(steps: int) -> None:
    if sys.platform == "linux":  # the only system where a thread has a priority of its own
        with suppress(OSError):
            # below what the process has, which an operator may have given another priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + steps)
