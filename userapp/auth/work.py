"""A captcha for people who can use neither picture nor sound: their browser computes for a second or two.

Of `<challenge>:<piece>:<number>` the SHA-256 must begin with so many zero bits; the number has to be searched for, for
each piece anew. Checking costs one digest a piece, whoever sends the answer.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Flask, current_app

MARK = "work:"
PIECES = 16  # many small searches instead of a large one: they take about the same time for everybody
MOST_BITS = 24
_NUMBERS = re.compile(rf"[0-9]{{1,10}}(?:\.[0-9]{{1,10}}){{{PIECES - 1}}}")


def refuse_unusable(app: Flask) -> None:
    """Stop the start with a ValueError where CAPTCHA_WORK could never be done."""
    if not 0 <= app.config["CAPTCHA_WORK"] <= MOST_BITS:
        raise ValueError(f"USERAPP_CAPTCHA_WORK is {app.config['CAPTCHA_WORK']}, not 0 to {MOST_BITS} bits")


def task(nonce: str) -> dict[str, Any]:
    """What is to be computed for a challenge."""
    return {"challenge": nonce, "pieces": PIECES, "bits": current_app.config["CAPTCHA_WORK"]}


def solved(nonce: str, answer: str) -> bool:
    """Whether an answer, as `work:3141.59.…`, is the work for this challenge; never where the setting is off."""
    bits = current_app.config["CAPTCHA_WORK"]
    if not bits or not _NUMBERS.fullmatch(answer.removeprefix(MARK)):
        return False
    numbers = answer.removeprefix(MARK).split(".")
    return all(_zeros(f"{nonce}:{piece}:{number}") >= bits for piece, number in enumerate(numbers))


def _zeros(text: str) -> int:
    return 256 - int.from_bytes(hashlib.sha256(text.encode()).digest(), "big").bit_length()
