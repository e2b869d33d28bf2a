"""How often passwords may be guessed, and how often it is told who exists; counted before anything is computed."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import Connection

from .. import budgets
from ..errors import AppError, TooManyFailures, WrongPassword
from ..extensions import writing
from .errors import NoSuchUser, WrongNameOrPassword

ADDRESS = "login-address"
ALL = ("login-all", "all")
IN_A_ROW, LONG = "login-in-a-row", 400 * 86400


def charge(account: str, network: str, known: bool = False) -> None:
    """Count one guess on an account (or on a name nobody has), on an address and on the service as a whole.

    Raises TooManyFailures (10110). A `known` device is not held back by what others try against the whole service.
    """
    with writing() as connection:
        wait = charge_in(connection, account, network, known)
    if wait:
        raise TooManyFailures(retry_after=wait)


def charge_in(connection: Connection, account: str, network: str, known: bool = False) -> int:
    """As `charge`, within the caller's transaction: how many seconds to wait, 0 where the guess may be compared."""
    config = current_app.config
    window = config["LOGIN_WINDOW"]
    wait = budgets.charge_in(connection, "login", account, config["LOGIN_TRIES"], window, extend=True)
    if not wait and (most := config["LOGIN_TRIES_IN_A_ROW"]):
        wait = window if budgets.charge_in(connection, IN_A_ROW, account, most, LONG, extend=True) else 0
    if not wait and config["ADDRESS_LIMITS"]:
        wait = budgets.charge_sliding_in(connection, ADDRESS, network, config["ADDRESS_LOGIN_TRIES"], window)
    if not wait and config["ALL_LOGIN_TRIES"] and not known:
        wait = budgets.charge_in(connection, *ALL, config["ALL_LOGIN_TRIES"], window)
    return wait


def give_back(account: str, network: str, known: bool = False) -> None:
    """Undo `charge` for a guess that was never compared."""
    with writing() as connection:
        for name in _counts():
            budgets.refund_in(connection, name, account)
        succeed(connection, network, known)


def succeed(connection: Connection, network: str, known: bool = False) -> None:
    """A right password is no guess: give back what it cost its address and the service, in the caller's transaction."""
    config = current_app.config
    if config["ADDRESS_LIMITS"]:
        budgets.refund_sliding_in(connection, ADDRESS, network, config["LOGIN_WINDOW"])
    if config["ALL_LOGIN_TRIES"] and not known:
        budgets.refund_in(connection, *ALL)


def forget(connection: Connection, account: str) -> None:
    """A right password clears an account's failures, in the caller's transaction."""
    for name in _counts():
        budgets.clear(connection, name, account)


def _counts() -> tuple[str, ...]:
    """What an account's guesses are counted as."""
    return ("login", IN_A_ROW) if current_app.config["LOGIN_TRIES_IN_A_ROW"] else ("login",)


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
