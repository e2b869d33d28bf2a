"""What the source must not do, read from its syntax: what a scanner with rules of our own would look for."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sources import HOUSE, nodes

Nodes = list[ast.AST]
Rule = Callable[[Nodes], Iterator[ast.AST]]
SECRET = re.compile(r"(?:^|_)(?:mac|digest|signature|secret|token|code|answer|password|key_hash)$|^key$")
EXECUTING = {"execute", "executescript", "exec_driver_sql", "text"}
REDIRECTING = {
    "urlopen",
    "HTTPRedirectHandler",
    "install_opener",
}  # urllib's openers follow redirects unless told not to


def nodes_of(source: str) -> Nodes:
    """Everything a source is made of."""
    return list(ast.walk(ast.parse(source)))


def named(node: ast.AST) -> str:
    """The last part of a name: `compare_digest` of `hmac.compare_digest`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def calls(nodes: Nodes, *names: str) -> Iterator[ast.Call]:
    """Every call of a function of these names."""
    return (node for node in nodes if isinstance(node, ast.Call) and named(node.func) in names)


def given(call: ast.Call, name: str) -> ast.expr | None:
    """A named argument of a call."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def is_true(node: ast.expr | None) -> bool:
    """Whether an argument is the constant True."""
    return isinstance(node, ast.Constant) and node.value is True


def secrets_compared_plainly(nodes: Nodes) -> Iterator[ast.AST]:
    """`==` takes longer the more of a secret is right; a column's is an expression for the database."""
    for node in nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            sides = [node.left, *node.comparators]
            owners = [named(side.value) for side in sides if isinstance(side, ast.Attribute)]
            column = any(owner == "c" or owner[:1].isupper() for owner in owners)
            constant = any(isinstance(side, (ast.Constant, ast.BinOp)) for side in sides)
            if not column and not constant and any(SECRET.search(named(side)) for side in sides):
                yield node


def statements_put_together(nodes: Nodes) -> Iterator[ast.AST]:
    """SQL from an f-string, from `+`, `%` or `format`."""
    for call in calls(nodes, *EXECUTING):
        for part in call.args[:1]:
            if isinstance(part, (ast.JoinedStr, ast.BinOp)) or named(getattr(part, "func", part)) == "format":
                yield call


def pictures_of_any_format(nodes: Nodes) -> Iterator[ast.AST]:
    """`Image.open` without the list of formats starts other programs for some."""
    return (
        call
        for call in calls(nodes, "open")
        if isinstance(call.func, ast.Attribute) and named(call.func.value) == "Image" and given(call, "formats") is None
    )


def redirects_followed(nodes: Nodes) -> Iterator[ast.AST]:
    """A gateway's redirect could lead to any host, this machine included."""
    yield from (node for node in nodes if named(node) in REDIRECTING)
    for node in nodes:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if {name.partition(".")[0] for name in modules} & {"requests", "httpx", "urllib3", "aiohttp"}:
            yield node


def addresses_off_the_host(nodes: Nodes) -> Iterator[ast.AST]:
    """Links come from BASE_URL: a Host header is the caller's."""
    yield from (call for call in calls(nodes, "url_for") if given(call, "_external") is not None)
    own = {"host_url", "url_root", "base_url", "root_url", "host"}
    yield from (
        node
        for node in nodes
        if isinstance(node, ast.Attribute) and named(node.value) == "request" and node.attr in own
    )


def chance_that_can_be_guessed(nodes: Nodes) -> Iterator[ast.AST]:
    """`random` is no source of secrets; `secrets` is."""
    for node in nodes:
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names):
            yield node
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            yield node


def text_turned_into_code(nodes: Nodes) -> Iterator[ast.AST]:
    """`eval`, `exec`, pickled data, a shell, JSON whatever the type, markup nobody escaped, templates from text."""
    yield from calls(nodes, "eval", "exec", "Markup", "render_template_string", "from_string")
    yield from (call for call in calls(nodes, "run", "Popen", "call", "get_json") if is_true(given(call, "shell")))
    yield from (call for call in calls(nodes, "get_json") if is_true(given(call, "force")))
    for node in nodes:
        if isinstance(node, ast.Import) and {alias.name for alias in node.names} & {"pickle", "marshal", "shelve"}:
            yield node


def certificates_unchecked(nodes: Nodes) -> Iterator[ast.AST]:
    """TLS with whoever answers."""
    forbidden = {"CERT_NONE", "_create_unverified_context", "check_hostname"}
    return (node for node in nodes if named(node) in forbidden)


# Where a rule is broken on purpose, and why that is safe.
EXCEPTIONS = {
    ("web.py", "secrets_compared_plainly"): 1,  # the caller's own cookie with the caller's own key
    ("turns.py", "statements_put_together"): 2,  # of two constants
    ("extensions.py", "statements_put_together"): 2,  # a setting that is checked, and one of three constants
    ("config.py", "text_turned_into_code"): 1,  # the operator's own file
    ("safeguards.py", "addresses_off_the_host"): 1,  # compared with Origin, never written anywhere
    ("request_log.py", "chance_that_can_be_guessed"): 1,  # a request's id is no secret
    ("avatar/storage.py", "secrets_compared_plainly"): 1,  # a folder's name with the one in the row
    ("parity.py", "chance_that_can_be_guessed"): 1,  # for tests
    ("api_reference/reading_page.py", "text_turned_into_code"): 1,  # escaped before
}
RULES: list[Rule] = [
    secrets_compared_plainly, statements_put_together, pictures_of_any_format, redirects_followed,
    addresses_off_the_host, chance_that_can_be_guessed, text_turned_into_code, certificates_unchecked,
]  # fmt: skip
BROKEN = {
    "secrets_compared_plainly": "given.token == stored_token",
    "statements_put_together": 'connection.execute(f"SELECT {x}")',
    "pictures_of_any_format": "Image.open(file)",
    "redirects_followed": "urllib.request.urlopen(url)",
    "addresses_off_the_host": 'url_for("x", _external=True)',
    "chance_that_can_be_guessed": "from random import choice",
    "text_turned_into_code": "eval(text)",
    "certificates_unchecked": "context.verify_mode = ssl.CERT_NONE",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_a_rule_is_kept_everywhere(rule: Rule) -> None:
    assert list(rule(nodes_of(BROKEN[rule.__name__]))), "the rule sees what it is for"
    found = {
        str(path.relative_to(HOUSE)): [node.lineno for node in rule(nodes(path))]  # type: ignore[attr-defined]
        for path in HOUSE.rglob("*.py")
    }
    allowed = {file: times for (file, name), times in EXCEPTIONS.items() if name == rule.__name__}
    assert {file: lines for file, lines in found.items() if len(lines) != allowed.get(file, 0)} == {}


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.html")), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_template_escapes_what_it_shows(path: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text("utf-8"))
