"""The account home, the server's clock, and what operators ask a node: is it alive, can it serve, what did it count."""

from flask import Flask

from ..plugins import MenuEntry, Plugin, Setting
from .readiness import Readiness
from .services import answer_to_any_host
from .views import blueprint

SETTINGS = {
    "METRICS_ALLOW": Setting(["127.0.0.1", "::1"], "Addresses and networks that may read /metrics and /readyz's why."),
    "METRICS_TOKEN": Setting("", "Whoever sends it as Authorization: Bearer may, too; empty means nobody."),
}


def _setup(app: Flask) -> None:
    app.extensions["userapp.readiness"] = Readiness(app)
    answer_to_any_host(app, ("/healthz", "/readyz", "/metrics"))


plugin = Plugin(blueprint, settings=SETTINGS, setup=_setup, menu=(MenuEntry("首页", "system.home", place=0),))
