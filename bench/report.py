"""The tables: ratios first, medians with their range behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from .live import Sample

Samples = dict[str, list[Sample]]
OURS = "userapp"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median and range, as `1.51 (1.44–1.60)`."""
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} ({low}–{high})"


def ratios(found: Samples, label: str, base: str, of: Callable[[Sample], float]) -> list[float]:
    """How many times `base` a line is, round by round: both were measured within the same seconds."""
    return [of(one) / of(other) for one, other in zip(found[label], found[base], strict=True)]


def cpu(sample: Sample) -> float:
    """What is compared: processor time for each request."""
    return sample.cpu


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def lines(found: Samples, base: str = OURS, unit: float = 1, name: str = "µs") -> str:
    """One measure: each line's ratio to `base` first."""
    head = ["", f"× {base}", f"CPU {name}", "requests/s", "p50 ms", "p99 ms"]
    rows = []
    for label, samples in found.items():
        ratio = spread(ratios(found, label, base, cpu))
        times = spread([sample.cpu / unit for sample in samples], 0 if unit == 1 else 1)
        middles = [f"{median(values):,.1f}" for values in zip(*[(s.rate, s.p50, s.p99) for s in samples], strict=True)]
        rows.append([label, ratio, times, f"{float(middles[0].replace(',', '')):,.0f}", *middles[1:]])
    return table(head, rows)


def storms(found: dict[str, list[dict[str, float]]]) -> str:
    """What readers keep while others sign in."""
    head = ["", "reads kept", "p50 ×", "p99 ms", "logins/s", "worker's peak MiB"]
    rows = []
    for label, runs in found.items():
        values = {key: [run[key] for run in runs] for key in runs[0]}
        kept = spread([value * 100 for value in values["kept"]], 0)
        times = [spread(values["p50"], 1), spread(values["p99 ms"], 0), spread(values["logins"], 1)]
        rows.append([label, f"{kept} %", *times, spread(values["MiB"], 0)])
    return table(head, rows)


def starts(found: dict[str, list[tuple[float, float]]], memory: dict[str, float]) -> str:
    """Start-up and memory beside each other."""
    head = ["", "× Flask-Security", "CPU s to the first answer", "seconds", "worker's own MiB"]
    base = found["Flask-Security"]
    rows = []
    for name, runs in found.items():
        ratio = spread([own[1] / other[1] for own, other in zip(runs, base, strict=True)])
        seconds = [spread([run[1] for run in runs]), spread([run[0] for run in runs])]
        rows.append([name, ratio, *seconds, f"{memory[name]:.0f}" if name in memory else ""])
    return table(head, rows)


def pictures(captcha: dict[str, Any], avatar: dict[str, list[dict[str, float]]], likeness: dict[str, float]) -> str:
    """Captcha and avatar."""
    rows = [[f"captcha: {name}", f"{v['ms']:.2f}", f"{v['bytes']:.0f} B"] for name, v in captcha.items()]
    for name, runs in avatar.items():
        more = spread([run["MiB"] for run in runs], 1)
        rows.append([f"avatar, 12 MP JPEG: {name}", spread([run["ms"] for run in runs], 0), f"+{more} MiB"])
    ratio = [own["ms"] / other["ms"] for own, other in zip(avatar[OURS], avatar["naive"], strict=True)]
    decibels = ", ".join(f"{name} {value:.1f} dB" for name, value in likeness.items())
    note = f"\nAvatar: 1/{1 / median(ratio):.1f} of the naive time; beside the naive pictures {decibels}.\n"
    return table(["", "CPU ms", "size"], rows) + note
