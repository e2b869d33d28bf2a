"""Dates in the visitor's zone: by cookie, by choice, else the service's; nonsense is nobody's zone."""

from __future__ import annotations

import re

import pytest

from tests.conftest import HTML, Browser
from userapp.moments import OFFERED, is_zone

DATE = re.compile(r"<time datetime=\"[^\"]+\">([^<]+)</time>")


@pytest.fixture
def me(signed_in):
    return signed_in("ning", Browser)


def dates(me, path: str = "/user/security") -> list[str]:
    return DATE.findall(me.get(path, headers={"Accept": HTML}).get_data(as_text=True))


def test_the_zone_of_the_cookie_is_shown(me):
    assert all(date.endswith(" UTC") for date in dates(me))
    me.set_cookie("zone", "Asia/Kolkata")
    assert dates(me) and all(date.endswith(" UTC+05:30") for date in dates(me))


def test_without_scripts_one_chooses_it_on_the_page_and_it_stays(me):
    page = me.get("/user/security").get_data(as_text=True)
    assert re.search(r'<noscript>\s*<form method="get".*<option>Asia/Shanghai</option>', page, re.DOTALL)
    assert all(date.endswith("UTC+08:00") for date in dates(me, "/user/security?zone=Asia/Shanghai"))
    assert all(date.endswith("UTC+08:00") for date in dates(me))


def test_what_is_no_zone_changes_nothing(me):
    for zone in ("Moon/Crater", "../../etc/passwd", "Asia", "a" * 3000, "é", "", "Asia/Shanghai; x=1"):
        assert all(date.endswith(" UTC") for date in dates(me, "/user/security?zone=" + zone))
        assert me.get_cookie("zone") is None
        me.set_cookie("zone", zone)
        assert all(date.endswith(" UTC") for date in dates(me))
        me.delete_cookie("zone")


def test_the_service_has_a_zone_for_who_has_none(make_app):
    assert make_app(TIME_ZONE="Asia/Tokyo")
    with pytest.raises(ValueError, match="TIME_ZONE"):
        make_app(TIME_ZONE="Tokio")


def test_every_zone_offered_is_one():
    assert [name for name in OFFERED if not is_zone(name)] == []
