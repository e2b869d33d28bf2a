"""Document B's lines about folders and files, from a file system that really has no room left."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from tests.avatar.test_upload import BOTH, path, sent
from tests.conftest import Json
from userapp.avatar.errors import NO_FOLDER, NOT_STORED, LargeNotStored
from userapp.avatar.storage import SIZES, LocalStore

MOUNT = shutil.which("mount") or "/bin/mount"


def noise() -> bytes:
    """A picture whose sizes take several blocks each."""
    out = io.BytesIO()
    Image.effect_noise((240, 240), 90).save(out, "PNG")
    return out.getvalue()


def mount(folder: Path, options: str) -> bool:
    """Put a small file system there; False where this process may not."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return os.getuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def folder(app: Flask) -> Iterator[Path]:
    """The folder of pictures, a file system of its own; without the right to mount one there is another test."""
    found = Path(app.instance_path) / "avatar"
    if not mount(found, "size=4m,nr_inodes=1000"):
        pytest.skip("mounting needs root; the test with a file size limit stands in for these")
    yield found
    subprocess.run(["umount", str(found)], check=True)


def remount(folder: Path, options: str) -> None:
    """Change the size of the file system."""
    subprocess.run([MOUNT, "-o", f"remount,{options}", str(folder)], check=True)


def triple(client: Json) -> list[bytes]:
    """What readers get."""
    urls = client.get("/user/info").get_json()["data"]["avatar_more"]
    found = [client.get(path(urls[size])) for size in SIZES]
    assert {reply.mimetype for reply in found} == {"image/png"}
    return [reply.data for reply in found]


@pytest.mark.long
def test_a_full_disk_is_the_documented_error_and_the_old_triple_stays(
    signed_in: Callable[..., Json], folder: Path
) -> None:
    client = signed_in()
    assert client.post(BOTH[1], **sent(noise())).get_json()["status"]
    before, met = triple(client), set()
    filler = folder / "filler"
    for room in range(0, 60, 3):
        with filler.open("ab") as file:
            file.write(b"\0" * os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize)
        os.truncate(filler, filler.stat().st_size - room * os.statvfs(folder).f_frsize)
        reply = client.post(BOTH[1], **sent(noise())).get_json()
        if reply["status"]:
            break
        assert reply["code"] in {error.number for error in NOT_STORED.values()}
        met.add(reply["code"])
        assert triple(client) == before
        assert client.get("/user/info").status_code == 200
    assert met == {error.number for error in NOT_STORED.values()}
    filler.unlink()
    assert client.post("/user/avatar", **sent(noise())).get_json()["status"]


@pytest.mark.long
def test_folders_that_a_full_disk_cannot_take(signed_in: Callable[..., Json], folder: Path) -> None:
    client, met = signed_in(), {}
    for inodes in range(3, 30):
        remount(folder, f"nr_inodes={inodes}")
        reply = client.post(BOTH[1], **sent(noise())).get_json()
        if reply["status"]:
            break
        met[reply["code"]] = reply["msg"]
        assert "/avatar/default/" in client.get("/user/info").get_json()["data"]["avatar"]
    assert met.items() >= {error.number: error.message for error in NO_FOLDER.values()}.items()
    assert len(triple(client)) == 3


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the child only writes and ends
@pytest.mark.parametrize("limit", [0, 50, 100])
def test_a_process_that_may_write_no_more(tmp_path: Path, limit: int) -> None:
    store = LocalStore(tmp_path / "avatar")
    files = {f"{size}.{kind}": b"x" * 60 for size in SIZES for kind in ("png", "webp")}
    with store.changing(31):
        key = store.put(31, files)
        store.show(31, key)
    if not (child := os.fork()):
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            with store.changing(31):
                store.put(31, files | {"large.webp": b"x" * 200})
        except LargeNotStored:
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert [found.name for found in (store.root / "versions" / "031" / "31").iterdir()] == [key]
    assert store.read(31, key, "small.webp") == b"x" * 60
    assert (store.root / "small" / "031" / "31.png").read_bytes() == b"x" * 60
