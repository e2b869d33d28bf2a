"""Speaks the captcha answer, for people who cannot see the picture."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from captcha.audio import AudioCaptcha


def speak(answer: str) -> bytes:
    """Return a WAV in which an English voice reads the answer over background noise."""
    return bytes(_voice().generate(answer))


@cache
def _voice() -> AudioCaptcha:
    # Imported on first use: only few people ask for sound, and the package reads files at import.
    from captcha import audio

    audio.create_noise = _noise
    voice = audio.AudioCaptcha()
    # Loaded before anyone shares it: generate() takes a half-filled cache for a full one.
    voice.load()
    return voice


def _noise(length: int, level: int = 4) -> bytearray:
    """White noise as the package makes it, whose every byte is a call of `secrets`: thousands for each second."""
    lowest = 128 - level // 2
    return bytearray(os.urandom(length).translate(bytes(byte % level + lowest for byte in range(256))))
