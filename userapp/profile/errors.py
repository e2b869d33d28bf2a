"""What changing one's information refuses beyond the identifiers' own errors."""

from ..errors import AppError


class WrongGender(AppError):
    """30100: neither 0, 1, 2 nor one of document B's spellings."""

    number, status, message, field = 30100, 422, "性别不正确", "gender"


class IntroTooLong(AppError):
    """30101: more than 500 characters."""

    number, status, message, field = 30101, 422, "个人介绍过长", "intro"


class WrongLanguage(AppError):
    """30102: neither zh nor en, nor empty for the browser's."""

    number, status, message, field = 30102, 422, "语言不正确", "language"
