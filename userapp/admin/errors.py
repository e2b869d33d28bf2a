"""What administrators are refused."""

from ..errors import AppError, NotAllowed, NotFound


class UidMalformed(AppError):
    """12000: an account number with other characters than letters, digits, `_`, `-` and `.`, or like a phone number."""

    number, status, message, field = 12000, 422, "账号只能由 1–30 个字母、数字、_、- 或 . 组成，且不能像手机号", "uid"


class UidTaken(AppError):
    """12001: another account has this account number."""

    number, status, message, field = 12001, 409, "该账号已被使用", "uid"


class OwnAccount(AppError):
    """12002: an administrator would shut themselves out; another one, or the command line, can do it."""

    number, status, message = 12002, 409, "不能对自己的账号执行此操作"


class RealNameMalformed(AppError):
    """12003: a real name of more than 60 characters, or with line breaks."""

    number, status, message, field = 12003, 422, "姓名最多 60 个字符，且不能换行", "name"


class UnknownType(AppError):
    """12004: no such type of account."""

    number, status, message, field = 12004, 422, "账号类型不正确", "user_type"


class WrongConfirmation(AppError):
    """12005: what was typed to confirm a deletion is not the user name."""

    number, status, message, field = 12005, 422, "与要删除的用户名不一致", "uname"


class AddressMoved(AppError):
    """12006: the address to verify is not the account's (any more), or it is verified already."""

    number, status, message, field = 12006, 409, "邮箱已变更或已验证，请刷新后重试", "email"


class WrongFilter(AppError):
    """12007: a filter or a place in the list that does not exist."""

    number, status, message = 12007, 422, "无效的查询条件"


ACTING: tuple[type[AppError], ...] = (NotFound, NotAllowed, OwnAccount)
