"""Devices that signed in to an account before: a signed cookie that outlives sign-out and names no account."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from itsdangerous import BadData

from .. import keys

COOKIE = "device"
LIFE = 400 * 86400
KINDS = {"web": "session", "android": "token", "ios": "token", "api": "token"}
MOST_ACCOUNTS = 5


@dataclass(frozen=True)
class Device:
    """The device a request comes from; `live_user_id` is the account of a live token it presents."""

    key: str = ""
    accounts: tuple[str, ...] = ()
    live_user_id: int | None = None

    def knows(self, user_id: int) -> bool:
        """Whether somebody signed in to this account here before."""
        return self.live_user_id == user_id or (bool(self.key) and _mark(self.key, user_id) in self.accounts)

    def remembering(self, user_id: int) -> str:
        """The cookie's next value, with this account the most recent of five."""
        key = self.key or secrets.token_hex(12)
        mark = _mark(key, user_id)
        others = [account for account in self.accounts if account != mark]
        return str(keys.signer("device").dumps([key, [mark, *others][:MOST_ACCOUNTS]]))


def read(cookie: str, live_user_id: int | None) -> Device:
    """The device a cookie tells of; a forged or retired one is a new device."""
    if not cookie:
        return Device(live_user_id=live_user_id)
    try:
        key, accounts = keys.signer("device").loads(cookie[:1000], max_age=LIFE)
    except (BadData, ValueError, TypeError):
        return Device(live_user_id=live_user_id)
    return Device(key, tuple(accounts), live_user_id)


def _mark(key: str, user_id: int) -> str:
    return keys.mac("device", f"{key}:{user_id}").hex()[:16]
