"""Pictures in an S3-compatible object store.

    versions/<nnn>/<id>/<key>/<size>.png   the files of one upload
    names/<nnn>/<id>/<version>             one small object, the upload's key: writing it names all three at once
    pending/<id>-<key>                     there while something of this upload may be left to collect

An object store has no locks: what is younger than `UNTOUCHABLE` may belong to an upload under way and stays.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from .errors import NOT_STORED, LargeNotStored
from .storage import SIZES

UNTOUCHABLE = 600


class S3Store:
    """A bucket, or a folder of one (`s3://bucket/folder`)."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        """Remember where; the client is made by the first use, because one made before a fork hangs in the child."""
        self.url, self.options = url, dict(options)
        self._guard = threading.Lock()
        self._made: Any = None

    def changing(self, user_id: int) -> AbstractContextManager[None]:
        """Nothing to hold: the transaction that names a version keeps two changes apart."""
        return nullcontext()

    def put(self, user_id: int, triple: Mapping[str, bytes]) -> str:
        """Write the three objects; the mark goes first, so that a crash leaves nothing unmarked."""
        key = secrets.token_hex(16)
        with _as(LargeNotStored):
            self._put(f"pending/{user_id}-{key}", b"")
        for size in SIZES:
            with _as(NOT_STORED[size]):
                self._put(f"{_folder('versions', user_id)}{key}/{size}.png", triple[size], "image/png")
        return key

    def name(self, user_id: int, key: str, version: int) -> None:
        """Write the object that names the upload."""
        with _as(LargeNotStored):
            self._put(f"{_folder('names', user_id)}{version}", key.encode())

    def show(self, user_id: int, version: int | None) -> None:
        """Take a removed picture away; after a change the row alone decides, and the old one is collected later."""
        if version is None:
            with _as(OSError):
                for path, _ in self._list(_folder("names", user_id)):
                    self._delete([*self._files(user_id, self._get(path)), path])

    def discard(self, user_id: int, key: str) -> None:
        """Leave it to the sweep: the mark is there, and the store may be the very thing that failed."""

    def read(self, user_id: int, version: int, size: str) -> bytes | None:
        """Read the upload's key, then the file."""
        try:
            key = self._get(f"{_folder('names', user_id)}{version}").decode()
            return self._get(f"{_folder('versions', user_id)}{key}/{size}.png")
        except FileNotFoundError:
            return None

    def sweep(self, shown: Callable[[int], int | None], age: float = 0) -> int:
        """Go through the marks that no upload under way can belong to."""
        swept = 0
        with _as(OSError):
            for path, written in self._list("pending/"):
                if _age(written) > max(age, UNTOUCHABLE):
                    user_id = int(path.rsplit("/", 1)[-1].partition("-")[0])
                    self._collect(user_id, shown(user_id))
                    self._delete([path])
                    swept += 1
        return swept

    def _collect(self, user_id: int, version: int | None) -> None:
        name = f"{_folder('names', user_id)}{version}"
        try:
            kept = {name, *self._files(user_id, self._get(name))}
        except FileNotFoundError:
            kept = set()
        found = [*self._list(_folder("names", user_id)), *self._list(_folder("versions", user_id))]
        self._delete([path for path, written in found if path not in kept and _age(written) > UNTOUCHABLE])

    def _files(self, user_id: int, key: bytes) -> list[str]:
        return [f"{_folder('versions', user_id)}{key.decode()}/{size}.png" for size in SIZES]

    def _put(self, path: str, data: bytes, kind: str = "application/octet-stream") -> None:
        import obstore

        obstore.put(self._client(), path, data, attributes={"Content-Type": kind}, use_multipart=False)

    def _get(self, path: str) -> bytes:
        """Read an object; FileNotFoundError where there is none, OSError for everything else."""
        import obstore

        with _as(OSError):
            return bytes(obstore.get(self._client(), path).bytes())

    def _list(self, prefix: str) -> list[tuple[str, datetime]]:
        import obstore

        found = obstore.list(self._client(), prefix).collect()
        return [(str(item["path"]), item["last_modified"]) for item in found]

    def _delete(self, paths: Iterable[str]) -> None:
        """Delete one by one: the bulk request differs between vendors; what is gone already is no error."""
        import obstore

        for path in paths:
            with suppress(FileNotFoundError), _as(OSError):
                obstore.delete(self._client(), path)

    def _client(self) -> Any:
        with self._guard:
            if self._made is None:
                self._made = _client(self.url, self.options)
            return self._made


def _client(url: str, options: dict[str, Any]) -> Any:
    from obstore.store import S3Store as Client

    given: Any = {name: value for name, value in options.items() if value != ""}
    return Client.from_url(
        url,
        config=given,
        client_options={
            "timeout": "10s",
            "connect_timeout": "3s",
            "allow_http": str(options.get("endpoint", "")).startswith("http://"),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
    )


def _folder(kind: str, user_id: int) -> str:
    return f"{kind}/{user_id % 1000:03d}/{user_id}/"


def _age(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()


@contextmanager
def _as(refusal: type[Exception]) -> Iterator[None]:
    """Tell a failure of the store, of which there are a dozen classes, as one that callers know."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (FileNotFoundError, NotFoundError) as error:
        raise FileNotFoundError() from error
    except (BaseError, OSError) as error:
        raise refusal() from error
