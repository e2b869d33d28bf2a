"""Two libraries compute argon2id: what one writes the other reads, and both refuse the same."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from flask import Flask

from userapp import argon2id, passwords

BOTH = PasswordHasher, argon2id.Hasher
GOOD = "correct-horse-7"
SALT, DIGEST = "c2FsdHNhbHRzYWx0c2FsdA", "A" * 43


@pytest.mark.parametrize("password", [GOOD, GOOD.encode(), "", "密" * 341, "nul\0nul"])
@pytest.mark.parametrize(("passes", "memory"), [(1, 8), (2, 64), (5, 1000)])
@pytest.mark.parametrize("writer", BOTH)
def test_what_one_library_writes_both_read(writer, password, passes, memory):
    stored = writer(passes, memory, 1).hash(password)
    assert stored.startswith(f"$argon2id$v=19$m={memory},t={passes},p=1$")
    for reader in BOTH:
        assert reader().verify(stored, password)
        with pytest.raises(VerifyMismatchError):
            reader().verify(stored, "x" + GOOD)


@pytest.mark.parametrize("values", [(2, 64, 4), (2, 64, 1, 64), (2, 64, 1, 32, 8)], ids=["lanes", "long", "short salt"])
def test_other_shapes_of_argon2id_are_read_too(values):
    stored = PasswordHasher(*values).hash(GOOD)
    assert argon2id.Hasher().verify(stored, GOOD)
    with pytest.raises(VerifyMismatchError):
        argon2id.Hasher().verify(stored, "x" + GOOD)


def test_several_lanes_are_written_as_asked():
    assert ",p=4$" in argon2id.Hasher(2, 64, 4).hash(GOOD)


@pytest.mark.parametrize(
    "stored",
    [
        "", "$argon2id$", "plain text", f"$argon2id$v=19$m=64,t=2,p=1${SALT}",
        f"$argon2id$v=19$m=0,t=2,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=7,t=2,p=1${SALT}${DIGEST}", f"$argon2id$v=19$m=64,t=0,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=64,t=2,p=0${SALT}${DIGEST}",
    ],
)  # fmt: skip
def test_what_is_no_hash_is_told_from_another_password(stored):
    with pytest.raises((InvalidHashError, VerificationError)) as refused:
        argon2id.Hasher().verify(stored, GOOD)
    assert not refused.errisinstance(VerifyMismatchError)


@pytest.mark.parametrize(("compiled", "kind"), [(False, argon2id.Hasher), (True, PasswordHasher)])
def test_the_setting_chooses_who_hashes(app: Flask, compiled, kind, monkeypatch):
    app.config["ARGON2_COMPILED"] = compiled
    really, asked = kind.verify, []
    monkeypatch.setattr(kind, "verify", lambda *given: asked.append(type(given[0])) or really(*given))
    with app.app_context():
        assert passwords.verify(GOOD, passwords.hash_password(GOOD))
    assert asked == [kind]
