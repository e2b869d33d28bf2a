"""A server as a tree of processes: started, asked for its processor time and memory, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, its first process, and what its start took."""

    port: int
    process: subprocess.Popen[bytes]
    start_seconds: float
    start_cpu: float

    def cpu(self) -> float:
        """Processor seconds of the whole tree so far."""
        return sum(_cpu(pid) for pid in tree(self.process.pid))

    def workers(self) -> list[int]:
        """The processes that answer: all but the first, or the first where there is no other."""
        return tree(self.process.pid)[1:] or [self.process.pid]


def tree(root: int) -> list[int]:
    """A process and everything below it."""
    found = [root]
    for pid in found:
        try:
            threads = list(Path(f"/proc/{pid}/task").iterdir())
            found += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:
            continue
    return found


def _cpu(pid: int) -> float:
    """Processor seconds of one process, ended threads included, to the nanosecond: Linux's clock of another process."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def own_memory(pid: int) -> float:
    """MiB that nobody else shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def peak_memory(pid: int) -> float:
    """The most MiB a process ever held, shared pages included."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def forget_peak(pid: int) -> None:
    """Count the peak anew from here."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str], ready: str, log: Path) -> Iterator[Server]:
    """Start a server, wait until `ready` answers, and end it with all its children."""
    port = free_port()
    values = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment, "PORT": str(port)}
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            cwd=folder, env=values, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(process, port, ready, log)
        seconds = time.monotonic() - began
        yield Server(port, process, seconds, sum(_cpu(pid) for pid in tree(process.pid)))
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], port: int, ready: str, log: Path) -> None:
    end = time.monotonic() + 120
    while not _answers(port, ready):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{process.args!r} did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        time.sleep(0.02)


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return connection.recv(20).startswith(b"HTTP/1.")
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
