"""Speaks the captcha answer, for people who cannot see the picture."""

from __future__ import annotations

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
    from captcha.audio import AudioCaptcha

    voice = AudioCaptcha()
    # Loaded before anyone shares it: generate() takes a half-filled cache for a full one.
    voice.load()
    return voice
