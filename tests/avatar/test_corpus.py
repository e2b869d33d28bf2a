"""The corpus of nasty pictures, where it lies beside this repository, sent to a running service: what each costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.avatar.live import ENVIRONMENT, Person, fetch
from tests.avatar.test_running_service import workers
from tests.servers import LiveServer, running_application

pytestmark = pytest.mark.long
CORPUS = Path(__file__).resolve().parents[2] / "../shared/corpora/images/generate.py"
SECONDS, MEGABYTES = 2.0, 150.0
# The corpus knows neither the smallest side nor the most bytes that the documents and the settings name.
LIMITS = {"USERAPP_AVATAR_MIN_SIDE": "1", "USERAPP_AVATAR_MAX_BYTES": str(8 << 20), "WEB_CONCURRENCY": "1"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], bytes]]:
    """What the manifest says of each picture, and the picture."""
    if not CORPUS.exists():
        pytest.skip("the corpus of nasty pictures is not beside this repository")
    folder = tmp_path_factory.mktemp("corpus")
    subprocess.run([sys.executable, str(CORPUS), str(folder)], check=True, capture_output=True)
    rows = json.loads((folder / "manifest.json").read_text())
    return [(row, (folder / row["file"]).read_bytes()) for row in rows]


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """One worker, which is watched."""
    with running_application(ENVIRONMENT | LIMITS) as found:
        yield found


def cost(worker: int) -> tuple[float, float, int, int]:
    """Processor seconds, megabytes now, the most megabytes since `forget`, and processor ticks of ended children."""
    stat = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines())
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return (int(stat[11]) + int(stat[12])) / 100, now, most, int(stat[13]) + int(stat[14])  # type: ignore[return-value]


def forget(worker: int) -> None:
    """Let the kernel measure the most memory anew."""
    Path(f"/proc/{worker}/clear_refs").write_text("5")


def test_every_picture_gets_its_verdict_at_a_bounded_cost(
    corpus: list[tuple[dict[str, Any], bytes]], server: LiveServer
) -> None:
    me = Person.new(server.port, "nasty")
    (worker,) = workers(server.process.pid)
    me.upload(corpus[0][1])
    wrong, worst = [], {"seconds": (0.0, ""), "megabytes": (0.0, "")}
    for row, data in corpus:
        forget(worker)
        before = cost(worker)
        answer = me.upload(data)
        after = cost(worker)
        verdict = {0: "accept", 10708: "reject"}.get(answer.json["code"], str(answer.json["code"]))
        if answer.status != 200 or row["expect"] not in ("either", verdict):
            wrong.append((row["file"], answer.status, verdict))
        worst["seconds"] = max(worst["seconds"], (after[0] - before[0], row["file"]))
        worst["megabytes"] = max(worst["megabytes"], (after[2] - before[1], row["file"]))
        if verdict == "accept":
            shown = [fetch(url, accept) for url in me.pictures().values() for accept in ("image/webp", "*/*")]
            assert not any(word in found for found in shown for word in (b"SECRET", b"POLYGLOT", b"GPS"))
    print(len(corpus), worst)
    assert wrong == []
    assert worst["seconds"][0] <= SECONDS
    assert worst["megabytes"][0] <= MEGABYTES
    assert workers(server.process.pid) == [worker]
    assert workers(worker) == []
    assert cost(worker)[3] == 0


# What Python tells of every process that is started, whoever does it; see `sys.audit`.
WATCH = """
import json, sys
from pathlib import Path
STARTED = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system")
seen = []
sys.addaudithook(lambda event, args: seen.append(event) if event in STARTED else None)
from userapp.avatar.errors import AvatarError
from userapp.avatar.pictures import Limits, make_sizes
for path in Path(sys.argv[1]).iterdir():
    try:
        make_sizes(path.read_bytes(), None, {"large": 200}, Limits(min_side=1))
    except AvatarError:
        pass
print(json.dumps(seen))
"""


def test_no_picture_starts_a_process(corpus: list[tuple[dict[str, Any], bytes]], tmp_path: Path) -> None:
    for row, data in corpus:
        (tmp_path / Path(row["file"]).name).write_bytes(data)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(tmp_path)], cwd=root, check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == []
