"""Password hashes other systems left behind: which ones we know, and how to verify them."""

import base64
import hashlib
import hmac
import re

import bcrypt
from werkzeug.security import check_password_hash

DIGESTS = {32: "md5", 40: "sha1", 64: "sha256"}  # hex digits -> algorithm
BCRYPT_BYTES = 72  # bcrypt never looked further, so the rest was never part of the hash we were given

# An import file is input: a hash that asks for an hour of work or a gigabyte is refused, not stored.
MAX_ITERATIONS = 10_000_000
MAX_BCRYPT_COST = 16
MAX_SCRYPT_BYTES = 128 * 1024 * 1024

_HEX = re.compile(r"[0-9a-fA-F]+")
_DJANGO = re.compile(
    r"pbkdf2_(?P<digest>sha256|sha1)\$(?P<rounds>\d{1,9})\$(?P<salt>[^$]+)\$(?P<hash>[A-Za-z0-9+/]+={0,2})"
)
_WERKZEUG_PBKDF2 = re.compile(r"pbkdf2:(?:sha1|sha224|sha256|sha384|sha512):(?P<rounds>\d{1,9})\$[^$]+\$[0-9a-f]+")
_WERKZEUG_SCRYPT = re.compile(r"scrypt:(?P<n>\d{1,8}):(?P<r>\d{1,3}):(?P<p>\d{1,2})\$[^$]+\$[0-9a-f]+")
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")


def bare_digest(stored: str) -> str | None:
    """Name the algorithm of a bare hex digest (md5, sha1, sha256), or None if this is not one."""
    return DIGESTS.get(len(stored)) if _HEX.fullmatch(stored) else None


def digest(algorithm: str, password: str) -> str:
    """Compute the bare hex digest an old system would have stored."""
    return hashlib.new(algorithm, _bytes(password), usedforsecurity=False).hexdigest()


def is_known(stored: str) -> bool:
    """Tell whether this is a salted hash that `verify` understands, at a cost we are willing to pay."""
    if match := _DJANGO.fullmatch(stored) or _WERKZEUG_PBKDF2.fullmatch(stored):
        return 0 < int(match["rounds"]) <= MAX_ITERATIONS
    if match := _WERKZEUG_SCRYPT.fullmatch(stored):
        return _scrypt_is_payable(int(match["n"]), int(match["r"]), int(match["p"]))
    if match := _BCRYPT.fullmatch(stored):
        return 4 <= int(match["cost"]) <= MAX_BCRYPT_COST
    return False


def verify(password: str, stored: str) -> bool:
    """Compare a password, exactly as typed, with a hash that `is_known`; anything unreadable is simply no match."""
    try:
        if match := _DJANGO.fullmatch(stored):
            return _verify_django(password, match)
        if _BCRYPT.fullmatch(stored):
            return bcrypt.checkpw(_bytes(password)[:BCRYPT_BYTES], stored.encode("ascii"))
        return check_password_hash(stored, password)
    except ValueError:  # a lone surrogate, broken base64, a digest this build of OpenSSL refuses
        return False


def _verify_django(password: str, stored: re.Match[str]) -> bool:
    expected = base64.b64decode(stored["hash"], validate=True)
    found = hashlib.pbkdf2_hmac(stored["digest"], _bytes(password), stored["salt"].encode(), int(stored["rounds"]))
    return hmac.compare_digest(found, expected)


def _scrypt_is_payable(n: int, r: int, p: int) -> bool:
    power_of_two = n > 1 and n & (n - 1) == 0
    return power_of_two and r > 0 and 0 < p <= 16 and 128 * n * r * p <= MAX_SCRYPT_BYTES


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
