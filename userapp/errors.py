"""What can be refused, as facts: one class per public number, and the registry that keeps the numbers unique.

AppError
├── general           Unknown -1 · NotSignedIn -2 · ServerError -3 · InvalidInput -13 · PostRequired 10108 · HTTP facts
├── identifiers       EmailMalformed 10000 … (raised by more than one feature, therefore here)
├── delivery          MailNotSent 10901 · SmsNotSent 10902
└── codes             TooSoon 10817
Every other number is raised, and declared, by its feature.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType


class AppError(Exception):
    """A refusal with a public number, its natural HTTP status, the documents' message and the field it is about."""

    number: int = -1
    status: int = 403
    message: str = "未知错误"
    field: str | None = None

    def __init__(
        self, field: str | None = None, retry_after: int | None = None, allow: str | None = None, **values: object
    ) -> None:
        """Fill `message` with `values`; `retry_after` is in seconds, `allow` the methods a 405 would name."""
        self.field = field or type(self).field
        self.retry_after = retry_after
        self.allow = allow
        self.values = values
        super().__init__(self.text_in(str))

    def text_in(self, translate: object) -> str:
        """The message with its values, put into a language by `translate` (a function from text to text)."""
        text = translate(self.message) if callable(translate) else self.message
        return text.format(**self.values) if self.values else text

    @property
    def text(self) -> str:
        """The message as the documents spell it."""
        return self.text_in(str)


class Unknown(AppError):
    """-1: a failure nobody gave a number."""


class NotSignedIn(AppError):
    """-2: no valid credential came with the request."""

    number, status, message = -2, 401, "当前未登录，请登录"


class ServerError(AppError):
    """-3: an unexpected failure; its cause is in the log under the request id."""

    number, status, message = -3, 500, "服务器错误"


class InvalidInput(AppError):
    """-13: a parameter of the wrong type, or a body that cannot be read."""

    number, status, message = -13, 422, "参数类型错误"


class CrossSite(AppError):
    """403: a request that changes something came from another site."""

    number, status, message = 403, 403, "跨站请求被拒绝"


class NotAllowed(AppError):
    """4030: signed in, but this is not for this caller."""

    number, status, message = 4030, 403, "没有权限"


class NotFresh(AppError):
    """4031: the password was given too long ago for what is asked."""

    number, status, message = 4031, 403, "请重新输入密码"


class NotFound(AppError):
    """404: no such page."""

    number, status, message = 404, 404, "页面未找到"


class MethodNotAllowed(AppError):
    """405: the path knows other methods only."""

    number, status, message = 405, 405, "请求方法不被允许"


class TooLarge(AppError):
    """413: the body is larger than this path takes."""

    number, status, message = 413, 413, "请求内容过大"


class TooMany(AppError):
    """429: too many requests of one caller."""

    number, status, message = 429, 429, "请求过于频繁，请稍后再试"


class Overloaded(AppError):
    """503: the hash queue is full, or the database cannot be reached."""

    number, status, message = 503, 503, "服务繁忙，请稍后再试"


class BadRequest(AppError):
    """400: the HTTP request itself is broken, or asks for a host that is not ours."""

    number, status, message = 400, 400, "无效请求"


class PostRequired(AppError):
    """10108: a GET came to an endpoint that only changes things."""

    number, status, message = 10108, 405, "请使用 POST 请求"


class EmailMalformed(AppError):
    """10000: the e-mail address cannot be one."""

    number, status, message, field = 10000, 422, "邮箱格式不正确", "email"


class PhoneTaken(AppError):
    """10005: another account has this phone number."""

    number, status, message, field = 10005, 409, "手机号已存在", "phone"


class PhoneMalformed(AppError):
    """10006: the phone number cannot be one that receives messages."""

    number, status, message, field = 10006, 422, "手机号格式不正确", "phone"


class NameAllDigits(AppError):
    """10007: a user name of digits would be taken for an account number."""

    number, status, message, field = 10007, 422, "用户名不能全为数字", "uname"


class NameMalformed(AppError):
    """10008: a user name with other characters than letters, digits, `_` and `-`, or of a wrong length."""

    number, status, message, field = 10008, 422, "用户名包含特殊字符", "uname"


class Unreachable(AppError):
    """10010: the account would have neither phone nor e-mail."""

    number, status, message, field = 10010, 422, "无效参数：缺少手机或邮箱", "email"


class WrongPassword(AppError):
    """10101: the password is not this account's."""

    number, status, message, field = 10101, 403, "密码错误", "password"


class TooManyFailures(AppError):
    """10110: five wrong passwords in five minutes."""

    number, status, message = 10110, 429, "尝试次数过多，请稍后再试"


class PasswordTooCommon(AppError):
    """10205: the password is on the blocklist, or equals something everybody knows about its owner."""

    number, status, message = 10205, 422, "密码过于常见，请更换"


class AddressMalformed(AppError):
    """10806: document B's line for an e-mail address that cannot be one."""

    number, status, message, field = 10806, 422, "当前邮箱格式不正确", "email"


class AddressVerified(AppError):
    """10808: a verified address moves only through document B's two-sided change."""

    number, status, message, field = 10808, 409, "该操作不允许修改已验证的邮箱", "email"


class AddressTaken(AppError):
    """10809: document B's line for an address another account has."""

    number, status, message, field = 10809, 409, "当前邮箱已存在，请更换新的邮箱地址", "email"


class TooSoon(AppError):
    """10817: one message a minute and ten a day per target."""

    number, status, message = 10817, 429, "发送过于频繁，请稍后再试"


class MailNotSent(AppError):
    """10901: the mail server did not take the message; only the exception's class is told."""

    number, status, message = 10901, 502, "发送邮件失败：{kind}"


class SmsNotSent(AppError):
    """10902: no SMS gateway is set, or it did not take the message."""

    number, status, message = 10902, 502, "发送短信失败"


def declared_in(module: ModuleType) -> Iterable[type[AppError]]:
    """The error classes that a module itself defines."""
    for value in vars(module).values():
        own = isinstance(value, type) and issubclass(value, AppError) and value.__module__ == module.__name__
        if own and "number" in vars(value):
            yield value


class Registry(dict[int, type[AppError]]):
    """Number → class; a number given twice is refused, because clients know it by its first meaning."""

    def add(self, errors: Iterable[type[AppError]]) -> None:
        for error in errors:
            known = self.setdefault(error.number, error)
            if known is not error:
                raise ValueError(f"error number {error.number} of {error.__name__} belongs to {known.__name__}")


def registry(modules: Iterable[ModuleType | None]) -> Registry:
    """The kernel's errors and those of the features; raises ValueError for a number with two meanings."""
    numbers = Registry()
    numbers.add(declared_in(sys.modules[__name__]))
    for module in modules:
        if module is not None:
            numbers.add(declared_in(module))
    return numbers
