"""What keeping notes refuses."""

from userapp.errors import AppError


class NoteMalformed(AppError):
    """20000: a note without text, or of more than 500 characters."""

    number, status, message, field = 20000, 422, "笔记须为 1–500 个字符", "note"


class TooManyNotes(AppError):
    """20001: the account keeps as many notes as NOTES_MOST allows."""

    number, status, message, field = 20001, 409, "笔记数量已达上限", "note"
