"""What a feature is made of, and how the ones named in PLUGINS are found and joined to the application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from flask import Blueprint, Flask

T = TypeVar("T")


class PluginError(RuntimeError):
    """The features named in PLUGINS do not fit together; the message is the one line an operator needs."""


@dataclass(frozen=True)
class Setting:
    """A setting's default (its type decides how the environment's text is read) and one sentence about it."""

    default: Any
    about: str


@dataclass(frozen=True)
class MenuEntry:
    """A link of the page header: its Chinese label, the endpoint it leads to, who sees it, and where it stands."""

    label: str
    endpoint: str
    signed_in: bool = True
    admin: bool = False
    place: int = 50  # the smallest comes first


@dataclass(frozen=True)
class Plugin:
    """One feature.

    `blueprint` brings routes and templates, `url_prefix` where they start; `requires` names plugins that must be
    loaded; `settings` are the feature's own, each with its default; `setup(app)` runs once everything is registered;
    `menu` its links; `errors` the module that declares its error classes; `migrations` the folder of its Alembic
    revisions, a branch of their own; `security` the template of its section on the security page.
    """

    blueprint: Blueprint
    url_prefix: str | None = None
    requires: tuple[str, ...] = ()
    settings: dict[str, Setting] = field(default_factory=dict)
    setup: Callable[[Flask], None] | None = None
    menu: tuple[MenuEntry, ...] = ()
    errors: ModuleType | None = None
    migrations: Path | None = None
    security: str = ""

    @property
    def name(self) -> str:
        """The name other plugins require it by."""
        return self.blueprint.name


def find(names: Iterable[str]) -> list[Plugin]:
    """Import the packages (or entry points) named, in order.

    Raises PluginError for a name that leads nowhere, a requirement that is missing or a plugin named twice.
    """
    offered = {entry.name: entry.value for entry in entry_points(group="userapp.plugins")}
    found = [_find_one(offered.get(name, name)) for name in names]
    loaded: set[str] = set()
    for plugin in found:
        if plugin.name in loaded:
            raise PluginError(f"plugin {plugin.name!r} is named twice in PLUGINS")
        loaded.add(plugin.name)
    for plugin in found:
        if missing := [name for name in plugin.requires if name not in loaded]:
            raise PluginError(f"plugin {plugin.name!r} requires {missing[0]!r}, which PLUGINS does not name")
    return found


def _find_one(target: str) -> Plugin:
    module_name = target.partition(":")[0]
    try:
        plugin = getattr(import_module(module_name), "plugin", None)
    except ModuleNotFoundError as error:
        raise PluginError(f"PLUGINS names {target!r}, which cannot be imported: {error}") from error
    if not isinstance(plugin, Plugin):
        raise PluginError(f"PLUGINS names {target!r}, which has no `plugin`")
    return plugin


def numbers(plugins: list[Plugin], registry: Callable[[Iterable[ModuleType | None]], T]) -> T:
    """The registry of everybody's error numbers; one with two meanings stops the start."""
    try:
        return registry(plugin.errors for plugin in plugins)
    except ValueError as error:
        raise PluginError(str(error)) from None


def register(app: Flask, plugins: list[Plugin]) -> None:
    """Join the plugins to `app`; two owners of one route stop the start."""
    for plugin in plugins:
        app.register_blueprint(plugin.blueprint, url_prefix=plugin.url_prefix)
    _refuse_shared_routes(app)
    app.extensions["userapp.migrations"] = [plugin.migrations for plugin in plugins if plugin.migrations]
    app.extensions["userapp.security"] = [plugin.security for plugin in plugins if plugin.security]
    app.extensions["userapp.menu"] = [entry for plugin in plugins for entry in plugin.menu]
    for plugin in plugins:
        if plugin.setup:
            plugin.setup(app)


def _refuse_shared_routes(app: Flask) -> None:
    owners: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            owner = owners.setdefault((str(rule), method), rule.endpoint)
            if owner != rule.endpoint and method != "OPTIONS":
                raise PluginError(f"route {rule} belongs to {owner!r} and to {rule.endpoint!r}")
