"""The plan of the house, read from its source: who may import whom, what stands where, who enters by which route."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

import userapp
from tests.conftest import HTML
from tests.sources import HOUSE, nodes, tree
from userapp.errors import AppError

FILES = sorted(path for path in HOUSE.rglob("*.py"))
KERNEL = {path.stem for path in HOUSE.glob("*.py")} - {"__init__"}
FEATURES = sorted(path.parent.name for path in HOUSE.glob("*/__init__.py"))
LONGEST_FILE, LONGEST_FUNCTION = 250, 30
FORBIDDEN_NAMES = re.compile(r"utils?|helpers?|common|misc|core|manager|tools|.*\d")

# The kernel: each file and the files of the house it may import. A new one also needs a sentence in docs/decisions.md.
MAY_IMPORT: dict[str, set[str]] = {
    "accounts": {"audit", "codes", "errors", "extensions", "messages", "models", "removals", "signals"},
    "activity": {"audit", "extensions", "models"},
    "assets": {"errors", "extensions", "theme"},
    "audit": {"statements", "addresses", "extensions", "metrics", "models", "tallies"},
    "budgets": {"statements", "extensions", "metrics", "models"},
    "codes": {"budgets", "errors", "extensions", "keys", "metrics", "models", "statements"},
    "config": {"plugins", "profiles"},
    "credentials": {"errors", "extensions", "models", "session_cookie", "statements"},
    "described": {"errors"},
    "delivery": {"budgets", "errors", "extensions", "metrics", "sms", "tallies", "threads"},
    "extensions": {"revisions", "addresses", "metrics", "models", "postgresql", "safe_mail", "threads", "volume"},
    "forms": {"errors", "languages"},
    "identifiers": {"errors"},
    "languages": {"errors"},
    "messages": {"delivery", "errors", "extensions", "languages", "models", "purge", "signals", "tallies"},
    "models": {"extensions"},
    "pages": {"assets", "languages", "moments", "replies", "theme"},
    "argon2id": set(),
    "passwords": {"argon2id", "blocklist", "errors", "legacy_hashes", "metrics", "threads"},
    "purge": {"extensions", "models", "signals", "turns"},
    "removals": {"audit", "errors", "extensions", "messages", "models", "signals", "statements"},
    "replies": {"errors"},
    "request_log": {"addresses", "metrics"},
    "revisions": {"extensions"},
    "safeguards": {
        "credentials", "errors", "extensions", "forms", "languages", "metrics", "moments", "request_log", "web", "wire",
    },
    "sms": {"errors", "sms_gateways"},
    "sms_gateways": {"sms_signatures"},
    "parity": {"extensions", "models"},
    "testing": {"create_app", "delivery", "extensions", "messages"},
    "tallies": {"extensions", "models", "statements"},
    "start_checks": {"revisions", "config", "create_app", "extensions", "models", "passwords", "plugins"},
    "volume": {"addresses", "metrics"},
    "threads": {"news"},
    "wire": {"threads"},
    "worker": {"news", "threads"},
    "web": {"addresses", "credentials", "errors", "extensions", "forms", "languages", "models", "replies"},
    "__main__": {"__version__", "config", "create_app", "plugins"},
    "__init__": {
        "config", "credentials", "errors", "extensions", "languages", "logs", "messages", "pages",
        "plugins", "safeguards",
    },
}  # fmt: skip
# A feature: each kind of file and the kernel files it may import; every other file of a feature counts as services.
FEATURE_MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"extensions", "plugins", "signals"},
    "errors": {"errors"},
    "forms": {"errors", "forms", "identifiers", "languages"},
    "views": {
        "addresses",
        "credentials",
        "delivery",
        "described",
        "errors",
        "extensions",
        "forms",
        "identifiers",
        "purge",
        "replies",
        "web",
    },
    "services": KERNEL - {"config", "forms", "plugins", "replies", "safeguards", "web"},
}
OF_THE_REQUEST = {"flash", "make_response", "redirect", "render_template", "request", "session"}
NOTHING_OF_OURS = (
    "addresses", "blocklist", "errors", "keys", "legacy_hashes", "logs", "metrics", "moments", "news", "plugins",
    "postgresql", "profiles", "safe_mail", "session_cookie", "signals", "sms_signatures", "statements",
    "theme", "turns",
)  # fmt: skip
# Kernel files that end a transaction; all others ask `writing` for a short one.
STORES = {"accounts", "extensions", "removals"}

# Who may enter: every route of each feature with its access mark, `a/b` where methods differ. `static` needs none.
ROUTES: dict[str, dict[str, str]] = {
    "system": {
        "/": "anyone",
        "/.well-known/change-password": "anyone",
        "/healthz": "anyone",
        "/metrics": "anyone",
        "/readyz": "anyone",
        "/server_status/time": "anyone",
        "/user/": "anyone",
    },
    "auth": {
        "/user/captcha": "anyone",
        "/user/change_password": "signed_in",
        "/user/login": "anyone",
        "/user/logout": "anyone",
        "/user/password": "signed_in",
        "/user/refresh_token": "token_only",
        "/user/register": "anyone",
        "/user/reset": "anyone",
        "/user/security": "signed_in",
        "/user/sessions": "freshly_signed_in/signed_in",
        "/user/set_token_cookie": "signed_in",
    },
    "profile": {
        "/user/info": "signed_in",
    },
    "avatar": {
        "/avatar/<any(large, middle, small):size>/<shelf>/<int:user_id>.png": "anyone",
        "/avatar/default/<any(large, middle, small):size>/<int:user_id>.svg": "anyone",
        "/user/avatar": "signed_in",
        "/user/avatar/remove": "signed_in",
        "/user/upload_avatar": "signed_in",
    },
    "email_binding": {
        "/email/send": "signed_in",
        "/user/email": "signed_in",
        "/user/email/bind": "signed_in",
        "/user/email/cancel": "signed_in",
        "/user/email/keep": "anyone",
        "/user/email/lost": "signed_in",
        "/user/email/lost_confirm": "signed_in",
        "/user/email/new": "freshly_signed_in",
        "/user/email/resend": "signed_in",
        "/user/email/send": "signed_in",
        "/user/email/status": "signed_in",
        "/user/email/unbind": "freshly_signed_in",
        "/user/email/unbind_confirm": "signed_in",
        "/user/email/undo": "anyone",
    },
    "operators": {
        "/user/setup": "anyone",
    },
    "admin": {
        "/admin/": "admin",
        "/admin/events": "admin",
        "/admin/users": "admin",
        "/admin/users/<int:user_id>": "admin",
        "/admin/users/<int:user_id>/delete": "admin",
        "/admin/users/<int:user_id>/disable": "admin",
        "/admin/users/<int:user_id>/enable": "admin",
        "/admin/users/<int:user_id>/name": "admin",
        "/admin/users/<int:user_id>/reset": "admin",
        "/admin/users/<int:user_id>/sessions": "admin",
        "/admin/users/<int:user_id>/uid": "admin",
        "/admin/users/<int:user_id>/user_type": "admin",
        "/admin/users/<int:user_id>/verify_email": "admin",
    },
    "own_data": {
        "/user/delete": "freshly_signed_in/signed_in",
        "/user/delete/cancel": "signed_in",
        "/user/delete/keep": "anyone",
        "/user/export": "freshly_signed_in/signed_in",
    },
    "api_reference": {
        "/docs": "anyone",
        "/openapi.json": "anyone",
    },
    "devtools": {
        "/dev/outbox": "anyone",
    },
}


def where(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def kind(path: Path) -> str:
    """What a feature's file is: one of the keys of FEATURE_MAY_IMPORT."""
    if path.stem.endswith("views"):
        return "views"
    return path.stem if path.stem in FEATURE_MAY_IMPORT else "services"


def ours(path: Path) -> Iterator[tuple[str, str]]:
    """Everything a file imports from this package, as (dotted module below userapp, name)."""
    package = ["userapp", *path.relative_to(HOUSE).parts[:-1]]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "userapp":
                    yield alias.name.partition(".")[2], ""
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = [*base, *(node.module.split(".") if node.module else [])]
            if full[:1] == ["userapp"]:
                yield from ((".".join(full[1:]), alias.name) for alias in node.names)


def modules(path: Path) -> set[str]:
    """The modules below userapp that a file imports: `errors`, `auth.services`, …"""
    found = set()
    for module, name in ours(path):
        inside = HOUSE.joinpath(*module.split(".")) if module else HOUSE
        is_module = inside.is_dir() and ((inside / f"{name}.py").exists() or (inside / name).is_dir())
        found.add(f"{module}.{name}".strip(".") if is_module else module or name)
    return found


KERNEL_FILES = [path for path in FILES if path.parent == HOUSE]
FEATURE_FILES = [path for path in FILES if path.parent != HOUSE]


@pytest.mark.parametrize("path", KERNEL_FILES, ids=where)
def test_a_kernel_file_imports_what_the_table_says(path: Path) -> None:
    assert path.stem in {*MAY_IMPORT, *NOTHING_OF_OURS}, (
        "a new kernel file needs a line here and a sentence in docs/decisions.md"
    )
    assert modules(path) - {""} <= MAY_IMPORT.get(path.stem, set())


@pytest.mark.parametrize("path", FEATURE_FILES, ids=where)
def test_a_feature_file_imports_what_the_table_says(path: Path) -> None:
    feature = path.relative_to(HOUSE).parts[0]
    imported = modules(path)
    others = {name for name in imported if name.split(".")[0] in set(FEATURES) - {feature}}
    assert not others, "features meet in models, by endpoint name or by a signal"
    kernel = {name for name in imported if name.split(".")[0] in KERNEL}
    assert kernel <= FEATURE_MAY_IMPORT[kind(path)]


@pytest.mark.parametrize("path", [path for path in FEATURE_FILES if kind(path) == "forms"], ids=where)
def test_a_form_never_reaches_the_database(path: Path) -> None:
    seen, waiting = set(), [path]
    while waiting:
        here = waiting.pop()
        for name in modules(here) - seen:
            seen.add(name)
            if (inside := HOUSE.joinpath(*name.split(".")).with_suffix(".py")).exists():
                waiting.append(inside)
    assert not {"extensions", "models"} & seen


@pytest.mark.parametrize("path", [path for path in FEATURE_FILES if kind(path) == "services"], ids=where)
def test_a_service_knows_no_request(path: Path) -> None:
    imports = [node for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.module == "flask"]
    assert not OF_THE_REQUEST & {alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("path", [path for path in FEATURE_FILES if kind(path) == "views"], ids=where)
def test_a_view_takes_only_the_limiter_from_the_extensions(path: Path) -> None:
    assert {name for module, name in ours(path) if module == "extensions"} <= {"limiter"}


@pytest.mark.parametrize("path", FILES, ids=where)
def test_only_services_and_stores_commit(path: Path) -> None:
    calls = [node.attr for node in nodes(path) if isinstance(node, ast.Attribute)]
    may = kind(path) == "services" if path in FEATURE_FILES else path.stem in STORES
    assert may or "commit" not in calls


@pytest.mark.parametrize("path", FILES, ids=where)
def test_json_and_the_question_who_listens_have_one_place(path: Path) -> None:
    names = {node.id for node in nodes(path) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
    assert where(path) == "replies.py" or "jsonify" not in names | attributes
    assert where(path) == "web.py" or "accept_mimetypes" not in attributes


@pytest.mark.parametrize("path", FILES, ids=where)
def test_files_and_functions_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE
    functions = [node for node in nodes(path) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", FILES, ids=where)
def test_a_name_says_what_is_in_the_file(path: Path) -> None:
    assert not FORBIDDEN_NAMES.fullmatch(path.stem)


@pytest.mark.parametrize("path", FILES, ids=where)
def test_every_module_begins_with_a_sentence_about_it(path: Path) -> None:
    assert ast.get_docstring(tree(path))


def doors(app: Flask) -> dict[str, str]:
    """Every rule but static's, with the access marks of its views."""
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            mark = getattr(app.view_functions[rule.endpoint], "access", "UNMARKED")
            found.setdefault(str(rule), set()).add(mark)
    return {rule: "/".join(sorted(marks)) for rule, marks in found.items()}


def test_every_route_has_the_access_the_table_says(make_app: Callable[..., Flask]) -> None:
    everything = make_app(PLUGINS=[f"userapp.{name}" for name in ROUTES])
    assert doors(everything) == {rule: access for routes in ROUTES.values() for rule, access in routes.items()}
    assert sorted(ROUTES) == FEATURES


@pytest.mark.parametrize("left_out", [name for name in ROUTES if name not in ("auth", "devtools")])
def test_a_feature_can_be_left_out_and_the_rest_works(make_app: Callable[..., Flask], left_out: str) -> None:
    smaller = make_app(PLUGINS=[f"userapp.{name}" for name in ROUTES if name != left_out])
    rest = [routes for name, routes in ROUTES.items() if name != left_out]
    assert set(doors(smaller)) == {rule for routes in rest for rule in routes}
    client = smaller.test_client()
    client.get("/user/captcha")
    fields = {"uname": "ning", "email": "ning@example.com", "password": "correct-horse-9", "captcha": "ACEHJ"}
    assert client.post("/user/register", data=fields).json["status"]
    for rule in smaller.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.endpoint in ("auth.logout", "system.readyz"):
            continue  # /readyz says 503 where no migration has run
        for accept in ("application/json", HTML):
            reply = client.get(str(rule), headers={"Accept": accept})
            assert reply.status_code < 500, f"{rule} answers {reply.status_code} without {left_out}"


def test_no_error_number_has_two_meanings() -> None:
    for module in pkgutil.walk_packages(userapp.__path__, "userapp."):
        import_module(module.name)
    declared = [error.number for error in everything_below(AppError) if "number" in vars(error)]
    assert [number for number, times in Counter(declared).items() if times > 1] == []


def everything_below(cls: type[AppError]) -> Iterator[type[AppError]]:
    for child in cls.__subclasses__():
        if child.__module__.startswith("userapp."):
            yield child
            yield from everything_below(child)
