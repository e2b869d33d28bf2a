"""Words that must never come out again, and the forms in which they could."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[str]:
    """A secret as it could stand in a log, a page, a header or an address."""
    raw = secret.encode()
    packed = base64.b64encode(raw).decode().rstrip("=")[:-1]
    texts = {secret, secret.lower(), html.escape(secret), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    addresses = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return texts | addresses | {packed, packed.replace("+", "-").replace("/", "_"), raw.hex()}


def found_in(text: str, *secrets: str) -> list[str]:
    """The secrets that stand in a text, in any form."""
    return [secret for secret in secrets if any(form in text for form in forms(secret))]
