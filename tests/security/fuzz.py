"""Coverage-guided fuzzing by atheris, which is no dependency: `pip install atheris` beside the tests' requirements.

    python -m tests.security.fuzz json work -max_total_time=600     # begins with the corpus; finds lie in crash-*
    python -m tests.security.fuzz json work --keep                  # the least of `work` that reaches as much

Everything behind the folder's name is libFuzzer's.
"""

from __future__ import annotations

import base64
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

MOST, LONGEST = 120, 1500  # of what is kept: the fast suite replays it
SEEDS = {
    "json": [b'{"user": "ning", "password": "correct-horse-9", "no_captcha": true}',
             b'{"intro": "x", "gender": 1, "phone": "+86 138 0013 8000", "email": "a@example.com", "name": null}',
             b'{"uname": "\\u5b81x", "email": "b@example.com", "password": "battery-staple-7", "no_captcha": "1"}',
             b'[1e9, {"a": [-0.5, NaN]}]', b'{"confirm": 1790000000, "captcha": "ABCDEFGHJK", "uid": "77"}'],
    "form": [b"user=ning&password=correct-horse-9&no_captcha=1", b"intro=%E5%AE%81&sex=%E7%94%B7&sex_flag=0&intro=b",
             b"uname=lan&email=b%40example.com&password=battery-staple-7&no_captcha=on", b"a=%zz&=&&;x=+1"],
    "multipart": [b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nning\r\n--x--\r\n',
                  b'--x\r\nContent-Disposition: form-data; name="avatar"; filename="a.png"\r\n'
                  b"Content-Type: image/png\r\n\r\n\x89PNG\r\n"
                  b"--x\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--x--"],
}  # fmt: skip


def seeds(entrance: str) -> list[bytes]:
    """Where fuzzing begins where there is no corpus yet."""
    if entrance != "image":
        return [bytes([door]) + body for door in range(16) for body in SEEDS[entrance]]
    from PIL import Image

    found = []
    for kind, modes in {"PNG": ("1", "L", "P", "RGBA", "I;16"), "JPEG": ("L", "RGB", "CMYK"), "GIF": ("P",),
                        "WEBP": ("RGB", "RGBA")}.items():  # fmt: skip
        for mode in modes:
            with tempfile.TemporaryFile() as file:
                options = (
                    {"exif": b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"} if kind != "GIF" else {}
                )
                Image.effect_noise((16, 12), 40).convert(mode).save(file, kind, **options)
                file.seek(0)
                found.append(file.read())
    return found


def unpack(entrance: str, folder: Path) -> None:
    """The corpus, or the seeds, as files for libFuzzer."""
    from tests.security.entrances import CORPUS, kept

    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(kept(entrance) if (CORPUS / f"{entrance}.txt").exists() else seeds(entrance)):
        (folder / f"kept-{number}").write_bytes(data)


def fuzz(entrance: str, folder: Path, options: list[str]) -> None:
    """Run until libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["userapp", "PIL", "werkzeug", "flask_wtf", "wtforms", "json"]):
        entrances = importlib.import_module("tests.security.entrances")
    unpack(entrance, folder)
    if entrance != "image":
        words = folder.with_suffix(".dict")
        words.write_text("".join(f'"{word}"\n' for word in entrances.words()), "utf-8")
        options = [f"-dict={words}", *options]
    atheris.Setup([sys.argv[0], str(folder), *options], entrances.ENTRANCES[entrance])
    atheris.Fuzz()


def keep(entrance: str, folder: Path) -> None:
    """Replace the corpus by the smallest inputs that reach what all of `folder` reaches."""
    with tempfile.TemporaryDirectory() as least:
        merge = [sys.executable, "-m", "tests.security.fuzz", entrance, least, str(folder), "-merge=1"]
        subprocess.run([*merge, f"-max_len={LONGEST}"], check=True)
        found = sorted((path.read_bytes() for path in Path(least).iterdir()), key=len)
    lines = [base64.b64encode(data).decode() for data in found if len(data) <= LONGEST]
    target = Path(__file__).parent / "corpus" / f"{entrance}.txt"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines[:: -(-len(lines) // MOST)]) + "\n", "ascii")


if __name__ == "__main__":
    name, where, *rest = sys.argv[1:]
    if rest == ["--keep"]:
        keep(name, Path(where))
    else:
        fuzz(name, Path(where), rest)
