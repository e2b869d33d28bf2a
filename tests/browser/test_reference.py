"""The page at /docs finds things, is whole without scripts, and the tour's block for browsers runs in one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.code_blocks import run_as

pytestmark = [pytest.mark.browser, pytest.mark.long]


def shown(visitor: Any) -> list[str]:
    """The operations that can be seen."""
    return [part.get_attribute("id") for part in visitor.page.query_selector_all(".operation") if part.is_visible()]


def test_searching_leaves_what_fits(visitor: Any) -> None:
    someone = visitor(lang="en")
    someone.open("/docs")
    everything = shown(someone)
    someone.page.fill("#find", "10812 unbind")
    assert shown(someone) == ["post_user_email_unbind"]
    someone.page.fill("#find", "")
    assert shown(someone) == everything
    assert len(everything) > 40


def test_without_scripts_everything_is_there(visitor: Any) -> None:
    plain, scripted = visitor(scripts=False), visitor()
    for someone in (plain, scripted):
        someone.open("/docs")
    assert shown(plain) == shown(scripted)
    assert not plain.page.is_visible("#find")


def test_the_tours_fetch_block_runs(visitor: Any) -> None:
    someone = visitor()
    someone.open("/docs")
    (block,) = run_as("fetch")
    assert someone.page.evaluate(f"async () => {{ {block.text} }}") == ["修改成功", "你好", 10101]
