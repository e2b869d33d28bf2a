"""What the one-time link of an operator refuses."""

from ..errors import AppError


class LinkDead(AppError):
    """11200: the link is garbled, used, too old, or the account has changed since it was made."""

    number, status, message = 11200, 410, "链接无效或已使用"


class SetupPasswordLength(AppError):
    """11201: the password is shorter or longer than allowed."""

    number, status, message, field = 11201, 422, "密码长度必须在{low}-{high}位之间", "new_password"
