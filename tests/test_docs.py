"""What the documents say is what the code does; `python -m tests.test_docs` writes docs/settings.md anew."""

from __future__ import annotations

import configparser
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

import userapp
from tests.test_architecture import KERNEL, ROUTES, everything_below
from userapp.config import SETTINGS
from userapp.errors import AppError
from userapp.plugins import Setting, find
from userapp.profiles import PROFILES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ALL = [f"userapp.{name}" for name in ROUTES]
HEAD = """# Settings

Written by `python -m tests.test_docs` from the code; a test compares.

Every setting `KEY` comes from the last of these places naming it: its default, `instance/config.py` (`KEY = value`),
the environment variable `USERAPP_KEY`, what `create_app({"KEY": value})` is given. In the environment a list is written
with commas, yes and no as `1` and `0`. A value that cannot be read stops the start with one line.

`USERAPP_INSTANCE` (environment only) is the folder of database, pictures, outbox and `config.py`; `instance` by
default.
`HOST`, `PORT`, `WEB_CONCURRENCY`, `GUNICORN_THREADS` and the others in `deploy/gunicorn.conf.py` belong to the server.
"""


def shown(value: object) -> str:
    """A default as the environment would spell it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"`{text}`" if text else "(empty)"


def table(settings: dict[str, Setting]) -> str:
    """One line for each setting."""
    rows = [f"| `USERAPP_{key}` | {shown(setting.default)} | {setting.about} |" for key, setting in settings.items()]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows])


def settings_page() -> str:
    """The text of docs/settings.md."""
    parts = [HEAD, f"## The service\n\n{table(SETTINGS)}\n"]
    for plugin in find(ALL):
        if plugin.settings:
            parts.append(f"## {plugin.name}\n\n{table(plugin.settings)}\n")
    names = list(next(iter(PROFILES.values())))
    rows = ["| setting | " + " | ".join(PROFILES) + " |", "| --- " * (len(PROFILES) + 1) + "|"]
    for name in names:
        rows.append(f"| `{name}` | " + " | ".join(f"`{PROFILES[profile][name]}`" for profile in PROFILES) + " |")
    parts.append("## What SECURITY_PROFILE sets\n\nA setting given alone wins over the profile.\n")
    parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_the_settings_page_is_what_the_code_says() -> None:
    assert read("settings.md") == settings_page(), "run python -m tests.test_docs"


def test_every_setting_says_what_it_is() -> None:
    for plugin in find(ALL):
        assert all(setting.about.endswith((".", "…")) for setting in {**SETTINGS, **plugin.settings}.values())


def test_every_setting_that_is_read_is_declared() -> None:
    declared = set(SETTINGS).union(*(plugin.settings for plugin in find(ALL)))
    source = "\n".join(path.read_text("utf-8") for path in Path(userapp.__file__).parent.rglob("*.py"))
    used = set(re.findall(r"""config(?:\[|\.get\()["']([A-Z0-9_]+)["']""", source))
    flask_own = {"SESSION_COOKIE_SECURE", "SESSION_COOKIE_NAME", "PERMANENT_SESSION_LIFETIME", "RATELIMIT_ENABLED"}
    assert used - declared - flask_own == set()


@pytest.mark.parametrize("name", sorted(KERNEL))
def test_the_decisions_name_every_kernel_file(name: str) -> None:
    assert f"`{name}.py`" in read("decisions.md")


def test_the_decisions_name_every_dependency() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    lines = setup["options"]["install_requires"].split("\n")
    names = {re.split(r"[\[<>=]", line)[0] for line in lines if line and not line.startswith("#")}
    assert [name for name in sorted(names) if name not in read("decisions.md")] == []


def test_the_api_page_names_every_route() -> None:
    page = read("api.md")
    assert [rule for routes in ROUTES.values() for rule in routes if f"`{rule}`" not in page] == []


def test_every_route_is_described(make_app: Callable[..., Flask]) -> None:
    views = {rule.endpoint: app.view_functions[rule.endpoint] for app in [make_app(PLUGINS=ALL)]
             for rule in app.url_map.iter_rules() if rule.endpoint != "static"}  # fmt: skip
    silent = [name for name, view in views.items() if not view.__doc__ or not hasattr(view, "described")]
    assert silent == [], (
        "give these views a docstring and, below the access mark, @described(errors they may raise, data=an example of"
        " the reply's data); their form's fields a description=…, the form `needs` and an `example`"
    )


def test_the_api_page_gives_every_number_its_message() -> None:
    for module in pkgutil.walk_packages(userapp.__path__, "userapp."):
        import_module(module.name)
    rows = dict(re.findall(r"^\| `(-?\d+)` \| (.*?) \|", read("api.md"), re.MULTILINE))
    declared = {str(error.number): error.message for error in everything_below(AppError) if "number" in vars(error)}
    assert rows == {"-1": AppError.message, **declared}


def test_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}"


if __name__ == "__main__":
    (DOCS / "settings.md").write_text(settings_page(), "utf-8")
