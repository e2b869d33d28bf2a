"""A theme: a folder whose templates and static files come before ours, and one colour made readable everywhere."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

Rgb = tuple[float, float, float]
WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
LIGHT_GROUND, DARK_SHEET = "#f4f6f7", "#1b2226"  # of site.css: the harder of each scheme's two grounds to be read on
READABLE = 4.6  # WCAG AA asks for 4.5


def folder(app: Flask) -> Path:
    """Where the theme lies; it need not exist."""
    return Path(app.config["THEME"] or Path(app.instance_path) / "theme")


def stylesheet(colour: str) -> str:
    """The colours of the pages as a style sheet, for light and dark; ValueError for what is not written `#0b6572`."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"USERAPP_SITE_COLOUR is {colour!r}, not six digits as in #0b6572")
    light = _moved(_read(colour), BLACK, _read(LIGHT_GROUND))
    dark = _moved(_read(colour), WHITE, _read(DARK_SHEET))
    bright = _rule(light, deep=_mixed(light, BLACK, 0.25), on=WHITE, tint=_mixed(light, WHITE, 0.9))
    dim = _rule(dark, deep=_mixed(dark, WHITE, 0.35), on=_mixed(dark, BLACK, 0.85), tint=_mixed(dark, BLACK, 0.75))
    return f"{bright}\n@media (prefers-color-scheme: dark) {{ {dim} }}\n@media print {{ :root {{ --main: #000; }} }}\n"


def contrast(one: str, other: str) -> float:
    """How well two colours can be told apart, as WCAG counts it: 1 to 21."""
    return _contrast(_read(one), _read(other))


def _rule(main: Rgb, *, deep: Rgb, on: Rgb, tint: Rgb) -> str:
    colours = {"main": main, "main-deep": deep, "on-main": on, "tint": tint}
    return ":root { " + " ".join(f"--{name}: {_written(value)};" for name, value in colours.items()) + " }"


def _moved(colour: Rgb, towards: Rgb, ground: Rgb) -> Rgb:
    """The colour, as far towards black or white as it must go to be read on `ground`."""
    shades = (_mixed(colour, towards, step / 50) for step in range(51))
    return next(shade for shade in shades if _contrast(shade, ground) >= READABLE)


def _mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def _contrast(one: Rgb, other: Rgb) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _read(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(colour: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
