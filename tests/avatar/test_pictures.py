"""What becomes of an uploaded picture: upright, right in colour, without metadata, and never more work than allowed."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from userapp.avatar.errors import TooSmall, Unreadable
from userapp.avatar.pictures import FORMATS, TURNS, make_sizes, scans

SIZES = {"large": 200, "middle": 120, "small": 48}
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 30), (30, 30, 220), (255, 255, 255)
# What leads from an upright picture to one stored with this EXIF orientation.
STORED = {
    1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


def pattern(width: int = 480, height: int = 320) -> Image.Image:
    """Red, green / blue, white."""
    picture = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    draw.rectangle((width // 2, 0, width - 1, height // 2 - 1), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height - 1), fill=BLUE)
    return picture


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def corners(data: bytes) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters."""
    picture = Image.open(io.BytesIO(data))
    near, far = picture.width // 4, picture.width * 3 // 4
    return [picture.getpixel(at) for at in ((near, near), (far, near), (near, far), (far, far))]  # type: ignore[misc]


def off(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> float:
    """The mean error of a channel."""
    pairs = [(f, w) for one, other in zip(found, wanted, strict=True) for f, w in zip(one, other, strict=True)]
    return sum(abs(f - w) for f, w in pairs) / len(pairs)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that only says how large it is."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
def test_squares_of_the_right_sizes_as_png_and_webp(kind: str) -> None:
    made = make_sizes(encoded(pattern(), kind), None, SIZES)
    assert len(made) == 6
    for name, side in SIZES.items():
        for ending in ("png", "webp"):
            picture = Image.open(io.BytesIO(made[f"{name}.{ending}"]))
            assert (picture.format, picture.size, picture.mode) == (ending.upper(), (side, side), "RGB")
            assert off(corners(made[f"{name}.{ending}"]), [RED, GREEN, BLUE, WHITE]) <= 25


@pytest.mark.parametrize(
    ("kind", "turn"), [*(("JPEG", n) for n in range(1, 9)), *((k, n) for k in ("PNG", "WEBP") for n in (1, 6))]
)
def test_upright_and_bare(kind: str, turn: int) -> None:
    stored = pattern() if STORED[turn] is None else pattern().transpose(STORED[turn])
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = turn, "SECRET"
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": b"SECRET-PROFILE"}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Comment", "SECRET")
    if kind == "JPEG":
        options |= {"comment": b"SECRET", "xmp": b"SECRET"}
    for data in make_sizes(encoded(stored, kind, **options) + b"SECRET", None, SIZES).values():
        assert off(corners(data), [RED, GREEN, BLUE, WHITE]) <= 25
        assert b"SECRET" not in data
        assert not any(chunk in data for chunk in (b"eXIf", b"iCCP", b"tEXt", b"EXIF", b"ICCP", b"XMP "))


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_square_is_one_of_the_upright_picture(turn: int) -> None:
    stored = pattern() if STORED[turn] is None else pattern().transpose(STORED[turn])
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(stored, "JPEG", exif=exif.tobytes(), quality=95)
    middle = make_sizes(data, (140, 60, 200), SIZES)["large.png"]
    assert off(corners(middle), [RED, GREEN, BLUE, WHITE]) <= 25
    right = make_sizes(data, (280, 60, 200), SIZES)["large.png"]
    assert off(corners(right), [GREEN, GREEN, WHITE, WHITE]) <= 25


def test_a_square_beyond_the_edge_is_moved_inside_and_a_tiny_one_refused() -> None:
    data = encoded(pattern(), "PNG")
    assert make_sizes(data, (10**11, 10**11, 200), SIZES) == make_sizes(data, (280, 120, 200), SIZES)
    assert make_sizes(data, (0, 0, 10**11), SIZES)
    with pytest.raises(TooSmall):
        make_sizes(data, (0, 0, 199), SIZES)


def transparent(mode: str) -> tuple[bytes, list[tuple[int, ...]]]:
    """A picture whose red quarter is transparent."""
    picture = pattern()
    if mode == "tRNS":
        return encoded(picture, "PNG", transparency=RED), [WHITE, GREEN, BLUE, WHITE]
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, 240, 160))
    picture.putalpha(alpha)
    if mode == "P":
        return encoded(picture.quantize(16), "PNG"), [WHITE, GREEN, BLUE, WHITE]
    if mode == "LA":
        grey = [(g, g, g) for g in (255, 118, 52, 255)]
        return encoded(picture.convert("LA"), "PNG"), grey  # type: ignore[return-value]
    return encoded(picture, mode, lossless=True), [WHITE, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("mode", ["PNG", "WEBP", "P", "LA", "tRNS"])
def test_what_is_transparent_is_on_white(mode: str) -> None:
    data, wanted = transparent(mode)
    assert off(corners(make_sizes(data, None, SIZES)["large.png"]), wanted) <= 25


def test_cmyk_and_sixteen_bits_keep_their_colours() -> None:
    cmyk = make_sizes(encoded(pattern().convert("CMYK"), "JPEG", quality=92), None, SIZES)["large.png"]
    assert off(corners(cmyk), [RED, GREEN, BLUE, WHITE]) <= 25
    deep = make_sizes(encoded(Image.new("I;16", (300, 240), 40000), "PNG"), None, SIZES)["large.png"]
    assert off(corners(deep), [(156, 156, 156)] * 4) <= 2


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (220, 220), colour) for colour in (RED, GREEN, BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert off(corners(make_sizes(data, None, SIZES)["large.png"]), [RED] * 4) <= 25


def half(kind: str) -> bytes:
    """The first half of a picture's file."""
    whole = encoded(pattern(), kind)
    return whole[: len(whole) // 2]


NASTY: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>",
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\nshowpage\n%%EOF\n",
    "bitmap": lambda: encoded(pattern(), "BMP"),
    "side": lambda: png_header(10_001, 300),
    "pixels": lambda: png_header(5001, 5000),
    "gigapixels": lambda: png_header(2**31 - 1, 2**31 - 1),
    "webp": lambda: encoded(Image.new("RGB", (3100, 3100)), "WEBP", lossless=True, method=0),
    "no pixels": lambda: png_header(300, 300),
    "garbage": lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 300, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", b"not zlib") + chunk(b"IEND", b""),
    "text bomb": lambda: encoded(pattern(), "PNG")[:33] + chunk(b"zTXt", b"c\0\0" + zlib.compress(b"A" * (64 << 20)))
    + encoded(pattern(), "PNG")[33:],
    **{f"half a {kind}": partial(half, kind) for kind in FORMATS},
}  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_what_is_no_picture_is_refused(name: str) -> None:
    with pytest.raises(Unreadable):
        make_sizes(NASTY[name](), None, SIZES)


def test_a_picture_below_the_smallest_side() -> None:
    for size in ((199, 400), (400, 199)):
        with pytest.raises(TooSmall):
            make_sizes(encoded(pattern(*size), "PNG"), None, SIZES)
    assert make_sizes(encoded(pattern(200, 200), "PNG"), None, SIZES)


def test_scans_are_counted_where_they_are_and_bounded() -> None:
    thumbnail = encoded(pattern(), "JPEG")
    plain = encoded(pattern(), "JPEG", comment=thumbnail[:60_000])
    assert scans(plain) == 1
    progressive = encoded(pattern(), "JPEG", progressive=True)
    assert 1 < scans(progressive) <= 12
    last, end = progressive.rfind(b"\xff\xda"), progressive.rfind(b"\xff\xd9")
    bomb = progressive[:end] + progressive[last:end] * 40 + progressive[end:]
    assert scans(bomb) == scans(progressive) + 40
    with pytest.raises(Unreadable):
        make_sizes(bomb, None, SIZES)
    assert scans(progressive + thumbnail) == scans(progressive)


def test_every_turn_is_known() -> None:
    assert set(TURNS) == {turn for turn, stored in STORED.items() if stored is not None}
