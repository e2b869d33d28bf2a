"""CAP-01, CODE-01, PWD-05, TOK-01: what must be left to chance is, and it stands nowhere else."""

from __future__ import annotations

import base64
import io
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from tests.conftest import Json
from userapp import codes, credentials, keys, passwords
from userapp.auth import captcha
from userapp.auth.picture import ALPHABET

CAPTCHAS, CODES, TOKENS, HASHES = 200, 20_000, 20_000, 1000


def test_tokens_are_64_hex_digits_and_none_comes_twice() -> None:
    random.seed(1)
    made = {credentials.new_key() for _ in range(TOKENS)}
    random.seed(1)
    assert credentials.new_key() not in made
    assert len(made) == TOKENS
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in made)


@pytest.mark.long
def test_codes_have_fifty_bits_and_every_letter_at_every_place() -> None:
    random.seed(1)
    made = [codes.generate("email") for _ in range(CODES)]
    assert len(set(made)) == CODES
    assert len(codes.LETTERS) == 32
    assert not set("01IO") & set(codes.LETTERS)
    expected = CODES / 32
    for place in range(10):
        counts = Counter(code[place] for code in made)
        chi = sum((counts[letter] - expected) ** 2 / expected for letter in codes.LETTERS)
        assert chi < 75, f"place {place}: p < 0.00002"  # 31 degrees of freedom; ten places


def test_no_two_hashes_share_a_salt(app: Flask) -> None:
    with app.app_context():
        salts = {passwords.hash_password("correct-horse-9").split("$")[-2] for _ in range(HASHES)}
    assert len(salts) == HASHES
    assert all(len(base64.b64decode(salt + "==")) >= 16 for salt in salts)


@pytest.fixture
def answers(make_app: Callable[..., Flask]) -> tuple[Flask, Callable[[str], str]]:
    """A service whose captchas are not fixed, and what it alone knows: the answer of a challenge."""
    app = make_app(CAPTCHA_ANSWER="", RATELIMIT_ENABLED=False)

    def answer(cookie: str) -> str:
        with app.app_context():
            nonce = captcha.nonce_of(cookie)
            assert nonce is not None
            return captcha.answers(nonce)[0]

    return app, answer


@pytest.mark.long
def test_the_answer_of_a_captcha_stands_nowhere(answers: tuple[Flask, Callable[[str], str]]) -> None:
    app, answer = answers
    app.test_client_class = Json
    client: Any = app.test_client()
    assert len(ALPHABET) ** captcha.LENGTH >= 2**20
    seen = set()
    for _ in range(CAPTCHAS):
        reply = client.get("/user/captcha")
        cookie = reply.headers["Set-Cookie"].partition("captcha=")[2].partition(";")[0]
        right = answer(cookie)
        seen.add(right)
        payload = base64.urlsafe_b64decode(cookie.partition(".")[0] + "==")
        with Image.open(io.BytesIO(reply.data)) as picture:
            hidden = repr(picture.info).encode()
        shown = [str(reply.headers).replace(cookie, "").encode(), payload, hidden, cookie.encode()]
        for text in shown:
            assert right.encode() not in text.upper()
        with app.app_context():
            assert keys.mac("captcha", right).hex()[:16] not in cookie
    assert len(seen) > CAPTCHAS * 0.99
