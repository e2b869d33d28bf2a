"""What calling a deletion off refuses."""

from ..errors import AppError


class NothingToCallOff(AppError):
    """11100: nobody asked to delete this account, the link is too old, or the account is gone."""

    number, status, message = 11100, 410, "没有等待中的删除请求，或链接已失效"
