"""The dashboard: what was counted, by the hour and by the day, as a drawing and as a table."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine

from tests.conftest import Browser
from userapp import tallies
from userapp.admin.dashboard import nice_top
from userapp.extensions import db
from userapp.models import Tally, now


@pytest.fixture
def counted(app, admin):
    """Count something `ago` hours back; what making the administrator counted is forgotten."""
    app.extensions["userapp.courier"].stop()
    with app.app_context():
        tallies.flush()
        db.session.query(Tally).delete()
        db.session.commit()

    def count(name, times, ago):
        with app.app_context(), time_machine.travel(now() - timedelta(hours=ago), tick=False):
            for _ in range(times):
                tallies.count(name)
            tallies.flush()

    return count


def test_hours_and_days_are_added_up(admin, counted):
    counted("sign_in.ok", 3, 0)
    counted("sign_in.ok", 2, 5)
    counted("sign_in.refused", 1, 5)
    counted("sign_in.ok", 4, 50)
    counted("sign_in.ok", 9, 24 * 31)
    hours = admin.get("/admin/").json["data"]
    assert len(hours["slots"]) == 24
    assert (hours["sign_ins"]["ok"][-1], hours["sign_ins"]["ok"][-6], hours["sign_ins"]["refused"][-6]) == (3, 2, 1)
    days = admin.get("/admin/?by=day").json["data"]
    assert len(days["slots"]) == 30
    assert (sum(days["sign_ins"]["ok"]), sum(days["sign_ins"]["refused"])) == (9, 1)


def test_the_page_draws_bars_and_has_the_numbers_in_a_table(make_admin, counted):
    counted("mail.ok", 3, 1)
    counted("mail.failed", 1, 1)
    page = make_admin("other", kind=Browser).get("/admin/").text
    part = page[page.index('id="chart-mails"') : page.index('id="chart-captchas"')]
    assert re.findall(r'<rect class="(ok|failed)"[^>]* height="([\d.]+)"', part) == [
        ("ok", "75.00"),
        ("failed", "25.00"),
    ]
    assert part.count('<td class="number">3</td>') == 1 and "75%" in part
    assert "<script>" not in page and "style=" not in page


@pytest.mark.parametrize(("most", "top"), [(0, 4), (4, 4), (5, 6), (9, 10), (21, 30), (199, 200), (3001, 4000)])
def test_the_scale_ends_at_a_number_people_like(most, top):
    assert nice_top(most) == top
