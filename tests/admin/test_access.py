"""Who may enter: administrators only, and to change something with a password given lately."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from tests.conftest import HTML, Browser
from userapp import accounts
from userapp.models import now

READ = ["/admin/", "/admin/users", "/admin/users/1", "/admin/events"]
ACT = ["disable", "enable", "sessions", "reset", "uid", "name", "user_type", "verify_email", "delete"]


def test_pages_are_for_administrators(client, admin, signed_in):
    ning = signed_in("ning")
    for path in READ:
        assert (client.get(path).status_code, client.get(path).json["code"]) == (401, -2)
        assert (ning.get(path).status_code, ning.get(path).json["code"]) == (403, 4030)
        assert admin.get(path).status_code == 200


def test_actions_are_for_administrators_who_gave_their_password_lately(client, admin, signed_in):
    ning = signed_in("ning")
    for path in (f"/admin/users/1/{action}" for action in ACT):
        assert client.post(path).json["code"] == -2
        assert ning.post(path).json["code"] == 4030
        assert admin.get(path).json["code"] == 10108
        with time_machine.travel(now() + timedelta(seconds=301), tick=False):
            assert (admin.post(path).status_code, admin.post(path).json["code"]) == (403, 4031)


def test_a_person_is_led_to_sign_in_again_and_comes_back(make_admin, make_user):
    browser = make_admin(kind=Browser)
    path = f"/admin/users/{make_user('ning')['id']}"
    assert "<fieldset>" in browser.get(path).text
    with time_machine.travel(now() + timedelta(seconds=301), tick=False):
        page = browser.get(path).text
        assert "<fieldset disabled>" in page and "<fieldset>" not in page
        assert f"next={path}" in page
        refused = browser.post(f"{path}/disable")
        assert refused.status_code == 403 and f"next={path}/disable" in refused.text
        assert browser.login("root", next=f"{path}/disable").location == f"{path}/disable"
        assert browser.get(f"{path}/disable").status_code == 200
        assert browser.post(f"{path}/disable", data={"next": path}).location == path


@pytest.mark.parametrize("kind", ["web", "api"])
def test_what_an_administrator_signs_in_with_lives_twelve_hours(app, admin, client, kind):
    reply = client.login("root", client=kind)
    headers = {"token": reply.json["data"]["token"]} if kind == "api" else {}

    def enters_after(hours):
        with time_machine.travel(now() + timedelta(hours=hours), tick=False):
            return client.get("/admin/users", headers=headers).status_code == 200

    assert enters_after(6) and enters_after(11.9) and not enters_after(12.1), "use does not prolong it"


def test_a_change_of_type_ends_what_was_signed_in(app, admin):
    with app.app_context():
        accounts.set_type(1, "teacher", accounts.OPERATOR)
    assert admin.get("/admin/users").json["code"] == -2
    admin.login("root")
    assert admin.get("/admin/users").json["code"] == 4030


def test_only_administrators_see_the_way_in(make_admin, signed_in):
    assert 'href="/admin/"' in make_admin(kind=Browser).get("/").text
    assert 'href="/admin/"' not in signed_in("ning", kind=Browser).get("/").text


def test_nobody_makes_themselves_an_administrator(app, signed_in):
    person = signed_in("ning", user_type="admin")
    person.post("/user/info", data={"user_type": "admin", "intro": "x"})
    assert person.get("/user/info").json["data"]["user_type"] == "student"


def test_nobody_is_not_found(admin):
    for path in ("/admin/users/404", f"/admin/users/{10**30}", f"/admin/users/{10**30}/disable"):
        assert admin.get(path, headers={"Accept": HTML}).status_code == 404
    assert admin.post(path).status_code == 404
