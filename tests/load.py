"""Callers that keep asking while something happens to the service, and what they were told when."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Ask = Callable[[], str]


@dataclass(frozen=True)
class Told:
    """One answer: when it was asked for, how long it took, and what it was in a word."""

    at: float
    took: float
    outcome: str


@dataclass
class Load:
    """What all callers were told, and a sign to stop."""

    told: list[Told] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def outcomes(self) -> Counter[str]:
        """How often each outcome was told."""
        return Counter(one.outcome for one in self.told)

    def slowest(self, outcome: str = "") -> float:
        """The longest wait for an answer of a kind."""
        return max((one.took for one in self.told if one.outcome == outcome or not outcome), default=0.0)

    def first(self, outcome: str, after: float) -> float:
        """How long after a moment an answer of a kind was first given."""
        return min(one.at + one.took for one in self.told if one.outcome == outcome and one.at >= after) - after

    def wait_for(self, outcome: str, times: int, seconds: float = 60) -> None:
        """Until so many more answers of a kind came."""
        wanted, end = self.outcomes()[outcome] + times, time.monotonic() + seconds
        while self.outcomes()[outcome] < wanted:
            assert time.monotonic() < end, self.outcomes()
            time.sleep(0.05)

    def end(self) -> None:
        """Nobody asks any more, and who asked has the answer: what is stopped now loses nothing."""
        self.over.set()
        for thread in self.threads:
            thread.join(120)

    def ask(self, ask: Ask, pause: float) -> None:
        """One caller."""
        while not self.over.wait(pause):
            began = time.monotonic()
            try:
                outcome = ask()
            except Exception as error:  # a request without an answer is what this looks for
                outcome = f"lost: {type(error).__name__}"
            self.told.append(Told(began, time.monotonic() - began, outcome))


@contextmanager
def load(callers: list[Ask], pause: float = 0.02) -> Iterator[Load]:
    """Let every caller ask again and again until the end of the block."""
    found = Load()
    found.threads.extend(threading.Thread(target=found.ask, args=(caller, pause)) for caller in callers)
    for thread in found.threads:
        thread.start()
    try:
        yield found
    finally:
        found.end()
