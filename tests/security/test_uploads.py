"""UPL-01, INP-01: names of files and bytes of pictures, to every address that takes a form, on both databases."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from tests.security.sides import Side
from tests.security.strings import CORPORA, names_of_files
from tests.security.sweep import Sweep, encoded
from tests.security.test_strings import alike
from tests.security.test_strings import here as here  # fixtures
from tests.security.test_strings import quiet as quiet
from tests.security.test_strings import there as there

BOUNDARY = "----x"
KIND = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def picture(kind: str = "PNG") -> bytes:
    """A picture that is accepted."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 199)).save(out, kind)
    return out.getvalue()


def pictures(folder: Path) -> list[bytes]:
    """The corpus of nasty pictures; some of our own where it is not beside this repository."""
    maker = CORPORA / "images/generate.py"
    if maker.exists():
        subprocess.run([sys.executable, str(maker), str(folder)], check=True, capture_output=True)
        return [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".json"]
    good = picture()
    whole = [picture(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")]
    huge = good[:16] + b"\x00\x00\xff\xff" * 2 + good[24:]
    return [*whole, b"", b"\x00" * 999, good[:-20], good[:33], good * 2, huge, b"<svg/>", b"GIF89a", b"\xff\xd8\xff"]


def parted(field: str, name: str, data: bytes) -> bytes:
    """One file of a form, its name as it is: no client would send most of them."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="'.encode()
    return head + encoded(name) + b'"\r\nContent-Type: image/png\r\n\r\n' + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def uploads(sweep: Sweep, names: Sequence[str], bytes_of: Sequence[bytes], elsewhere: int) -> None:
    """Everything to what takes files; elsewhere, where text is expected, every so manieth."""
    small = picture()
    for door in sweep.doors:
        if door.method != "POST":
            continue
        step = 1 if door.files else elsewhere
        fields = door.files or door.fields[:2] or ("anything",)
        for field in fields:
            for name in names[::step]:
                body = parted(field, name, small)
                sweep.everywhere(door, "", [(KIND, body)] * len(sweep.sides), (field, name))
            for number, data in enumerate(bytes_of[::step]):
                body = parted(field, "a.png", data)
                sweep.everywhere(door, "", [(KIND, body)] * len(sweep.sides), (field, f"picture {number * step}"))


@pytest.fixture
def nasty(tmp_path: Path) -> Iterator[list[bytes]]:
    """The pictures."""
    (tmp_path / "nasty").mkdir()
    yield pictures(tmp_path / "nasty")


def test_names_and_pictures(here: Side) -> None:
    """The fixed sample of the fast suite."""
    sweep = Sweep([here])
    uploads(sweep, names_of_files()[::9], [b"", b"\x00" * 999, picture("BMP"), picture()[:33]], 5)
    alike(sweep.found)


@pytest.mark.long
@pytest.mark.postgresql
def test_names_and_pictures_on_both_databases(here: Side, there: Side, nasty: list[bytes]) -> None:
    sweep = Sweep([here, there])
    uploads(sweep, names_of_files()[::4], nasty[::9], 9)
    alike(sweep.found)


@pytest.mark.huge
@pytest.mark.postgresql
def test_every_name_and_every_picture(here: Side, there: Side, nasty: list[bytes]) -> None:
    sweep = Sweep([here, there])
    uploads(sweep, names_of_files(), nasty, 1)
    alike(sweep.found)
