"""INP-02, INP-03, UPL-01: what fuzzing reached is replayed, and pictures that break off or were changed are refused."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.security import entrances

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P"),
    "WEBP": ("RGB", "RGBA"),
}
KINDS = [(kind, mode) for kind, modes in MODES.items() for mode in modes]
DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4)


@pytest.fixture
def service() -> Iterator[None]:
    """The entrances' application, closed afterwards."""
    yield
    entrances.service().close()
    entrances.service.cache_clear()


# Werkzeug leaves the file of a part that breaks off to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("entrance", entrances.KINDS)
def test_bodies_that_fuzzing_reached_something_by(service: None, entrance: str) -> None:
    found = entrances.kept(entrance)
    assert len(found) >= 10
    for data in found:
        entrances.ENTRANCES[entrance](data)


def test_pictures_that_fuzzing_reached_something_by() -> None:
    found = entrances.kept("image")
    assert len(found) >= 10
    for data in found:
        entrances.image(data)


def picture(kind: str, mode: str, width: int, height: int, turn: int) -> bytes:
    """A small one of a format and mode, with an orientation."""
    exif = Image.Exif()
    exif[0x0112] = turn
    file = io.BytesIO()
    options = {} if kind == "GIF" else {"exif": exif}
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("examples", [30, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of damage it can live with
def test_a_picture_is_kept_or_refused_whatever_happened_to_it(examples: int) -> None:
    @settings(derandomize=True, database=None, max_examples=examples, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.sampled_from(KINDS), st.integers(4, 40), st.integers(4, 40), st.integers(0, 9), DAMAGE, st.integers(0, 4))
    def check(made: tuple[str, str], width: int, height: int, turn: int, damage: list, cut: int) -> None:
        whole = picture(*made, width, height, turn)
        kept = entrances.make_sizes(whole, None, entrances.SIZES, entrances.SMALL)
        assert len(kept) == 4, "what is whole is accepted"
        data = bytearray(whole[: len(whole) - cut * len(whole) // 8])
        for place, byte in damage:
            data[place % len(data)] = byte
        entrances.image(bytes(data))

    check()
