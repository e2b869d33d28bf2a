"""Pictures in an S3-compatible object store.

    versions/<nnn>/<id>/<key>/<size>.<kind>    the files of one upload
    pending/<id>-<key>                         there while something of this upload may be left to collect

The row in the database names the key, so nothing is written here while a transaction is open. An object store has no
locks: what is younger than `UNTOUCHABLE` may belong to an upload under way and stays.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from ..threads import waiting
from .errors import NOT_STORED, LargeNotStored

UNTOUCHABLE = 600

# How long readers get the default picture without asking a store that has just failed.
PAUSE = 5


class S3Store:
    """A bucket, or a folder of one (`s3://bucket/folder`)."""

    def __init__(self, url: str, options: Mapping[str, Any], seconds: float) -> None:
        """Remember where; the client is made by the first use, because one made before a fork hangs in the child."""
        self.url, self.options, self.seconds = url, dict(options), seconds
        self._guard = threading.Lock()
        self._made: Any = None
        self._down_until = 0.0

    def changing(self, user_id: int) -> AbstractContextManager[None]:
        """Nothing to hold: the commit of the row that names an upload keeps two changes apart."""
        return nullcontext()

    def put(self, user_id: int, files: Mapping[str, bytes]) -> str:
        """Write the objects; the mark goes first, so that a crash leaves nothing unmarked."""
        key = secrets.token_hex(16)
        with _as(LargeNotStored):
            self._put(f"pending/{user_id}-{key}", b"")
        for file, data in files.items():
            size, _, kind = file.partition(".")
            with _as(NOT_STORED[size]):
                self._put(f"{_folder(user_id)}{key}/{file}", data, f"image/{kind}")
        return key

    def show(self, user_id: int, key: str | None, former: str | None = None) -> None:
        """Take a removed picture away; after a change the row alone decides, and the old one is collected later."""
        if key is None and former is not None:
            self._clear(f"{_folder(user_id)}{former}/")

    def drop(self, user_id: int) -> None:
        """Delete everything; what an upload under way still adds has a mark."""
        self._clear(_folder(user_id))

    def read(self, user_id: int, key: str, file: str) -> bytes | None:
        """Read an object, unless the store failed a moment ago: readers must not queue up before it."""
        if time.monotonic() < self._down_until:
            raise OSError("the store failed a moment ago")
        try:
            return self._get(f"{_folder(user_id)}{key}/{file}")
        except FileNotFoundError:
            return None
        except OSError:
            self._down_until = time.monotonic() + PAUSE
            raise

    def sweep(self, shown: Callable[[int], str | None], age: float = 0) -> int:
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

    def _collect(self, user_id: int, key: str | None) -> None:
        kept = f"{_folder(user_id)}{key}/"
        found = self._list(_folder(user_id))
        self._delete([path for path, written in found if not path.startswith(kept) and _age(written) > UNTOUCHABLE])

    def _clear(self, prefix: str) -> None:
        with _as(OSError):
            self._delete([path for path, _ in self._list(prefix)])

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
                self._made = _client(self.url, self.options, self.seconds)
            return self._made


def _client(url: str, options: dict[str, Any], seconds: float) -> Any:
    from obstore.store import S3Store as Client

    given: Any = {name: value for name, value in options.items() if value != ""}
    return Client.from_url(
        url,
        config=given,
        client_options={
            "timeout": f"{seconds}s",
            "connect_timeout": f"{min(seconds, 3)}s",
            "allow_http": str(options.get("endpoint", "")).startswith("http://"),
        },
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=seconds)},
    )


def _folder(user_id: int) -> str:
    return f"versions/{user_id % 1000:03d}/{user_id}/"


def _age(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()


@contextmanager
def _as(refusal: type[Exception]) -> Iterator[None]:
    """Tell a failure of the store, of which there are a dozen classes, as one that callers know."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        with waiting():
            yield
    except (BaseError, OSError) as error:
        missing = isinstance(error, FileNotFoundError | NotFoundError) and refusal is OSError
        raise (FileNotFoundError if missing else refusal)() from error
