"""Passwords that everybody uses, kept as sorted digests: 0.8 MiB in each worker, where the words themselves take 14.

The words are zxcvbn's six lists and `data/common_passwords_zh.txt`; `python -m tests.kernel.test_blocklist` makes the
digests of them. A password in no list is taken for one with a chance of 102,000 in 2^64.
"""

import hashlib
from bisect import bisect_left
from functools import lru_cache
from pathlib import Path

DIGESTS = Path(__file__).parent / "data" / "common_passwords.digests"
WIDTH = 8


def is_common(password: str) -> bool:
    """Tell whether this password, in upper or lower case, stands in one of the lists."""
    known, wanted = _digests(), digest(password)
    place = bisect_left(range(len(known) // WIDTH), wanted, key=lambda number: _at(known, number))
    return _at(known, place) == wanted


def digest(word: str) -> bytes:
    """What is kept of a word, whatever its case."""
    return hashlib.blake2b(word.casefold().encode("utf-8", "surrogatepass"), digest_size=WIDTH).digest()


def _at(known: bytes, number: int) -> bytes:
    return known[number * WIDTH : (number + 1) * WIDTH]


@lru_cache(maxsize=1)
def _digests() -> bytes:
    return DIGESTS.read_bytes()
