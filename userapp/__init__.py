"""userapp: a self-hosted user-management service. `create_app` puts it together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

__version__ = "0.1.0"


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Build the application: settings, extensions, plugins.

    `overrides` are settings by name, stronger than the environment; INSTANCE is the data folder. Raises
    `config.UnsafeStart` or `plugins.PluginError`: one line each.
    """
    from flask import Flask

    from . import config, credentials, errors, extensions, languages, logs, messages, pages, plugins, safeguards

    settings = dict(overrides or {})
    folder = settings.pop("INSTANCE", None) or os.environ.get("USERAPP_INSTANCE") or Path.cwd() / "instance"
    app = Flask(__name__, instance_path=str(Path(folder).resolve()))
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    config.load(app, settings)
    found = plugins.find(app.config["PLUGINS"])
    for plugin in found:
        config.add(app, plugin.settings, settings)
    config.refuse_unsafe(app)
    logs.connect(app)
    app.extensions["userapp.errors"] = plugins.numbers(found, errors.registry)
    extensions.connect(app)
    credentials.connect(app)
    languages.connect(app)
    messages.connect(app)
    safeguards.connect(app)
    pages.connect(app)
    plugins.register(app, found)
    return app
