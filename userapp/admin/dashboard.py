"""The figures of the dashboard, by the hour or by the day, and their bars as the page draws them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .. import tallies
from ..models import now

HOURS, DAYS = 24, 30
WIDE, HIGH = 10.0, 100.0  # of one slot in the drawing's own units; the page stretches it
SUBJECTS: dict[str, tuple[str, dict[str, str]]] = {  # what is drawn together, each count with its label
    "registrations": ("新注册", {"register.ok": "新账号"}),
    "sign_ins": ("登录情况", {"sign_in.ok": "成功", "sign_in.refused": "失败"}),
    "mails": ("邮件投递", {"mail.ok": "已发出", "mail.failed": "未发出"}),
    "captchas": ("图形验证码", {"captcha.ok": "通过", "captcha.failed": "未通过"}),
}


@dataclass(frozen=True)
class Bar:
    """One piece of one slot's column: what it counts, how often, and where it stands in the drawing."""

    name: str
    times: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """One subject: its counts by slot, their sums, the bars, and the number at the top of the scale."""

    key: str
    title: str
    labels: dict[str, str]
    counts: dict[str, list[int]]
    columns: list[list[Bar]]
    top: int

    @property
    def sums(self) -> dict[str, int]:
        """How often each was counted over all slots."""
        return {name: sum(numbers) for name, numbers in self.counts.items()}

    @property
    def share(self) -> int | None:
        """How many of a hundred went well, where it could go wrong and anything happened."""
        good, *bad = self.sums.values()
        total = good + sum(bad)
        return round(100 * good / total) if bad and total else None


def figures(by: str) -> dict[str, Any]:
    """Everything the dashboard shows, `by` hour or day; the moments are UTC."""
    slots = _slots(by)
    names = [name for _title, labels in SUBJECTS.values() for name in labels]
    counted = _by_slot(tallies.since(slots[0], *names), by)
    charts = [_chart(key, title, labels, slots, counted) for key, (title, labels) in SUBJECTS.items()]
    return {"by": by, "slots": slots, "charts": charts}


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """The same for JSON."""
    counts = {
        chart.key: {name.partition(".")[2]: row for name, row in chart.counts.items()} for chart in found["charts"]
    }
    return {"by": found["by"], "slots": [slot.isoformat() for slot in found["slots"]], **counts}


def _slots(by: str) -> list[datetime]:
    """The beginnings of the hours or days up to the present one."""
    last = now().replace(minute=0, second=0, microsecond=0)
    if by == "day":
        return [last.replace(hour=0) - timedelta(days=ago) for ago in reversed(range(DAYS))]
    return [last - timedelta(hours=ago) for ago in reversed(range(HOURS))]


def _by_slot(hours: dict[tuple[datetime, str], int], by: str) -> dict[tuple[datetime, str], int]:
    if by == "hour":
        return hours
    days: dict[tuple[datetime, str], int] = {}
    for (hour, name), times in hours.items():
        slot = hour.replace(hour=0), name
        days[slot] = days.get(slot, 0) + times
    return days


def _chart(
    key: str, title: str, labels: dict[str, str], slots: list[datetime], counted: dict[tuple[datetime, str], int]
) -> Chart:
    counts = {name: [counted.get((slot, name), 0) for slot in slots] for name in labels}
    top = nice_top(max(map(sum, zip(*counts.values(), strict=True))))
    columns = [_column(index, {name: row[index] for name, row in counts.items()}, top) for index in range(len(slots))]
    return Chart(key, title, labels, counts, columns, top)


def _column(index: int, counts: dict[str, int], top: int) -> list[Bar]:
    """One slot's bars, each standing on the one before."""
    bars, foot = [], HIGH
    for name, times in counts.items():
        height = HIGH * times / top
        foot -= height
        bars.append(Bar(name, times, index * WIDE + WIDE * 0.12, foot, WIDE * 0.76, height))
    return bars


def nice_top(most: int) -> int:
    """The number at the top of a scale that reaches `most`: 4, 6, 8, 10, 20, 30, 40 …, whose half is a number, too."""
    size = 1
    while True:
        for step in (4, 6, 8, 10, 20, 30):
            if most <= step * size:
                return step * size
        size *= 10
