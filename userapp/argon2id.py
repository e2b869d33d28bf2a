"""argon2id by libsodium, which has code for what the processor can do; by argon2-cffi what libsodium cannot compute."""

from __future__ import annotations

import re
from base64 import b64decode
from hmac import compare_digest
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from nacl import exceptions
from nacl.pwhash import argon2id

# One lane, a salt of 16 bytes and a digest of 32: what both libraries write unless they are asked for something else.
_USUAL = re.compile(r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})")


class Hasher(PasswordHasher):
    """argon2-cffi's PasswordHasher, only faster: the same strings, the same errors."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Hash a password with a new salt, or the one given."""
        if self.parallelism != 1 or salt is not None:
            return super().hash(password, salt=salt)
        return argon2id.str(_bytes(password), self.time_cost, self.memory_cost * 1024).decode()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        """Return True; raises VerifyMismatchError for another password, another error of argon2-cffi's for no hash."""
        if not isinstance(hash, str) or not (found := _USUAL.fullmatch(hash)):
            return super().verify(hash, password)
        memory, passes, salt, digest = found.groups()
        try:
            computed = argon2id.kdf(32, _bytes(password), b64decode(salt + "=="), int(passes), int(memory) * 1024)
        except (exceptions.ValueError, exceptions.RuntimeError) as error:  # no such parameters, no such memory
            raise InvalidHashError from error
        if not compare_digest(computed, b64decode(digest + "=")):
            raise VerifyMismatchError
        return True


def _bytes(password: str | bytes) -> bytes:
    return password.encode() if isinstance(password, str) else password
