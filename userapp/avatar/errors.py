"""The refusals of document B's table 107, one class a line; each docstring is the condition that raises it."""

from __future__ import annotations

from ..errors import AppError


class AvatarError(AppError):
    """Anything this feature refuses."""

    field = "avatar"


class WrongFieldName(AvatarError):
    """A file came, but under another field name than `avatar`."""

    number, status, message = 10700, 422, "不合法的文件字段名称"


class NotMultipart(AvatarError):
    """The body is not `multipart/form-data`."""

    number, status, message = 10701, 415, "必须使用Multipart类型表单上传文件"


class NoFile(AvatarError):
    """No file part at all, or `avatar` came as text or without a file name."""

    number, status, message = 10702, 422, "上传的文件不存在"


class TooLarge(AvatarError):
    """The file is larger than `AVATAR_MAX_BYTES`, or the body is larger than that and its envelope."""

    number, status, message = 10703, 413, "超过头像最大上传大小，请从新选择"


class NoLargeFolder(AvatarError):
    """The folder of the large size cannot be created; an object store has no folders and never raises it."""

    number, status, message = 10704, 500, "无法创建大号头像文件夹"


class NoMiddleFolder(AvatarError):
    """The folder of the middle size cannot be created; an object store has no folders and never raises it."""

    number, status, message = 10705, 500, "无法创建中号头像文件夹"


class NoSmallFolder(AvatarError):
    """The folder of the small size cannot be created; an object store has no folders and never raises it."""

    number, status, message = 10706, 500, "无法创建小号头像文件夹"


class TooSmall(AvatarError):
    """The picture, or the square chosen from it, is narrower or lower than `AVATAR_MIN_SIDE` pixels."""

    number, status, message = 10707, 422, "图片最小宽度为200x200，不允许小于此值"


class Unreadable(AvatarError):
    """The file is empty, damaged, of a foreign format, or has more pixels or scans than allowed."""

    number, status, message = 10708, 422, "无法读取当前上传的头像"


class LargeNotStored(AvatarError):
    """The large size cannot be written: disk full, or the object store is down."""

    number, status, message = 10709, 500, "无法存储大号头像"


class MiddleNotStored(AvatarError):
    """The middle size cannot be written: disk full, or the object store is down."""

    number, status, message = 10710, 500, "无法存储中等头像"


class SmallNotStored(AvatarError):
    """The small size cannot be written: disk full, or the object store is down."""

    number, status, message = 10711, 500, "无法存储小号头像"


class RowNotUpdated(AvatarError):
    """The pictures were written, but the database did not take the change."""

    number, status, message = 10712, 500, "无法更新服务器头像状态"


NO_FOLDER: dict[str, type[AvatarError]] = {
    "large": NoLargeFolder,
    "middle": NoMiddleFolder,
    "small": NoSmallFolder,
}
NOT_STORED: dict[str, type[AvatarError]] = {
    "large": LargeNotStored,
    "middle": MiddleNotStored,
    "small": SmallNotStored,
}
UPLOADING: tuple[type[AppError], ...] = (
    WrongFieldName, NotMultipart, NoFile, TooLarge, TooSmall, Unreadable, RowNotUpdated,
    *NO_FOLDER.values(), *NOT_STORED.values(),
)  # fmt: skip
