"""People who upload pictures to a running service, and what is shown of them."""

from __future__ import annotations

import io
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.burst import Answer, Shot, burst, post
from tests.conftest import ANSWER, PASSWORD

ENVIRONMENT = {"USERAPP_CAPTCHA_ANSWER": ANSWER, "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_AVATAR_PER_HOUR": "100000"}
SIZES = ("large", "middle", "small")


def picture(red: int, side: int = 300) -> bytes:
    """A picture that its redness tells apart."""
    out = io.BytesIO()
    Image.new("RGB", (side, side), (red, 0, 0)).save(out, "PNG")
    return out.getvalue()


def red(data: bytes) -> int:
    """The redness of a picture that is shown, or that lies on the disk."""
    with Image.open(io.BytesIO(data)) as shown:
        shown.load()
        return int(shown.convert("RGB").getpixel((9, 9))[0])  # type: ignore[index]


@dataclass
class Person:
    """Somebody with a token."""

    port: int
    token: str = ""
    number: int = 0
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, port: int, name: str) -> Person:
        """Register and sign in."""
        fields = {"uname": name, "password": PASSWORD, "captcha": ANSWER}
        made = post(port, "/user/register", fields | {"email": f"{name}@example.com"}, Cookie=captcha(port))
        assert made.json["status"], made.body
        found = post(port, "/user/login", fields | {"client": "api"}, Cookie=captcha(port)).json
        assert found["status"], found
        return cls(port, found["data"]["token"], found["data"]["id"])

    def shot(self, data: bytes) -> Shot:
        """An upload, ready to be sent."""
        boundary, body = encode_multipart({"avatar": FileStorage(io.BytesIO(data), "a.png")})
        kind = f"multipart/form-data; boundary={boundary}"
        return Shot("/user/upload_avatar", {}, {"token": self.token}, body, kind)

    def upload(self, data: bytes) -> Answer:
        """Upload and wait for the answer."""
        return burst(self.port, [self.shot(data)])[0]

    def remove(self) -> Answer:
        """Go back to the default picture."""
        return post(self.port, "/user/avatar/remove", {}, token=self.token)

    def pictures(self) -> dict[str, str]:
        """The addresses of the three sizes."""
        return dict(post(self.port, "/user/info", {}, token=self.token).json["data"]["avatar_more"])

    def second(self) -> int:
        """The `_t` of the picture shown; 0 without one."""
        return second(self.pictures()["large"])


def second(url: str) -> int:
    """The `_t` of an address; 0 for a default picture."""
    return int(url.partition("_t=")[2] or 0)


def fetch(url: str, accept: str = "*/*") -> bytes:
    """What is behind an address."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return bytes(reply.read())


def captcha(port: int) -> str:
    """A cookie with a fresh challenge."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/user/captcha", timeout=30) as reply:
        return str(reply.headers["Set-Cookie"]).partition(";")[0]


def six(folder: Any) -> set[int]:
    """The redness of the six files of an upload: one value, if they belong together."""
    files = [f"{size}.{kind}" for size in SIZES for kind in ("png", "webp")]
    assert sorted(path.name for path in folder.iterdir()) == files
    shades = {red((folder / file).read_bytes()) for file in files if file.endswith("png")}
    near = [red((folder / file).read_bytes()) for file in files if file.endswith("webp")]
    assert all(abs(shade - min(shades)) <= 4 for shade in near)
    return shades
