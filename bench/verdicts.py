"""What must show, each figure beside its limit: reached or not."""

from __future__ import annotations

from statistics import median
from typing import Any

from .report import OURS, cpu, ratios, spread, table

CORE = "floor: one SELECT by SQLAlchemy Core"
HASH = "floor: the hash and nothing else"
COMPILED = "userapp, argon2 compiled"
NO_PEERS = (OURS, COMPILED, HASH, "floor: the hash by libsodium")
PEERS = ("Flask-Security", "Django, own view", "django-allauth, session endpoint", "fastapi-users, token in a cookie")


def of(title: str, measured: Any) -> list[tuple[str, str, str, bool]]:
    """(what, limit, found, reached) for one table."""
    kind, _, where = title.partition(" | ")
    return _of(kind, where, measured, where.partition(",")[0])


def _at_most(what: str, values: list[float], limit: float, unit: str = "") -> tuple[str, str, str, bool]:
    return what, f"≤ {limit:g}{unit}", spread(values) + unit, median(values) <= limit


def _at_least(what: str, values: list[float], limit: float, unit: str = "") -> tuple[str, str, str, bool]:
    return what, f"≥ {limit:g}{unit}", spread(values) + unit, median(values) >= limit


def _of(kind: str, where: str, measured: Any, database: str) -> list[tuple[str, str, str, bool]]:
    if kind == "who am I, cookie":
        best = 2.0 if database == "PostgreSQL" else 1.5
        return [
            _at_most(f"who am I ÷ Core floor, {where}", ratios(measured, OURS, CORE, cpu), 1.05),
            _at_most(f"granian ÷ gunicorn, {where}", ratios(measured, "userapp under granian", OURS, cpu), 0.75),
            *(_at_least(f"{peer} ÷ userapp, {where}", ratios(measured, peer, OURS, cpu), best) for peer in PEERS),
        ]
    if kind in ("login", "register"):
        found = [
            _at_most(
                f"{kind} ÷ hash alone, {where}", ratios(measured, OURS, HASH, cpu), 1.08 if kind == "login" else 1.1
            )
        ]
        if kind == "login":
            rates = ratios(measured, OURS, HASH, lambda sample: sample.rate)
            found.append(_at_least(f"its rate ÷ hash alone, {where}", rates, 0.95))
        return found
    if kind == "storm":
        return _storm(where, measured, OURS) + _storm("argon2 compiled, " + where, measured, COMPILED)
    if kind == "growth":
        return _growth(where, measured)
    if kind == "start-up":
        starts, memory = measured
        ratio = [own[1] / other[1] for own, other in zip(starts[OURS], starts["Flask-Security"], strict=True)]
        own, theirs = memory[OURS], memory["Flask-Security"]
        return [
            _at_most(f"start-up ÷ Flask-Security's, {where}", ratio, 0.75),
            (f"worker's own memory, {where}", f"≤ {theirs:.0f} MiB", f"{own:.0f} MiB", own <= theirs),
        ]
    return []


def _storm(where: str, measured: dict[str, list[dict[str, float]]], label: str) -> list[tuple[str, str, str, bool]]:
    def of(key: str) -> list[float]:
        return [run[key] for run in measured[label]]

    best = max(median(run["logins"] for run in runs) for name, runs in measured.items() if name not in NO_PEERS)
    return [
        _at_least(f"reads kept in a storm, {where}", [value * 100 for value in of("kept")], 60, " %"),
        _at_most(f"their p50, {where}", of("p50"), 3, " ×"),
        _at_most(f"their p99, {where}", of("p99 ms"), 50, " ms"),
        _at_least(f"logins ÷ best peer's, {where}", [value / best for value in of("logins")], 0.5),
        _at_most(f"worker's peak, {where}", of("MiB"), 110, " MiB"),
    ]


def _growth(where: str, measured: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    sizes = list(measured["who am I"])
    first, last = sizes[0], sizes[-1]
    return [
        _at_most(f"{kind}, {last} ÷ {first} accounts, {where}", ratios(found, last, first, cpu), 1.2)
        for kind, found in measured.items()
    ]


def pictures(
    captcha: dict[str, Any], avatar: dict[str, Any], likeness: dict[str, float]
) -> list[tuple[str, str, str, bool]]:
    """Captcha and avatar beside their limits."""
    ratio = [own["ms"] / other["ms"] for own, other in zip(avatar[OURS], avatar["naive"], strict=True)]
    lowest = min(likeness.values())
    return [
        _at_most("captcha", [captcha[OURS]["ms"]], 0.8, " ms"),
        _at_most("captcha", [captcha[OURS]["bytes"]], 1500, " B"),
        _at_most("avatar ÷ naive", ratio, 1 / 7),
        _at_most("avatar's memory", [run["MiB"] for run in avatar[OURS]], 8, " MiB"),
        ("avatar's likeness", "≥ 50 dB", f"{lowest:.1f} dB", lowest >= 50),
    ]


def as_table(found: list[tuple[str, str, str, bool]]) -> str:
    """The verdicts."""
    return table(
        ["reached", "what", "limit", "found"],
        [["yes" if reached else "**no**", what, limit, value] for what, limit, value, reached in found],
    )
