"""Captcha and avatar, in a process of its own for each: `python -m bench.pictures captcha 300` prints what it took."""

from __future__ import annotations

import importlib
import io
import json
import math
import resource
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from userapp.auth import picture
from userapp.avatar import pictures

SIZES = {"large": 200, "middle": 100, "small": 50}


def captcha(count: int) -> dict[str, Any]:
    """Milliseconds and bytes of our captcha picture and of the `captcha` package's."""
    package = importlib.import_module("captcha.image").ImageCaptcha()
    answers = ["".join(secrets.choice(picture.ALPHABET) for _ in range(5)) for _ in range(count + 20)]
    found = {}
    for name, draw in (("userapp", picture.draw), ("captcha package", lambda text: package.generate(text).getvalue())):
        times, sizes = [], []
        for answer in answers:
            began = time.process_time()
            data = draw(answer)
            times.append((time.process_time() - began) * 1e3)
            sizes.append(len(data))
        found[name] = {"ms": median(times[20:]), "bytes": mean(sizes)}
    return found


def photograph() -> bytes:
    """A JPEG of 12 megapixels with edges, gradients and noise, as a camera's."""
    small = Image.effect_noise((1000, 750), 60).convert("RGB").filter(ImageFilter.GaussianBlur(3))
    tinted = ImageOps.colorize(small.convert("L"), "#123a5c", "#f4d9b0", "#7c8a4d")
    large = tinted.resize((4000, 3000), Image.Resampling.BICUBIC)
    noise = Image.effect_noise((4000, 3000), 12).convert("RGB")
    data = io.BytesIO()
    Image.blend(large, noise, 0.08).save(data, "JPEG", quality=90)
    return data.getvalue()


def naive(data: bytes) -> dict[str, bytes]:
    """What one would write first: decode, turn, fit three times."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    made = {}
    for name, side in SIZES.items():
        out = io.BytesIO()
        ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS).save(out, "PNG")
        made[name] = out.getvalue()
    return made


def ours(data: bytes) -> dict[str, bytes]:
    """userapp's way, PNG only, for the naive one makes nothing else."""
    return {
        name.partition(".")[0]: made for name, made in pictures.make_sizes(data, None, SIZES, kinds=["png"]).items()
    }


def avatar(way: str, path: str) -> dict[str, Any]:
    """Milliseconds and peak MiB of one way on the file at `path`."""
    make: Callable[[bytes], dict[str, bytes]] = {"naive": naive, "userapp": ours}[way]
    data = Path(path).read_bytes()
    tiny = io.BytesIO()
    Image.new("RGB", (256, 256)).save(tiny, "JPEG")
    make(tiny.getvalue())  # codecs are loaded now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    make(data)
    took = (time.process_time() - began) * 1e3
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"ms": took, "MiB": more}


def likeness(path: str) -> dict[str, float]:
    """Decibels between the two ways' pictures, for each size."""
    data = Path(path).read_bytes()
    found = {}
    theirs, own = naive(data), ours(data)
    for name in SIZES:
        one, two = (Image.open(io.BytesIO(made[name])).convert("RGB").tobytes() for made in (theirs, own))
        error = mean((a - b) ** 2 for a, b in zip(one, two, strict=True))
        found[name] = float("inf") if error == 0 else 10 * math.log10(255**2 / error)
    return found


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "captcha":
        print(json.dumps(captcha(int(rest[0]))))
    elif what == "photograph":
        Path(rest[0]).write_bytes(photograph())
    else:
        print(json.dumps(likeness(rest[0]) if what == "likeness" else avatar(what, rest[0])))
