"""The folder of pictures: three sizes that belong together, whoever reads and whatever stops half-way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from userapp.avatar import errors
from userapp.avatar.storage import SIZES, LocalStore


def triple(mark: int) -> dict[str, bytes]:
    """Three files that say which upload they are of."""
    return {size: f"{mark}:{size}".encode() for size in SIZES}


def upload(store: LocalStore, user_id: int, version: int) -> None:
    """What the service does, with the row left out."""
    with store.changing(user_id):
        store.name(user_id, store.put(user_id, triple(version)), version)
        store.show(user_id, version)


def stable(store: LocalStore, size: str, user_id: int = 31) -> Path:
    """The documented path."""
    return store.root / size / f"{user_id % 1000:03d}" / f"{user_id}.png"


def files(root: Path) -> set[str]:
    """Every regular file and link below."""
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_symlink() or p.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A store in an empty folder."""
    return LocalStore(tmp_path / "avatar")


def test_documented_paths_and_versions_hold_the_upload(store: LocalStore) -> None:
    upload(store, 1031, 7)
    for size in SIZES:
        assert stable(store, size, 1031).read_bytes() == f"7:{size}".encode()
        assert store.read(1031, 7, size) == f"7:{size}".encode()
    assert store.read(1031, 6, "large") is None


def test_an_old_version_stays_for_readers_until_it_is_swept(store: LocalStore) -> None:
    upload(store, 31, 1)
    upload(store, 31, 2)
    assert store.read(31, 1, "small") == b"1:small"
    assert store.sweep(lambda _: 2, age=60) == 0
    assert store.sweep(lambda _: 2) == 1
    assert store.read(31, 1, "small") is None
    assert len(files(store.root)) == 3 + 1 + 3


def test_removal_takes_everything_away(store: LocalStore) -> None:
    upload(store, 31, 1)
    with store.changing(31):
        store.show(31, None)
    assert files(store.root) == set()


@pytest.mark.parametrize("stop", ["put", "name", "show"])
@pytest.mark.parametrize("before", [None, 1])
def test_a_process_that_dies_leaves_a_whole_triple_and_nothing_else(
    store: LocalStore, stop: str, before: int | None
) -> None:
    if before:
        upload(store, 31, before)
    if not (child := os.fork()):
        store.changing(31).__enter__()
        key = store.put(31, triple(2))
        if stop != "put":
            store.name(31, key, 2)
        os._exit(0)
    os.waitpid(child, 0)
    if before:
        assert {stable(store, size).read_bytes() for size in SIZES} == {f"1:{size}".encode() for size in SIZES}
    committed = 2 if stop == "show" else before
    assert store.sweep(lambda _: committed) == 1
    assert len(files(store.root)) == (7 if committed else 0)
    assert all(
        store.read(31, committed or 0, size) == (f"{committed}:{size}".encode() if committed else None)
        for size in SIZES
    )


def test_the_sweep_leaves_a_change_under_way_alone(store: LocalStore) -> None:
    with store.changing(31):
        key = store.put(31, triple(1))
        assert store.sweep(lambda _: None) == 0
        store.name(31, key, 1)
        store.show(31, 1)
    assert stable(store, "large").read_bytes() == b"1:large"


def test_readers_of_the_documented_paths_never_miss_a_file_nor_see_a_mixture(store: LocalStore) -> None:
    upload(store, 31, 1)
    done, wrong = threading.Event(), []

    def poll(read: Callable[[], bytes]) -> None:
        while not done.is_set():
            try:
                if not read():
                    wrong.append("empty")
            except OSError as error:
                wrong.append(repr(error))

    def whole() -> bytes:
        folder = os.open(store.root / "current" / "031" / "31", os.O_RDONLY)
        try:
            found = [os.read(os.open(f"{size}.png", os.O_RDONLY, dir_fd=folder), 99).split(b":")[0] for size in SIZES]
        finally:
            os.close(folder)
        return b"" if len(set(found)) > 1 else found[0]

    readers = [threading.Thread(target=poll, args=(stable(store, size).read_bytes,)) for size in SIZES]
    for reader in readers:
        reader.start()
    for version in range(2, 60):
        upload(store, 31, version)
        assert whole() == str(version).encode()
        store.sweep(lambda _, shown=version: shown, age=60)  # type: ignore[misc]
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_changes_of_one_account_wait_for_each_other(store: LocalStore) -> None:
    inside: list[int] = []

    def change(number: int) -> None:
        with store.changing(31):
            inside.append(number)
            assert len(inside) == 1
            store.name(31, store.put(31, triple(number)), number)
            store.show(31, number)
            inside.remove(number)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []
    shown = stable(store, "large").read_bytes().split(b":")[0]
    assert all(stable(store, size).read_bytes().startswith(shown + b":") for size in SIZES)
    assert store.sweep(lambda _: int(shown)) == 1
    assert len(files(store.root)) == 7


@pytest.mark.parametrize(("size", "refusal"), errors.NO_FOLDER.items())
def test_a_folder_that_cannot_be_made(store: LocalStore, size: str, refusal: type[errors.AvatarError]) -> None:
    store.root.mkdir()
    (store.root / size).write_text("in the way")
    with pytest.raises(refusal), store.changing(31):
        store.put(31, triple(1))
    assert store.read(31, 1, size) is None


@pytest.mark.parametrize(("size", "refusal"), errors.NOT_STORED.items())
def test_a_size_that_cannot_be_stored(store: LocalStore, size: str, refusal: type[errors.AvatarError]) -> None:
    upload(store, 31, 1)
    stable(store, size).unlink()
    stable(store, size).mkdir()
    (stable(store, size) / "in the way").touch()
    with pytest.raises(refusal), store.changing(31):
        store.put(31, triple(2))
    assert not list((store.root / "versions").rglob(".new-*"))
    assert all(store.read(31, 1, each) == f"1:{each}".encode() for each in SIZES)
