"""Chinese and English complete: every text has an English line, and an English page has no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import nodes
from wtforms.validators import DataRequired, Email

import userapp
from tests.conftest import ANSWER, HTML, PASSWORD, Browser
from userapp.errors import InvalidInput
from userapp.forms import BaseForm, TextField
from userapp.languages import catalogue

HOUSE = Path(userapp.__file__).parent
CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
UNTRANSLATED = {"中文"}  # the language's own name, in the choice of languages
TEMPLATES = sorted(path for path in HOUSE.rglob("*.html")) + sorted(HOUSE.rglob("templates/**/*.txt"))
CATALOGUE = HOUSE / "translations/en/LC_MESSAGES/userapp.po"


def literals(path: Path) -> set[str]:
    """The texts of a Python file but for its docstrings, and but for what tells programs of the API."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and is_text(node.body[0])]
    skipped += [node for node in ast.walk(tree) if for_programs(node)]
    inside = {id(below) for node in skipped for below in ast.walk(node)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in inside]
    return {node.value for node in texts if isinstance(node.value, str)}


def for_programs(node: ast.AST) -> bool:
    """A `description=…` or an `example`, which only the description of the API shows."""
    if isinstance(node, ast.keyword):
        return node.arg in ("description", "example")
    return isinstance(node, ast.Assign) and any("example" in ast.unparse(target).lower() for target in node.targets)


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def missing(texts: set[str]) -> list[str]:
    known = catalogue("en")
    chinese = {text for text in texts if CHINESE.search(text)} - UNTRANSLATED
    return sorted(text for text in chinese if CHINESE.search(known.gettext(text)))


def test_every_text_of_the_code_has_an_english_line():
    assert missing(set().union(*(literals(path) for path in HOUSE.rglob("*.py")))) == []


def test_every_text_of_the_templates_has_an_english_line(app):
    for path in TEMPLATES:
        tree = app.jinja_env.parse(path.read_text("utf-8"))
        texts = {node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)}
        bare = "".join(node.data for node in tree.find_all(nodes.TemplateData))
        assert missing(texts) == [], path
        assert not CHINESE.search(bare.replace("中文", "")), f"{path}: not in _()"


def test_no_script_holds_a_text_of_its_own():
    for path in (HOUSE / "static").glob("*.js"):
        assert not CHINESE.search(path.read_text("utf-8")), path


def test_the_catalogue_is_compiled_and_keeps_what_is_filled_in():
    with CATALOGUE.open("rb") as file:
        lines = [message for message in read_po(file) if message.id]
    for line in lines:
        assert catalogue("en").gettext(line.id) == line.string, f"{line.id}: run pybabel compile"
        assert sorted(re.findall(r"{\w*}", line.id)) == sorted(re.findall(r"{\w*}", line.string)), line.id


PAGES = ["/", "/user/info", "/user/avatar", "/user/email", "/user/security", "/user/password", "/nowhere"]


@pytest.mark.parametrize("path", ["/", "/user/login", "/user/register", "/user/reset", "/dev/outbox"])
def test_an_english_page_of_a_stranger_is_english(browser, path):
    assert 'lang="en"' in (text := shown(browser, path)) and chinese_in(text) == []


def test_an_english_page_of_an_account_is_english(signed_in):
    me = signed_in("ning", Browser)
    me.get("/")  # says "signed in" once, in the language of that moment
    for path in PAGES:
        assert chinese_in(shown(me, path)) == [], path


def shown(browser, path: str) -> str:
    return browser.get(path, headers={"Accept": HTML, "Accept-Language": "en"}).get_data(as_text=True)


def chinese_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if CHINESE.search(line.replace("中文", ""))]


def test_the_account_s_language_wins_over_the_browser_s_and_lang_over_both(signed_in):
    me = signed_in("ning", Browser)
    english = {"Accept": HTML, "Accept-Language": "en"}
    assert me.post("/user/info", data={"language": "zh"}).status_code == 303
    assert '<html lang="zh-CN">' in me.get("/", headers=english).get_data(as_text=True)
    assert '<html lang="en">' in me.get("/?lang=en", headers=english).get_data(as_text=True)
    assert '<html lang="zh-CN">' in me.get("/", headers=english).get_data(as_text=True)
    me.post("/user/info", data={"language": "en", "next": "/user/security"})
    assert '<html lang="en">' in me.get("/user/security").get_data(as_text=True)
    me.post("/user/info", data={"language": ""})
    me.delete_cookie("lang")
    assert '<html lang="en">' in me.get("/", headers=english).get_data(as_text=True)


def test_a_language_we_do_not_have_is_refused(signed_in):
    reply = signed_in().post("/user/info", data={"language": "fr"})
    assert (reply.json["code"], reply.json["msg"]) == (30102, "语言不正确")


class PluginForm(BaseForm):
    """A form as a plugin may write it, with WTForms' own validators."""

    mail = TextField(validators=[DataRequired(), Email()])


@pytest.mark.parametrize("lang,line", [("zh", "该字段是必填字段。"), ("en", "This field is required.")])
def test_wtforms_speaks_the_page_s_language(app, lang, line):
    with app.test_request_context(f"/?lang={lang}", method="POST"):
        form = PluginForm(formdata=None, data={"mail": ""})
        with pytest.raises(InvalidInput) as refused:
            form.check()
        assert (refused.value.field, form.mail.errors[0]) == ("mail", line)


def test_another_language_is_the_same_page(browser):
    for path in ("/user/login?next=/user/info%3Fa%3D1", "/user/setup?link=a.b-c"):
        query = path.partition("?")[2]
        assert f'?lang=en&amp;{query}"' in shown(browser, path)


def test_who_has_not_chosen_is_mailed_in_the_language_of_the_page(client, outbox):
    client.get("/user/captcha")
    fields = {"uname": "ning", "password": PASSWORD, "email": "ning@example.com", "captcha": ANSWER}
    assert client.post("/user/register", data=fields, headers={"Accept-Language": "en-GB"}).get_json()["status"]
    assert client.register("hua", email="hua@example.com").get_json()["status"]
    subjects = {mail["to"]: mail["subject"] for mail in outbox()}
    assert subjects["ning@example.com"].isascii() and not subjects["hua@example.com"].isascii()
