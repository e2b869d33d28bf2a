"""The folder of pictures: three sizes that belong together, whoever reads and whatever stops half-way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from userapp.avatar import errors
from userapp.avatar.storage import SIZES, LocalStore

FILES = [f"{size}.{kind}" for size in SIZES for kind in ("png", "webp")]


def six(mark: int) -> dict[str, bytes]:
    """Six files that say which upload they are of."""
    return {file: f"{mark}:{file}".encode() for file in FILES}


def upload(store: LocalStore, user_id: int, mark: int) -> str:
    """What the service does, with the row left out."""
    with store.changing(user_id):
        key = store.put(user_id, six(mark))
        store.show(user_id, key)
    return key


def whole(store: LocalStore, key: str | None, mark: int) -> bool:
    """Whether the upload is there with all its files."""
    return key is not None and all(store.read(31, key, file) == f"{mark}:{file}".encode() for file in FILES)


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


def test_documented_paths_and_keys_hold_the_upload(store: LocalStore) -> None:
    key = upload(store, 1031, 7)
    for size in SIZES:
        assert stable(store, size, 1031).read_bytes() == f"7:{size}.png".encode()
    for file in FILES:
        assert store.read(1031, key, file) == f"7:{file}".encode()
        assert (store.root / "current" / "031" / "1031" / file).read_bytes() == f"7:{file}".encode()
    assert store.read(1031, "another", "large.png") is None


def test_an_old_upload_stays_for_readers_until_it_is_swept(store: LocalStore) -> None:
    old = upload(store, 31, 1)
    new = upload(store, 31, 2)
    assert whole(store, old, 1)
    assert store.sweep(lambda _: new, age=60) == 0
    assert store.sweep(lambda _: new) == 1
    assert store.read(31, old, "small.png") is None
    assert whole(store, new, 2)
    assert len(files(store.root)) == 6 + 1 + 3


@pytest.mark.parametrize("way", ["show", "drop"])
def test_removal_takes_everything_away(store: LocalStore, way: str) -> None:
    key = upload(store, 31, 1)
    if way == "drop":
        store.drop(31)
    else:
        with store.changing(31):
            store.show(31, None, key)
    assert files(store.root) == set()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the child only writes and ends
@pytest.mark.parametrize("stop", ["half", "put", "committed"])
@pytest.mark.parametrize("before", [False, True])
def test_a_process_that_dies_leaves_a_whole_upload_and_nothing_else(
    store: LocalStore, tmp_path: Path, stop: str, before: bool
) -> None:
    old = upload(store, 31, 1) if before else None
    if not (child := os.fork()):
        store.changing(31).__enter__()
        half = stop == "half"
        try:
            key = store.put(31, six(2) | ({"small.webp": None} if half else {}))  # type: ignore[arg-type, dict-item]
            (tmp_path / "key").write_text(key)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    if before:
        assert {stable(store, size).read_bytes() for size in SIZES} == {f"1:{size}.png".encode() for size in SIZES}
    new = (tmp_path / "key").read_text() if stop == "committed" else None
    assert store.sweep(lambda _: new or old) == 1
    assert len(files(store.root)) == (10 if new or old else 0)
    assert whole(store, new or old, 2 if new else 1) == bool(new or old)


def test_the_link_follows_the_row_of_a_process_that_died_and_nobody_loses_what_is_being_read(store: LocalStore) -> None:
    old = upload(store, 31, 1)
    with store.changing(31):
        new = store.put(31, six(2))
        store.mend(lambda _: new)  # another process, while the change is under way
        assert stable(store, "large").read_bytes() == b"1:large.png"
    store.mend(lambda _: new)
    assert stable(store, "large").read_bytes() == b"2:large.png"
    assert whole(store, old, 1)
    store.mend(lambda _: None)
    assert files(store.root) == set()


def test_the_sweep_leaves_a_change_under_way_alone(store: LocalStore) -> None:
    with store.changing(31):
        key = store.put(31, six(1))
        assert store.sweep(lambda _: None) == 0
        store.show(31, key)
    assert stable(store, "large").read_bytes() == b"1:large.png"


@pytest.mark.long
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

    def shown() -> set[bytes]:
        folder = store.root / "current" / "031" / "31"
        return {(folder / file).read_bytes().split(b":")[0] for file in FILES}

    readers = [threading.Thread(target=poll, args=(stable(store, size).read_bytes,)) for size in SIZES]
    for reader in readers:
        reader.start()
    for mark in range(2, 60):
        key = upload(store, 31, mark)
        assert shown() == {str(mark).encode()}
        store.sweep(lambda _, key=key: key, age=60)  # type: ignore[misc]
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
            store.show(31, store.put(31, six(number)))
            inside.remove(number)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []
    shown = store.root / "current" / "031" / "31"
    assert whole(store, shown.readlink().name, int(stable(store, "large").read_bytes().split(b":")[0]))
    assert store.sweep(lambda _: shown.readlink().name) == 1
    assert len(files(store.root)) == 10


@pytest.mark.parametrize(("size", "refusal"), errors.NO_FOLDER.items())
def test_a_folder_that_cannot_be_made(store: LocalStore, size: str, refusal: type[errors.AvatarError]) -> None:
    store.root.mkdir()
    (store.root / size).write_text("in the way")
    with pytest.raises(refusal), store.changing(31):
        store.put(31, six(1))
    assert not list((store.root / "versions").rglob("*.png"))


@pytest.mark.parametrize(("size", "refusal"), errors.NOT_STORED.items())
def test_a_size_that_cannot_be_stored(store: LocalStore, size: str, refusal: type[errors.AvatarError]) -> None:
    key = upload(store, 31, 1)
    stable(store, size).unlink()
    stable(store, size).mkdir()
    (stable(store, size) / "in the way").touch()
    with pytest.raises(refusal), store.changing(31):
        store.put(31, six(2))
    assert [folder.name for folder in (store.root / "versions" / "031" / "31").iterdir()] == [key]
    assert whole(store, key, 1)
