"""The digests of common passwords are those of zxcvbn's lists and ours; run as a module, this writes them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from userapp import blocklist

CHINESE = blocklist.DIGESTS.with_name("common_passwords_zh.txt")


def chinese_words() -> set[str]:
    return {line for line in CHINESE.read_text("utf-8").splitlines() if line and not line.startswith("# ")}


def words() -> set[str]:
    """All six lists, because zxcvbn strikes from `passwords` what it already lists as a name or a word."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return {word for words in FREQUENCY_LISTS.values() for word in words} | chinese_words()


def made() -> bytes:
    return b"".join(sorted({blocklist.digest(word) for word in words()}))


def test_the_file_is_made_of_the_lists() -> None:
    known = blocklist.DIGESTS.read_bytes()
    assert known == made()
    assert len(known) // blocklist.WIDTH >= 90_000
    assert len(known) // blocklist.WIDTH == len({word.casefold() for word in words()})  # no two share a digest


def test_every_chinese_habit_is_found_and_the_list_is_clean() -> None:
    chinese = chinese_words()
    assert len(chinese) >= 300 and all(map(blocklist.is_common, chinese))
    assert not [word for word in chinese if word.startswith("#") or word != word.strip()]


@pytest.mark.parametrize("end", [0, -1])
def test_the_first_and_the_last_are_found(end) -> None:
    ordered = sorted(words(), key=blocklist.digest)
    assert blocklist.is_common(ordered[end]) and blocklist.is_common(ordered[end].upper())
    for one, other in pairwise(ordered[:50]):
        assert blocklist.is_common(one) and not blocklist.is_common(one + " " + other)


if __name__ == "__main__":
    blocklist.DIGESTS.write_bytes(made())
