"""How often passwords may be guessed, and how often it is told who exists; counted before anything is computed."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import Connection

from .. import budgets
from ..errors import AppError, TooManyFailures, WrongPassword
from .errors import NoSuchUser, WrongNameOrPassword


def charge(account: str, network: str) -> None:
    """Count one guess on an account (or on a name nobody has) and on an address; raises TooManyFailures (10110)."""
    config = current_app.config
    if wait := budgets.charge("login", account, config["LOGIN_TRIES"], config["LOGIN_WINDOW"], extend=True):
        raise TooManyFailures(retry_after=wait)
    if not config["ADDRESS_LIMITS"]:
        return
    if wait := budgets.charge("login-address", network, config["ADDRESS_LOGIN_TRIES"], config["LOGIN_WINDOW"]):
        raise TooManyFailures(retry_after=wait)


def give_back(account: str, network: str) -> None:
    """Undo `charge` for a guess that was never compared."""
    budgets.refund("login", account)
    budgets.refund("login-address", network)


def forget(connection: Connection, account: str) -> None:
    """A right password clears an account's failures, in the caller's transaction."""
    budgets.clear(connection, "login", account)


def refusal(kind: str, exists: bool, network: str) -> AppError:
    """无此用户 or 密码错误 where the profile tells them apart and the address was not told too often; or 10111."""
    told = current_app.config["DISCLOSURE"]
    if told == "never" or (told == "names" and kind not in ("uname", "uid")):
        return WrongNameOrPassword()
    if not may_disclose(network):
        return WrongNameOrPassword()
    return WrongPassword() if exists else NoSuchUser()


def may_disclose(network: str) -> bool:
    """Charge one answer that tells who exists; False when an address has had its share of the hour."""
    config = current_app.config
    if not config["ADDRESS_LIMITS"]:
        return True
    return budgets.charge("disclosure", network, config["DISCLOSURES"], 3600) == 0
