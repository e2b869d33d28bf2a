"""The picture of those who have none: an initial on a colour, drawn here, told to no third party."""

from __future__ import annotations

import hashlib
from xml.sax.saxutils import escape

# White text has a contrast of at least 4.5:1 on every one of them.
COLOURS = ("#b3261e", "#8e3a80", "#5b4bb7", "#2f5fb3", "#00687a", "#1f6e43", "#5a6500", "#8a5100", "#6d5e0f", "#5f5e62")

# A head and shoulders, for a name that begins with nothing one could draw.
PERSON = '<circle cx="50" cy="38" r="17" fill="#fff"/><path d="M18 88a32 30 0 0 1 64 0z" fill="#fff"/>'


def draw(user_id: int, name: str, side: int) -> str:
    """Return the SVG of `side` pixels: the first letter of `name`, on the colour of this account."""
    colour = COLOURS[hashlib.sha256(str(user_id).encode()).digest()[0] % len(COLOURS)]
    initial = next((letter.upper()[:1] for letter in name[:1] if letter.isalnum()), "")
    drawn = PERSON
    if initial:
        drawn = (
            '<text x="50" y="50" dy=".36em" text-anchor="middle" fill="#fff" font-size="52" '
            f'font-family="system-ui, sans-serif">{escape(initial)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" fill="{colour}"/>{drawn}</svg>'
    )
