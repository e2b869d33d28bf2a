"""An operator's name, logo, colour and templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import HTML
from userapp import theme

GROUNDS = {"light": ("#f4f6f7", "#ffffff"), "dark": ("#1b2226", "#12171a")}


@pytest.fixture
def themed(make_app, tmp_path):
    """An application with files of a theme (path below its folder → text) and settings."""

    def make(files: dict[str, str], **settings):
        for name, text in files.items():
            path = tmp_path / "theme" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return make_app(THEME=str(tmp_path / "theme"), **settings)

    return make


def page(app, path: str) -> str:
    return app.test_client().get(path, headers={"Accept": HTML}).get_data(as_text=True)


def test_the_name_and_the_logo_stand_on_the_page(themed):
    app = themed(
        {"static/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>"}, SITE_NAME="<宁>", SITE_LOGO="logo.svg"
    )
    text = page(app, "/user/login")
    assert "· &lt;宁&gt;</title>" in text and "<宁>" not in text
    assert re.search(r'<img src="/static/logo\.[0-9a-f]{12}\.svg"', text)


def test_a_logo_that_is_not_there_stops_the_start(make_app):
    with pytest.raises(ValueError, match="SITE_LOGO"):
        make_app(SITE_LOGO="logo.svg")


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "#fff; } body { color: red"])
def test_a_colour_that_is_none_stops_the_start(make_app, colour):
    with pytest.raises(ValueError, match="SITE_COLOUR"):
        make_app(SITE_COLOUR=colour)


@pytest.mark.parametrize("colour", ["#ffff00", "#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff", "#777777"])
def test_any_colour_is_made_readable_in_light_and_dark(colour):
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", rule)) for rule in theme.stylesheet(colour).split("@media")[:2]
    )
    for scheme, found in (("light", light), ("dark", dark)):
        assert all(theme.contrast(found["main"], ground) >= 4.5 for ground in GROUNDS[scheme])
        assert theme.contrast(found["main"], found["on-main"]) >= 4.5
        assert theme.contrast(found["main-deep"], found["on-main"]) >= 4.5
        assert theme.contrast(found["main-deep"], found["tint"]) >= 4.5


def test_a_colour_comes_as_a_style_sheet_of_its_own(themed):
    app = themed({}, SITE_COLOUR="#a02060")
    address = re.search(r'href="(/static/theme\.[0-9a-f]{12}\.css)"', page(app, "/user/login"))
    assert address and "--main: #a02060;" in app.test_client().get(address[1]).get_data(as_text=True)
    assert "theme." not in page(themed({}), "/user/login")


def test_any_template_is_replaced_by_its_path_and_can_build_on_ours(themed):
    files = {
        "templates/base.html": '{% extends "original/base.html" %}{% block footer %}我们的页脚{% endblock %}',
        "templates/auth/login.html": '{% extends "original/auth/login.html" %}{% block title %}进门{% endblock %}',
        "templates/error.html": "只有这一行",
    }
    app = themed(files)
    login, register, missing = (page(app, path) for path in ("/user/login", "/user/register", "/nowhere"))
    assert "<title>进门 ·" in login and "我们的页脚" in login and 'name="password"' in login
    assert "我们的页脚" in register
    assert missing == "只有这一行"


def test_the_guide_names_templates_that_are_there():
    guide = (Path(__file__).parents[2] / "docs" / "themes.md").read_text("utf-8")
    house = Path(theme.__file__).parent
    own = {path.relative_to(house / "templates").as_posix() for path in (house / "templates").rglob("*.html")}
    for folder in house.glob("*/templates"):
        own |= {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    named = set(re.findall(r"`(?:original/)?([\w/]+\.html)`", guide))
    assert named and named <= own
