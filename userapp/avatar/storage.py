"""Where pictures are kept: the interface of a store, and the one that uses a folder.

The files of one upload (three sizes, each as PNG and as WebP) lie together under a key of their own; `users.avatar_key`
alone decides which upload is shown, so one commit replaces all of them. The folder holds

    versions/<nnn>/<id>/<key>/<size>.<kind>    the files; an upload is complete before a row names its key
    current/<nnn>/<id>                         link to the upload shown, replaced in one rename
    <size>/<nnn>/<id>.png                      link through `current`: the documented path, for nginx
    pending/<id>                               there while something of this account may be left to collect; its lock
                                               is held while a change is under way, and falls with the process
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from .errors import NO_FOLDER, NOT_STORED, LargeNotStored

SIZES = ("large", "middle", "small")

# A reader that learnt of a version a moment ago still finds its files for so long.
GRACE_SECONDS = 60


class Store(Protocol):
    """What keeps pictures."""

    def changing(self, user_id: int) -> AbstractContextManager[None]:
        """Hold off every other change of this account's picture, where the store can."""

    def put(self, user_id: int, files: Mapping[str, bytes]) -> str:
        """Write `large.png`, … where nobody sees them; returns the key of the upload. Raises 10704 to 10711."""

    def show(self, user_id: int, key: str | None, former: str | None = None) -> None:
        """Follow the committed row: it names `key` now; without one nothing is shown and `former` can go."""

    def drop(self, user_id: int) -> None:
        """Take away everything of an account that is gone."""

    def read(self, user_id: int, key: str, file: str) -> bytes | None:
        """Return one file of an upload; None if there is no such. Raises OSError when the store is down."""

    def sweep(self, shown: Callable[[int], str | None], age: float = 0) -> int:
        """Collect what no row names and what crashes left, older than `age` seconds; returns for how many accounts."""


class LocalStore:
    """A folder on this machine, shared by all its workers; nginx can serve it without us."""

    def __init__(self, root: Path) -> None:
        """Keep everything below `root`; nothing is touched until the first picture."""
        self.root = root

    @contextmanager
    def changing(self, user_id: int) -> Iterator[None]:
        """Hold the account's lock, waiting for others."""
        try:
            lock = self._lock(user_id, wait=True)
        except OSError as error:
            raise LargeNotStored() from error
        try:
            yield
        finally:
            os.close(lock)

    def put(self, user_id: int, files: Mapping[str, bytes]) -> str:
        """Write the files into a folder of their own, and the links that will lead to it."""
        key = secrets.token_hex(16)
        folder = self._versions(user_id) / key
        try:
            for size in SIZES:
                with _as(NO_FOLDER[size]):
                    self._stable(user_id, size).parent.mkdir(parents=True, exist_ok=True)
            with _as(LargeNotStored):
                folder.mkdir(parents=True)
                self._pointer(user_id).parent.mkdir(parents=True, exist_ok=True)
            for file, data in files.items():
                size = file.partition(".")[0]
                with _as(NOT_STORED[size]):
                    _write(folder / file, data)
                    self._link_stable(user_id, size)
            with _as(LargeNotStored):  # made here, where a full disk can still be told; showing it is a rename only
                _sync(folder)
                _sync(folder.parent)
                self._link_next(user_id, key)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # a full disk does not hinder that
            raise
        return key

    def show(self, user_id: int, key: str | None, former: str | None = None) -> None:
        """Replace the link to the upload shown; files that were shown until now stay for a moment."""
        if key is None:
            self._collect(user_id, None)
        else:
            self._point(user_id, key)

    def drop(self, user_id: int) -> None:
        """Wait for a change under way, then leave nothing."""
        with self.changing(user_id):
            self._collect(user_id, None)

    def read(self, user_id: int, key: str, file: str) -> bytes | None:
        """Read a file of the upload the row names."""
        try:
            return (self._versions(user_id) / key / file).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def sweep(self, shown: Callable[[int], str | None], age: float = 0) -> int:
        """Go through the accounts in `pending`; those being changed right now are left to who changes them."""
        with suppress(FileNotFoundError):
            return sum(self._settle(int(mark.name), shown, age) for mark in list((self.root / "pending").iterdir()))
        return 0

    def mend(self, shown: Callable[[int], str | None]) -> None:
        """Let `current` name what the rows name, also where a process was killed between the two a moment ago."""
        with suppress(FileNotFoundError):
            for mark in list((self.root / "pending").iterdir()):
                self._mend(int(mark.name), shown)

    def _mend(self, user_id: int, shown: Callable[[int], str | None]) -> None:
        with suppress(OSError):  # it is being changed right now, or was settled meanwhile
            lock = self._lock(user_id, wait=False)
            try:
                self.show(user_id, shown(user_id))
            finally:
                os.close(lock)

    def _settle(self, user_id: int, shown: Callable[[int], str | None], age: float) -> bool:
        with suppress(OSError):
            if age and time.time() - self._mark(user_id).stat().st_mtime < age:
                return False
            lock = self._lock(user_id, wait=False)
            try:
                self._collect(user_id, shown(user_id))
            finally:
                os.close(lock)
            return True
        return False

    def _collect(self, user_id: int, key: str | None) -> None:
        """Leave the upload `key` and nothing else; the account's lock must be held."""
        if key is not None and (self._versions(user_id) / key).is_dir():
            self._point(user_id, key)
        else:
            key = None
            for path in (self._pointer(user_id), *(self._stable(user_id, size) for size in SIZES)):
                path.unlink(missing_ok=True)
        self._next(user_id).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            for folder in self._versions(user_id).iterdir():
                if folder.name != key:
                    shutil.rmtree(folder)
            if key is None:
                self._versions(user_id).rmdir()
        self._mark(user_id).unlink(missing_ok=True)

    def _point(self, user_id: int, key: str) -> None:
        target = self._target(user_id, key)
        if self._pointer(user_id).is_symlink() and str(self._pointer(user_id).readlink()) == target:
            return
        if not self._next(user_id).is_symlink() or str(self._next(user_id).readlink()) != target:
            self._link_next(user_id, key)
        self._next(user_id).replace(self._pointer(user_id))

    def _link_next(self, user_id: int, key: str) -> None:
        self._next(user_id).unlink(missing_ok=True)
        self._next(user_id).symlink_to(self._target(user_id, key))

    def _lock(self, user_id: int, wait: bool) -> int:
        """Return the locked mark; another process may have removed it between opening and locking."""
        self._mark(user_id).parent.mkdir(parents=True, exist_ok=True)
        while True:
            opened = os.open(self._mark(user_id), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(opened).st_ino == self._mark(user_id).stat().st_ino:
                    os.utime(opened) if wait else None
                    return opened
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(opened)
                raise
            os.close(opened)

    def _link_stable(self, user_id: int, size: str) -> None:
        if not self._stable(user_id, size).is_symlink():
            spare = self._stable(user_id, size).with_name(f".{secrets.token_hex(8)}")
            spare.symlink_to(f"../../current/{_shelf(user_id)}/{user_id}/{size}.png")
            spare.replace(self._stable(user_id, size))

    def _mark(self, user_id: int) -> Path:
        return self.root / "pending" / str(user_id)

    def _versions(self, user_id: int) -> Path:
        return self.root / "versions" / _shelf(user_id) / str(user_id)

    def _pointer(self, user_id: int) -> Path:
        return self.root / "current" / _shelf(user_id) / str(user_id)

    def _next(self, user_id: int) -> Path:
        return self._pointer(user_id).with_name(f".{user_id}")

    def _stable(self, user_id: int, size: str) -> Path:
        return self.root / size / _shelf(user_id) / f"{user_id}.png"

    def _target(self, user_id: int, key: str) -> str:
        return f"../../versions/{_shelf(user_id)}/{user_id}/{key}"


def _shelf(user_id: int) -> str:
    return f"{user_id % 1000:03d}"


@contextmanager
def _as(refusal: type[Exception]) -> Iterator[None]:
    """Tell a failure of the file system as a line of document B's table."""
    try:
        yield
    except OSError as error:
        raise refusal() from error


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
