"""Keyed hashes and signers, each purpose with a key of its own, and every former secret still accepted."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from flask import current_app
from itsdangerous import URLSafeTimedSerializer


def _secrets() -> list[str]:
    """The present secret first."""
    config = current_app.config
    return [config["SECRET_KEY"], *(config["SECRET_KEY_FALLBACKS"] or [])]


def mac(purpose: str, text: str) -> bytes:
    """The keyed hash of a text, for storing."""
    return _mac(_secrets()[0], purpose, text)


def mac_matches(purpose: str, text: str, known: bytes) -> bool:
    """Whether `known` is the keyed hash of `text` under the present or a former secret."""
    found = [hmac.compare_digest(_mac(secret, purpose, text), known) for secret in _secrets()]
    return any(found)  # all of them were computed, whichever fits


def macs(purpose: str, text: str) -> list[bytes]:
    """The keyed hashes of a text under every accepted secret, for a look-up in a statement."""
    return [_mac(secret, purpose, text) for secret in _secrets()]


def signer(purpose: str) -> URLSafeTimedSerializer:
    """Signs what a client carries for us."""
    return _signer(purpose, *reversed(_secrets()))


@lru_cache(maxsize=64)
def _signer(purpose: str, *secrets: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(secrets), salt=f"userapp.{purpose}")


def _mac(secret: str, purpose: str, text: str) -> bytes:
    return hmac.new(secret.encode(), f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
