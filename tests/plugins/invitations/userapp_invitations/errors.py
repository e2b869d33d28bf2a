"""What a registration without an invitation is told."""

from userapp.errors import AppError


class NotInvited(AppError):
    """20100: the invitation code is missing or wrong."""

    number, status, message, field = 20100, 403, "邀请码不正确", "invitation"
