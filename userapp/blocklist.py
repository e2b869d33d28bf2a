"""Passwords that everybody uses: zxcvbn's word lists and a list of Chinese habits, read once and without a network."""

import importlib.util
import runpy
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

CHINESE_LIST = "data/common_passwords_zh.txt"


def is_common(password: str) -> bool:
    """Tell whether this password, in upper or lower case, stands in one of the lists."""
    return password.casefold() in common_passwords()


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Return all listed passwords, folded; the first call reads them in about 50 ms and keeps about 14 MB."""
    return frozenset(_zxcvbn_words() | _chinese_words())


def _zxcvbn_words() -> set[str]:
    # All six lists, because zxcvbn strikes from `passwords` what it already lists as a name or a word. The file is run
    # by its path: importing the package would build its ranking tables, and keep them and the lists (another 9 MB).
    package = importlib.util.find_spec("zxcvbn")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("zxcvbn is not installed; its word lists are the password blocklist")
    lists = runpy.run_path(str(Path(package.origin).with_name("frequency_lists.py")))["FREQUENCY_LISTS"]
    return {word.casefold() for words in lists.values() for word in words}


def _chinese_words() -> set[str]:
    text = files("userapp").joinpath(CHINESE_LIST).read_text(encoding="utf-8")
    return {line.casefold() for line in text.splitlines() if line and not line.startswith("# ")}
