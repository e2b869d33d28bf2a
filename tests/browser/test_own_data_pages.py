"""Taking one's data along and deleting the account, in a real browser."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.long]
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def seen(me: Visitor, size: str, name: str) -> None:
    assert me.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    if folder := os.environ.get("SCREENSHOTS"):
        me.page.screenshot(path=Path(folder) / f"{name}-{size}.png", full_page=True)


@pytest.mark.parametrize("size", ["phone"])
def test_the_export_is_a_zip_and_a_deletion_can_be_undone(
    visitor: Callable[..., Visitor], code_sent_to: Callable[..., str], size: str
) -> None:
    uname = f"leaver{size}"
    me = visitor(viewport=SIZES[size])
    me.register(uname)
    me.open("/user/security")
    seen(me, size, "own-1-security")
    with me.page.expect_download() as download:
        me.send("/user/export")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert json.loads(archive.read("data.json"))["account"]["uname"] == uname
    me.send("/user/delete")
    me.page.wait_for_selector("form[action='/user/delete/cancel']")
    seen(me, size, "own-2-waiting")
    reader = visitor(viewport=SIZES[size])
    reader.open("/user/delete/keep?link=" + code_sent_to(f"{uname}@example.com", r"/user/delete/keep\?link=(\S+)"))
    seen(reader, size, "own-3-keep")
    reader.send("/user/delete/keep")
    reader.page.wait_for_selector(".notice.good")
    me.open("/user/security")
    assert me.page.query_selector("form[action='/user/delete']")
