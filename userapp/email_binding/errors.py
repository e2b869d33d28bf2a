"""Document B's table 108, but for the lines the kernel declares: 10806, 10808, 10809 and 10817."""

from ..errors import (
    AddressMalformed,
    AddressTaken,
    AddressVerified,
    AppError,
    MailNotSent,
    NotFound,
    TooManyFailures,
    TooSoon,
    WrongPassword,
)


class WrongKindOfMail(AppError):
    """10800: `type` is missing, or names no mail that can be asked for."""

    number, status, message = 10800, 422, "未检查到合法的邮件发送参数"


class NothingToSend(AppError):
    """10801: the address is verified, a further mail would say nothing."""

    number, status, message = 10801, 409, "当前邮箱已验证，无需再次发送邮件"


class NothingPending(AppError):
    """10802: no address to verify, no code or change under way, or it expired, or its tries are spent."""

    number, status, message = 10802, 410, "验证邮件已过期，或数据不存在，请重新发送邮件"


class AlreadyVerified(AppError):
    """10803: a code came for an address that is verified already."""

    number, status, message = 10803, 409, "邮箱已验证，可忽略此过程"


class WrongCode(AppError):
    """10804: the code is missing, or not the one that was mailed."""

    number, status, message, field = 10804, 422, "你的验证码不正确，请输入正确的验证码，或者从新发送到邮箱", "captcha"


class NotVerified(AppError):
    """10805: the code was right, but the account changed in that very moment."""

    number, status, message = 10805, 409, "无法更新邮箱状态，请重试"


class SameAddress(AppError):
    """10807: the new address is the present one."""

    number, status, message, field = 10807, 422, "不允许与当前邮箱相同", "email"


class AddressNotReplaced(AppError):
    """10810: the account changed while its unverified address was being replaced."""

    number, status, message = 10810, 409, "无法更新用户邮箱地址"


class VerifiedFirst(AppError):
    """10811: only a verified address is changed by asking both mailboxes."""

    number, status, message = 10811, 409, "必须为已验证的邮箱才能执行此操作"


class OldMailboxUnreachable(AppError):
    """10812: the mail server did not take the mail to the old address."""

    number, status, message = 10812, 502, "原邮件地址无法发送邮件"


class WrongOldCode(AppError):
    """10813: the old mailbox's code is missing or wrong."""

    number, status, message, field = 10813, 422, "原邮箱的验证码不正确，请确认顺序", "old_captcha"


class WrongNewCode(AppError):
    """10814: the new mailbox's code is missing or wrong."""

    number, status, message, field = 10814, 422, "新邮箱的验证码不正确，请确认顺序", "new_captcha"


class NewAddressTaken(AppError):
    """10815: another account has the new address, or got it meanwhile."""

    number, status, message, field = 10815, 409, "新的邮箱已被注册，请更换", "new_email"


class AddressNotChanged(AppError):
    """10816: both codes were right, but the account changed in that very moment."""

    number, status, message = 10816, 409, "更新邮箱地址失败，请重试"


SENDING = (WrongKindOfMail, NothingToSend, NothingPending, TooSoon, MailNotSent)
BINDING = (AlreadyVerified, WrongCode, NothingPending, NotVerified, AddressTaken)
REPLACING = (AddressMalformed, AddressVerified, SameAddress, TooSoon, AddressTaken, MailNotSent, AddressNotReplaced)
CHANGING = (
    VerifiedFirst, AddressMalformed, SameAddress, TooSoon, NewAddressTaken, OldMailboxUnreachable, MailNotSent,
    AddressNotChanged,
)  # fmt: skip
CONFIRMING = (NothingPending, WrongOldCode, WrongNewCode, NewAddressTaken, AddressNotChanged)
RESENDING = (WrongKindOfMail, NothingPending, TooSoon, OldMailboxUnreachable, MailNotSent)
UNDOING = (NothingPending, NewAddressTaken, AddressNotChanged)
LOSING = (
    NotFound, VerifiedFirst, AddressMalformed, SameAddress, TooManyFailures, WrongPassword, TooSoon, NewAddressTaken,
    MailNotSent, AddressNotChanged,
)  # fmt: skip
PROVING = (NotFound, NothingPending, WrongNewCode, NewAddressTaken, AddressNotChanged, TooSoon)
