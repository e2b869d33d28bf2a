"""The shape of an upload: a multipart form with the file `avatar` and, if wanted, the square to cut from it."""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from ..errors import InvalidInput
from ..forms import BaseForm, FileField, TextField
from .errors import NoFile, NotMultipart, TooLarge, WrongFieldName

# Far beyond any picture that is accepted; Python's int() would take thousands of digits.
LONGEST_NUMBER = 12


class AvatarForm(BaseForm):
    """An upload of either document; `x`, `y` and `side` are pixels of the upright picture."""

    avatar = FileField("头像", description="The picture: PNG, JPEG, WebP or GIF.")
    x = TextField(description="Left edge of the square to cut out, in pixels of the upright picture.")
    y = TextField(description="Its upper edge.")
    side = TextField(description="Its side; without the three the square is the middle of the picture.")
    needs = ("avatar",)
    picture: bytes = b""

    @classmethod
    def of(cls, request: Request) -> AvatarForm:
        """Fill the form; raises 10700 to 10703 for what cannot be an upload."""
        if request.mimetype != "multipart/form-data":
            raise NotMultipart()
        try:
            picture = _file(request)
        except RequestEntityTooLarge:
            raise TooLarge() from None
        form = super().of(request)
        assert isinstance(form, AvatarForm)
        form.picture = picture
        return form

    def check(self) -> None:
        """Raise InvalidInput (-13) for a square that is not three numbers."""
        self.square()

    def square(self) -> tuple[int, int, int] | None:
        """Return the square as (x, y, side); None where none was sent: the centre."""
        sent = {name: self.text(name) for name in ("x", "y", "side")}
        if not any(sent.values()):
            return None
        x, y, side = (_pixels(name, text) for name, text in sent.items())
        return x, y, side


def _pixels(name: str, text: str) -> int:
    """Read a number; scripts send halves of pixels, too."""
    whole, _, fraction = text.partition(".")
    if not whole.isdecimal() or len(text) > LONGEST_NUMBER * 3 or len(whole) > LONGEST_NUMBER:
        raise InvalidInput(field=name)
    if fraction and not fraction.isdecimal():
        raise InvalidInput(field=name)
    return int(whole)


def _file(request: Request) -> bytes:
    found = request.files.get("avatar")
    if found is not None and found.filename:
        return bytes(found.read())
    elsewhere = any(file.filename for name, file in request.files.items(multi=True) if name != "avatar")
    if found is None and elsewhere and "avatar" not in request.form:
        raise WrongFieldName()
    raise NoFile()
