"""The picture page in a real browser: choose or drop, crop by mouse, finger and keys, send, and what is shown then."""

from __future__ import annotations

import io
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.long]
Visitors = Callable[..., Visitor]
WIDTHS = {1440: {}, 390: {"has_touch": True, "is_mobile": True}}
QUARTERS = {"left": (255, 0, 0), "middle": (0, 255, 0), "right": (0, 0, 255)}


def striped(width: int = 900, height: int = 300) -> dict[str, Any]:
    """Red, green and blue from left to right, as a file input takes it."""
    picture = Image.new("RGB", (width, height))
    for number, colour in enumerate(QUARTERS.values()):
        picture.paste(colour, (number * width // 3, 0, (number + 1) * width // 3, height))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return {"name": "stripes.png", "mimeType": "image/png", "buffer": data.getvalue()}


def choose(me: Visitor, file: dict[str, Any]) -> Any:
    """Choose a file; the canvas that shows it."""
    me.page.set_input_files("[name=avatar]", file)
    me.page.wait_for_selector("#crop canvas:visible")
    return me.page.locator("#crop canvas")


def send(me: Visitor) -> None:
    """Send it and wait for the page that says so."""
    with me.page.expect_navigation():  # the page before may have said so, too
        me.send("/user/avatar")
    me.page.wait_for_selector(".notice.good")


def wait(me: Visitor, expression: str) -> None:
    """Wait until JavaScript says so; the page's own policy forbids Playwright's way of asking."""
    end = time.monotonic() + 30
    while not me.page.evaluate(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.05)


def shown(me: Visitor, where: str = ".top .face") -> tuple[int, ...]:
    """The colour in the middle of a picture on the page."""
    wait(me, f"document.querySelector({where!r}).naturalWidth > 0")
    url = me.page.locator(where).get_attribute("src")
    with urllib.request.urlopen(url, timeout=30) as reply:
        picture = Image.open(io.BytesIO(reply.read())).convert("RGB")
    return picture.getpixel((picture.width // 2, picture.height // 2))  # type: ignore[return-value]


def drag(me: Visitor, by: str, canvas: Any, dx: float) -> None:
    """Move the picture by a share of the square, as a mouse, a finger or keys do."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if by == "mouse":
        me.page.mouse.move(x, y)
        me.page.mouse.down()
        me.page.mouse.move(x + dx * box["width"], y, steps=5)
        me.page.mouse.up()
    elif by == "finger":
        touch = me.page.context.new_cdp_session(me.page)
        for kind, share in (("touchStart", 0.0), ("touchMove", dx / 2), ("touchMove", dx), ("touchEnd", dx)):
            points = [] if kind == "touchEnd" else [{"x": x + share * box["width"], "y": y}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    else:
        canvas.focus()
        for _step in range(round(abs(dx) / 0.05)):
            me.page.keyboard.press("ArrowLeft" if dx > 0 else "ArrowRight")


@pytest.mark.parametrize(("width", "by"), [(1440, "mouse"), (1440, "keys"), (390, "finger"), (390, "keys")])
def test_the_square_is_picked_and_shown_in_the_header(visitor: Visitors, width: int, by: str) -> None:
    me = visitor(viewport={"width": width, "height": 844}, **WIDTHS[width])
    me.register(f"crop{width}{by}")
    me.open("/user/avatar")
    canvas = choose(me, striped())
    assert me.page.evaluate("document.documentElement.scrollWidth") <= width
    drag(me, by, canvas, 0.9)
    send(me)
    assert shown(me) == QUARTERS["left"]
    canvas = choose(me, striped())
    drag(me, by, canvas, -0.9)
    send(me)
    assert shown(me) == shown(me, "main .face") == QUARTERS["right"]


def test_zooming_by_slider_wheel_and_keys_narrows_the_square(visitor: Visitors) -> None:
    me = visitor()
    me.register("zoomer")
    me.open("/user/avatar")
    canvas = choose(me, striped(1800, 600))
    side = "Number(document.querySelector('[name=side]').value)"
    assert me.page.evaluate(side) == 600
    me.page.locator("#crop [type=range]").fill("2")
    assert me.page.evaluate(side) == 300
    canvas.focus()
    me.page.keyboard.press("-")
    here = me.page.evaluate(side)
    assert 300 < here < 350
    canvas.hover()
    me.page.mouse.wheel(0, -100)
    wait(me, f"{side} < {here}")
    for _press in range(30):
        me.page.keyboard.press("+")
    assert me.page.evaluate(side) == 200
    send(me)
    assert shown(me) == QUARTERS["middle"]


def test_a_dropped_file_is_taken(visitor: Visitors) -> None:
    me = visitor()
    me.register("dropper")
    me.open("/user/avatar")
    me.page.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
            const how = { dataTransfer: data, bubbles: true, cancelable: true };
            for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, how));
        }""",
        list(striped()["buffer"]),
    )
    me.page.wait_for_selector("#crop canvas:visible")
    send(me)
    assert shown(me) == QUARTERS["middle"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_wrong_is_said_before_and_after_sending(visitor: Visitors, lang: str) -> None:
    me = visitor(lang=lang)
    me.register(f"wrong{lang}")
    me.open("/user/avatar")
    said = "document.querySelector('[name=avatar]').validationMessage"
    for file in (striped(300, 100), {"name": "a.png", "mimeType": "image/png", "buffer": b"nothing"}):
        me.page.set_input_files("[name=avatar]", file)
        wait(me, f"{said} !== ''")
    choose(me, striped())
    me.page.evaluate("document.querySelector('[name=side]').value = '10'")
    me.send("/user/avatar")
    wait(me, f"{said} !== ''")
    assert ("200x200" in me.page.evaluate(said)) is (lang == "zh")
    me.page.set_input_files("[name=avatar]", [])
    choose(me, striped())
    send(me)


def test_progress_is_shown_while_a_slow_line_sends(visitor: Visitors) -> None:
    me = visitor()
    me.register("slowly")
    me.open("/user/avatar")
    choose(me, striped())
    line = me.page.context.new_cdp_session(me.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2000}
    line.send("Network.emulateNetworkConditions", slow)
    me.send("/user/avatar")
    me.page.wait_for_selector("form progress:visible")
    line.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    me.page.wait_for_selector(".notice.good")
    line.send("Network.emulateNetworkConditions", slow | {"offline": True, "uploadThroughput": -1})
    choose(me, striped())
    me.send("/user/avatar")
    wait(me, "document.querySelector('[name=avatar]').validationMessage !== ''")
    assert me.page.locator("form progress").is_hidden()


def test_without_scripts_the_form_sends_the_centre(visitor: Visitors) -> None:
    me = visitor(scripts=False, viewport={"width": 390, "height": 844})
    me.register("plainly")
    me.open("/user/avatar")
    me.page.set_input_files("[name=avatar]", striped())
    send(me)
    url = me.page.locator(".top .face").get_attribute("src")
    with urllib.request.urlopen(str(url), timeout=30) as reply:
        assert Image.open(io.BytesIO(reply.read())).getpixel((24, 24)) == QUARTERS["middle"]
    me.send("/user/avatar/remove")
    me.page.wait_for_selector(".notice.good")
    assert "/avatar/default/" in str(me.page.locator(".top .face").get_attribute("src"))
