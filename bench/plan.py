"""How long everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Counts and durations of one run."""

    accounts: int = 10_000
    rounds: int = 5
    reads: int = 600
    hashes: int = 60
    connections: tuple[int, ...] = (1, 16, 64)
    storms: int = 3
    storm_seconds: float = 6
    starts: int = 5
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    pictures: int = 300


SHORT = Plan(500, 2, 200, 8, (16,), 1, 3, 1, (1_000, 10_000), 50)
