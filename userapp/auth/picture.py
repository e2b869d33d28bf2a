"""Draws the captcha picture: small, quick, easy for people and hard for text recognition."""

from __future__ import annotations

import io
import math
import secrets
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFont

# Left out because tilted they pass for another: 0 O D Q, 1 I L, 2 Z, 4 (A), 5 S, 6 G, 8 B,
# F (P), M, W, V. Sixteen remain, so five characters are exactly 20 bits.
ALPHABET = "ACEHJKNPRTUXY379"

WIDTH, HEIGHT = 200, 70
_GLYPH_SIZE = 52
_VARIANTS = 8
_OVERLAP = 3
_THRESHOLD = [0] * 128 + [255] * 128

_random = secrets.SystemRandom()


def draw(answer: str) -> bytes:
    """Return a black-and-white PNG of the answer; every call draws it differently."""
    canvas = Image.new("L", (WIDTH, HEIGHT), 255)
    _write(canvas, answer)
    canvas = ImageChops.difference(canvas, _cover())
    data = io.BytesIO()
    canvas.point(_THRESHOLD, "1").save(data, "PNG", compress_level=9)
    return data.getvalue()


@lru_cache(maxsize=64)
def _glyphs(character: str) -> tuple[Image.Image, ...]:
    """Render one character, tilted and slanted several ways; kept because this is the slow part."""
    font = ImageFont.load_default(_GLYPH_SIZE)
    return tuple(_distorted(character, font) for _ in range(_VARIANTS))


def _distorted(character: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> Image.Image:
    side = 2 * _GLYPH_SIZE
    glyph = Image.new("L", (side, side))
    ImageDraw.Draw(glyph).text((side / 2, side / 2), character, 255, font, anchor="mm", stroke_width=1)
    slant = _random.uniform(-0.2, 0.2)
    height = _random.uniform(0.85, 1.0)
    middle = side / 2
    glyph = glyph.transform(
        glyph.size,
        Image.Transform.AFFINE,
        (1, slant, -slant * middle, 0, height, middle * (1 - height)),
        Image.Resampling.BILINEAR,
    )
    glyph = glyph.rotate(_random.uniform(-17, 17), Image.Resampling.BILINEAR)
    return glyph.crop(glyph.getbbox())


def _write(canvas: Image.Image, answer: str) -> None:
    """Put the characters side by side, a little into each other; what overlaps is inverted."""
    glyphs = [_random.choice(_glyphs(character)) for character in answer]
    total = sum(glyph.width - _OVERLAP for glyph in glyphs)
    left = max((WIDTH - total) // 2 + _random.randint(-4, 4), 2)
    for glyph in glyphs:
        spare = max(HEIGHT - glyph.height, 0)
        top = spare // 2 + _random.randint(-spare // 4, spare // 4)
        box = (left, top, left + glyph.width, top + glyph.height)
        canvas.paste(ImageChops.difference(canvas.crop(box), glyph), box)
        left += glyph.width - _OVERLAP - _random.randint(0, 2)


def _cover() -> Image.Image:
    """Return two curves; the picture is inverted wherever they lie."""
    cover = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(cover)
    pen.line(_wave(HEIGHT * 0.45), fill=255, width=3)
    pen.line(_wave(HEIGHT * 0.55), fill=255, width=2)
    return cover


def _wave(middle: float) -> list[tuple[float, float]]:
    swing = _random.uniform(8, 14)
    phase = _random.uniform(0, math.tau)
    length = _random.uniform(110, 200)
    middle += _random.uniform(-5, 5)
    return [(x, middle + swing * math.sin(phase + math.tau * x / length)) for x in range(-5, WIDTH + 10, 5)]
