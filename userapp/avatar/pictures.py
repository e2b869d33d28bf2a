"""An uploaded picture becomes one upright square in several PNG sizes, within bounded time and memory."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .errors import TooSmall, Unreadable

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

# What is decoded has at least this many pixels for each one of the largest size: below, details begin to differ.
OVERSAMPLING = 3.7

# Averaging before resampling stops at this many pixels for each one of the result: with three, differences are seen.
REDUCING_GAP = 4.0

# What each size is kept as, by its file's ending; the documents know PNG, WebP goes to those who ask for it.
KINDS: dict[str, dict[str, Any]] = {"png": {"format": "PNG"}, "webp": {"format": "WEBP", "quality": 90}}

# Rows turned into plain RGB at a time, so that a large picture never exists twice.
STRIP = 256

# EXIF orientation -> what turns the stored pixels upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# In a JPEG, 0xFF followed by 0x00 is data and by 0xD0-0xD7 a restart inside a scan; anything else is a marker.
MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Limits:
    """What a picture may measure; WebP's decoder needs 15 bytes a pixel, the others 4."""

    min_side: int = 200
    max_side: int = 10_000
    max_pixels: int = 25_000_000
    max_webp_pixels: int = 9_000_000
    max_scans: int = 32


DEFAULT_LIMITS = Limits()


def make_sizes(
    data: bytes,
    square: tuple[int, int, int] | None,
    sizes: Mapping[str, int],
    limits: Limits = DEFAULT_LIMITS,
    kinds: Iterable[str] = tuple(KINDS),
) -> dict[str, bytes]:
    """Cut `square` (x, y, side of the upright picture; None: the centre); returns `large.png`, `large.webp`, …"""
    picture = _open(data, limits)
    turn = _orientation(picture)
    box = _raw_box(picture.size, turn, square, limits)
    pixels, box = _shrink(*_decode(picture, box, max(sizes.values())), max(sizes.values()))
    made = {}
    for name, side in sizes.items():
        resized = pixels.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP)
        for kind in kinds:
            made[f"{name}.{kind}"] = _encoded(_upright(resized, turn), kind)
    return made


def scans(data: bytes) -> int:
    """Return how many scans a JPEG holds; each one costs a pass over all its pixels."""
    found, position = 0, 2
    while match := MARKER.search(data, position):
        marker, position = match.group(1)[0], match.end()
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        found += marker == 0xDA
        position += max(2, int.from_bytes(data[position : position + 2], "big"))
    return found


def _open(data: bytes, limits: Limits) -> Image.Image:
    # Every scan has this marker, so counting it, which is fast, spares nearly all pictures the reading of theirs.
    if data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > limits.max_scans and scans(data) > limits.max_scans:
        raise Unreadable()
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # Pillow's parsers raise a dozen unrelated classes on hostile bytes
        raise Unreadable() from error
    width, height = picture.size
    most = min(limits.max_pixels, limits.max_webp_pixels) if picture.format == "WEBP" else limits.max_pixels
    if max(width, height) > limits.max_side or not 0 < width * height <= most:
        raise Unreadable()
    if min(width, height) < limits.min_side:
        raise TooSmall()
    if not data.startswith(b"\xff\xd8"):
        # PNG keeps its EXIF behind the pixels; asking for it first would swallow the error of damaged ones.
        _load(picture)
    return picture


def _load(picture: Image.Image) -> None:
    expected = picture.size
    try:
        picture.load()
    except Exception as error:  # as in _open: here the damaged and the truncated ones end
        raise Unreadable() from error
    if picture.size != expected:  # a second header behind the data
        raise Unreadable()


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(0x0112, 1))
    except Exception:  # a broken EXIF block is no reason to refuse the picture beside it
        return 1


def _raw_box(size: tuple[int, int], turn: int, square: tuple[int, int, int] | None, limits: Limits) -> Box:
    """Return the square in the stored pixels, where the upright one is given."""
    width, height = size
    if square is None:
        side = min(width, height)
        x, y = (width - side) / 2, (height - side) / 2
        return (x, y, x + side, y + side)
    if square[2] < min(limits.min_side, width, height):
        raise TooSmall()
    side = min(square[2], width, height)
    across, down = (square[1], square[0]) if turn in (5, 6, 7, 8) else (square[0], square[1])
    x, y = min(max(0, across), width - side), min(max(0, down), height - side)
    x = width - side - x if turn in (2, 3, 7, 8) else x
    y = height - side - y if turn in (3, 4, 6, 7) else y
    return (x, y, x + side, y + side)


def _decode(picture: Image.Image, box: Box, largest: int) -> tuple[Image.Image, Box]:
    """Load the pixels, a JPEG at a fraction of its size where that is enough; the box follows."""
    width, height = picture.size
    enough = largest * OVERSAMPLING / (box[2] - box[0])
    drafted = picture.draft(None, (int(width * enough) + 1, int(height * enough) + 1)) if enough < 1 else None
    _load(picture)
    if drafted is None:
        return picture, box
    scale = drafted[1][2] / width
    return picture, (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)


def _shrink(picture: Image.Image, box: Box, largest: int) -> tuple[Image.Image, Box]:
    """Return the pixels as opaque RGB, averaged down to what the sizes need; the box follows."""
    factor = max(1, int((box[2] - box[0]) / (largest * OVERSAMPLING)))
    if factor == 1 and picture.mode == "RGB" and not picture.has_transparency_data:
        return picture, box
    left, top = int(box[0]), int(box[1])
    right, bottom = min(picture.width, -int(-box[2] // 1)), min(picture.height, -int(-box[3] // 1))
    step = max(1, STRIP // factor) * factor
    small = Image.new("RGB", (-(-(right - left) // factor), -(-(bottom - top) // factor)))
    for row in range(top, bottom, step):
        strip = _opaque(picture.crop((left, row, right, min(row + step, bottom))))
        small.paste(strip.reduce(factor), (0, (row - top) // factor))
    inner = ((box[0] - left) / factor, (box[1] - top) / factor, (box[2] - left) / factor, (box[3] - top) / factor)
    return small, inner


def _opaque(strip: Image.Image) -> Image.Image:
    """Return the pixels as 8-bit RGB, transparent ones on white."""
    if strip.mode.startswith("I"):  # 16 bits: a plain conversion would clip them to white
        strip = strip.point(lambda value: value * (1 / 257)).convert("L")
    if not strip.has_transparency_data:
        return strip.convert("RGB")
    canvas = Image.new("RGBA", strip.size, "white")
    canvas.alpha_composite(strip.convert("RGBA"))
    return canvas.convert("RGB")


def _upright(picture: Image.Image, turn: int) -> Image.Image:
    return picture.transpose(TURNS[turn]) if turn in TURNS else picture


def _encoded(picture: Image.Image, kind: str) -> bytes:
    """Return the pixels as a file and nothing else: what Pillow kept of the upload beside them is dropped here."""
    picture.info.clear()
    out = io.BytesIO()
    picture.save(out, **KINDS[kind])
    return out.getvalue()
