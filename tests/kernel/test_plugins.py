"""Features that do not fit together stop the start with one clear line."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint

from userapp import create_app
from userapp.config import UnsafeStart
from userapp.errors import AppError
from userapp.plugins import MenuEntry, Plugin, PluginError, Setting

REST = ["userapp.system", "userapp.auth"]


@pytest.fixture
def feature(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make an importable package with a plugin of a name, a route and whatever else is given."""

    def make(name: str, route: str = "", **parts: Any) -> str:
        blueprint = Blueprint(name, name)
        if route:
            blueprint.add_url_rule(route, endpoint="view", view_func=lambda: name)
        module = ModuleType(f"feature_{name}")
        module.plugin = Plugin(blueprint, **parts)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.__name__

    return make


def refusal(make_app: Any, *names: str) -> str:
    """What the start says about these plugins; it must be one line."""
    with pytest.raises((PluginError, UnsafeStart)) as caught:
        make_app(PLUGINS=[*REST, *names])
    line = str(caught.value)
    assert line and "\n" not in line
    return line


def test_a_missing_requirement_is_named(make_app, feature):
    line = refusal(make_app, feature("shop", requires=("bank",)))
    assert line == "plugin 'shop' requires 'bank', which PLUGINS does not name"


def test_a_requirement_that_is_loaded_later_will_do(make_app, feature):
    app = make_app(PLUGINS=[*REST, feature("shop", requires=("bank",)), feature("bank")])
    assert {"shop", "bank"} <= set(app.blueprints)


def test_a_plugin_named_twice_is_refused(make_app, feature):
    name = feature("shop")
    assert refusal(make_app, name, name) == "plugin 'shop' is named twice in PLUGINS"


def test_a_shared_route_names_both_owners(make_app, feature):
    line = refusal(make_app, feature("shop", "/till"), feature("bank", "/till"))
    assert line == "route /till belongs to 'shop.view' and to 'bank.view'"


def test_a_route_of_the_service_cannot_be_taken_over(make_app, feature):
    assert "/user/login" in refusal(make_app, feature("shop", "/user/login"))


def test_a_reused_error_number_names_both_classes(make_app, feature):
    errors = ModuleType("feature_shop_errors")
    errors.SoldOut = type("SoldOut", (AppError,), {"number": 10101, "__module__": errors.__name__})  # type: ignore[attr-defined]
    assert refusal(make_app, feature("shop", errors=errors)) == "error number 10101 of SoldOut belongs to WrongPassword"


def test_a_setting_with_two_owners_is_refused(make_app, feature):
    price = {"PRICE": Setting(1, "A price.")}
    line = refusal(make_app, feature("shop", settings=price), feature("bank", settings=price))
    assert line == "setting PRICE has two owners"


def test_a_kernel_setting_cannot_be_taken_over(make_app, feature):
    line = refusal(make_app, feature("shop", settings={"SECRET_KEY": Setting("", "Ours.")}))
    assert line == "setting SECRET_KEY has two owners"


def test_an_unknown_plugin_is_named(make_app):
    assert refusal(make_app, "no_such_feature").startswith("PLUGINS names 'no_such_feature', which cannot be imported")


def test_a_package_without_a_plugin_is_named(make_app):
    assert refusal(make_app, "json") == "PLUGINS names 'json', which has no `plugin`"


def test_a_plugin_brings_its_route_setting_menu_and_setup(make_app, feature, monkeypatch):
    monkeypatch.setenv("USERAPP_PRICE", "7")
    seen: list[Any] = []
    name = feature(
        "shop", "/till", url_prefix="/shop", settings={"PRICE": Setting(1, "A price.")},
        menu=(MenuEntry("商店", "shop.view"),), setup=seen.append,
    )  # fmt: skip
    app = make_app(PLUGINS=[*REST, name])
    assert app.test_client().get("/shop/till").text == "shop"
    assert (app.config["PRICE"], seen) == (7, [app])
    assert "shop.view" in [entry.endpoint for entry in app.extensions["userapp.menu"]]


def test_a_plugins_template_replaces_the_services_own(make_app, feature, tmp_path):
    page = tmp_path / "templates" / "auth" / "login.html"
    page.parent.mkdir(parents=True)
    page.write_text("{% extends 'original/auth/login.html' %}{% block title %}Till{% endblock %}", "utf-8")
    name = feature("shop")
    blueprint = Blueprint("shop", name, template_folder=str(page.parent.parent), root_path=str(tmp_path))
    sys.modules[name].plugin = Plugin(blueprint)
    client = make_app(PLUGINS=[*REST, name], SITE_NAME="Shop").test_client()
    shown = client.get("/user/login", headers={"Accept": "text/html"}).text
    assert "<title>Till · Shop</title>" in shown
    assert 'name="captcha"' in shown


def test_the_start_itself_names_the_plugin(tmp_path):
    settings = {"SECRET_KEY": "s" * 40, "BASE_URL": "http://localhost", "TRUSTED_HOSTS": ["localhost"]}
    with pytest.raises(PluginError, match="no_such_feature"):
        create_app({"INSTANCE": tmp_path, "PLUGINS": ["no_such_feature"], **settings})
