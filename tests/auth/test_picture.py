"""The captcha's picture and sound: format, size, secrecy and resistance to text recognition."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import struct
import subprocess
import wave
from pathlib import Path

import pytest
from PIL import Image

from userapp.auth import picture, speech

PNG_START = b"\x89PNG\r\n\x1a\n"


def an_answer() -> str:
    return "".join(secrets.choice(picture.ALPHABET) for _ in range(5))


def chunk_names(png: bytes) -> list[bytes]:
    assert png.startswith(PNG_START)
    names, position = [], len(PNG_START)
    while position < len(png):
        length, name = struct.unpack_from(">I4s", png, position)
        names.append(name)
        position += 12 + length
    return names


def test_alphabet_has_no_lookalikes_and_twenty_bits() -> None:
    assert len(set(picture.ALPHABET)) == len(picture.ALPHABET)
    assert not set(picture.ALPHABET) & set("0OQD1IL2Z45S6G8BFMWV")
    assert picture.ALPHABET.isupper()
    assert len(picture.ALPHABET) ** 5 >= 2**20


def test_picture_is_a_small_png() -> None:
    for _ in range(50):
        png = picture.draw(an_answer())
        assert 300 <= len(png) <= 1500
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            assert (image.format, image.size) == ("PNG", (picture.WIDTH, picture.HEIGHT))


@pytest.mark.parametrize("character", picture.ALPHABET)
def test_every_character_leaves_ink(character: str) -> None:
    with Image.open(io.BytesIO(picture.draw(character * 5))) as image:
        dark = image.convert("L").histogram()[0]
    assert 0.08 < dark / (picture.WIDTH * picture.HEIGHT) < 0.5


def test_picture_carries_nothing_but_pixels() -> None:
    answer = an_answer()
    png = picture.draw(answer)
    assert set(chunk_names(png)) == {b"IHDR", b"IDAT", b"IEND"}
    assert answer.encode() not in png


def test_same_answer_is_drawn_differently() -> None:
    answer = an_answer()
    assert len({picture.draw(answer) for _ in range(20)}) == 20


def test_every_character_has_a_voice() -> None:
    sound = speech.speak(picture.ALPHABET)
    assert sound[:4] == b"RIFF"
    with wave.open(io.BytesIO(sound)) as voice:
        assert (voice.getnchannels(), voice.getframerate()) == (1, 8000)
        assert voice.getnframes() > 8000 * len(picture.ALPHABET)


@pytest.mark.skipif(
    os.environ.get("LONG_TESTS") != "1" or shutil.which("tesseract") is None,
    reason="needs LONG_TESTS=1 and tesseract",
)
@pytest.mark.parametrize("layout", ["7", "8"])
def test_text_recognition_reads_at_most_one_in_twenty(tmp_path: Path, layout: str) -> None:
    answers = [an_answer() for _ in range(300)]
    for number, answer in enumerate(answers):
        (tmp_path / f"{number}.png").write_bytes(picture.draw(answer))
    names = tmp_path / "names.txt"
    names.write_text("\n".join(str(tmp_path / f"{number}.png") for number in range(300)))
    options = ["--psm", layout, "-c", f"tessedit_char_whitelist={picture.ALPHABET}"]
    result = subprocess.run(["tesseract", str(names), "-", *options], capture_output=True, text=True, check=True)
    read = ["".join(page.split()) for page in result.stdout.split("\f")][:300]
    assert len(read) == 300
    assert any(read), "tesseract read nothing at all: the measurement says nothing"
    assert sum(map(str.__eq__, read, answers)) <= 15
