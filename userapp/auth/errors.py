"""What signing up, signing in, passwords, tokens and recovery refuse; numbers and lines are the documents'."""

from ..errors import (
    AppError,
    EmailMalformed,
    MailNotSent,
    NameAllDigits,
    NameMalformed,
    PasswordTooCommon,
    PhoneMalformed,
    PhoneTaken,
    SmsNotSent,
    TooManyFailures,
    TooSoon,
    Unreachable,
    WrongPassword,
)


class EmailTaken(AppError):
    """10002: another account has this address."""

    number, status, message, field = 10002, 409, "当前邮箱已存在", "email"


class RegisterPasswordLength(AppError):
    """10001: a new account's password is too short or too long."""

    number, status, message, field = 10001, 422, "密码长度必须在{low}-{high}位之间", "password"


class NotCreated(AppError):
    """10003: the database refused the account for a reason that has no number of its own."""

    number, status, message = 10003, 409, "无法创建新的用户"


class NameTaken(AppError):
    """10004: another account has this user name, in whatever case or width."""

    number, status, message, field = 10004, 409, "用户名已存在", "uname"


class NameOrPasswordMissing(AppError):
    """10009: registration without a user name or a password."""

    number, status, message, field = 10009, 422, "无效参数：缺少用户名或密码", "uname"


class NoSuchUser(AppError):
    """10100: nobody has this identifier."""

    number, status, message, field = 10100, 403, "无此用户", "user"


class BadParameters(AppError):
    """10107: sign-in without an identifier or password, with two identifiers, or for an unknown kind of client."""

    number, status, message, field = 10107, 422, "无效参数", "user"


class AccountDisabled(AppError):
    """10109: the password was right, but an administrator closed the account."""

    number, status, message = 10109, 403, "账号已停用"


class WrongNameOrPassword(AppError):
    """10111: 10100 and 10101 where they may not be told apart."""

    number, status, message, field = 10111, 403, "用户名或密码错误", "user"


class PasswordMissing(AppError):
    """10200: the old or the new password is empty."""

    number, status, message = 10200, 422, "密码不允许使用空值"


class PasswordLength(AppError):
    """10201: the new password is too short or too long."""

    number, status, message = 10201, 422, "密码长度必须在{low}-{high}位之间"


class SamePassword(AppError):
    """10202: the new password is the old one."""

    number, status, message = 10202, 422, "两次密码不能相同"


class WrongOldPassword(AppError):
    """10203: the old password is not this account's."""

    number, status, message = 10203, 403, "原始密码不正确"


class PasswordNotChanged(AppError):
    """10204: the account changed while the password was being changed."""

    number, status, message = 10204, 409, "更新密码信息失败"


class ConfirmTooOld(AppError):
    """10300: `confirm` is missing, garbled or more than ten seconds off."""

    number, status = 10300, 422
    message = "请求超时，或系统时间异常，请在20秒内完成请求，通过`/server_status/time`查看服务器时间"
    field = "confirm"


class TokenNotRefreshed(AppError):
    """10301: another request refreshed the token first."""

    number, status, message = 10301, 409, "无法更新新的Token"


class NoAccountFound(AppError):
    """11004: nobody can be reached at this address."""

    number, status, message, field = 11004, 403, "找不到用户", "email"


class NoResetPending(AppError):
    """11005: this client asked for no code, or the code has expired, was used or was tried too often."""

    number, status, message, field = 11005, 403, "未获取恢复码或已失效", "code"


class WrongResetCode(AppError):
    """11007: the code is not the one that was sent."""

    number, status, message, field = 11007, 403, "恢复码错误", "code"


class ResetPasswordLength(AppError):
    """11008: the new password of a reset is too short or too long."""

    number, status, message, field = 11008, 422, "密码长度必须在{low}-{high}位之间", "new_password"


class ResetParameters(AppError):
    """11012: neither an address to send a code to, nor a code with a new password."""

    number, status, message = 11012, 422, "参数错误"


class CaptchaMissing(AppError):
    """30000: no captcha was given."""

    number, status, message, field = 30000, 422, "请输入验证码", "captcha"


class CaptchaExpired(AppError):
    """30001: the challenge was never fetched, is too old or was tried before."""

    number, status, message, field = 30001, 403, "验证码过期", "captcha"


class CaptchaWrong(AppError):
    """30002: not what the picture says."""

    number, status, message, field = 30002, 403, "验证码错误", "captcha"


# what each endpoint may answer beside what every one may

CAPTCHA = (CaptchaMissing, CaptchaExpired, CaptchaWrong)
SIGNING_IN = (
    *CAPTCHA, BadParameters, NoSuchUser, WrongPassword, WrongNameOrPassword, TooManyFailures, AccountDisabled,
)  # fmt: skip
REGISTERING = (
    *CAPTCHA, BadParameters, NameOrPasswordMissing, Unreachable, NameAllDigits, NameMalformed, NameTaken,
    EmailMalformed, EmailTaken, PhoneMalformed, PhoneTaken, RegisterPasswordLength, PasswordTooCommon, NotCreated,
)  # fmt: skip
CHANGING_PASSWORD = (
    PasswordMissing, PasswordLength, SamePassword, PasswordTooCommon, TooManyFailures, WrongOldPassword,
    PasswordNotChanged,
)  # fmt: skip
RESETTING = (
    CaptchaWrong, ResetParameters, NoAccountFound, NoResetPending, WrongResetCode, ResetPasswordLength,
    PasswordTooCommon, TooSoon, MailNotSent, SmsNotSent,
)  # fmt: skip
