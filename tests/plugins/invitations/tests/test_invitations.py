"""Nobody registers without a code."""

import pytest


@pytest.mark.parametrize("code", ["", "guessed", "开门"])
def test_without_the_code_nobody_is_registered(client, code):
    refused = client.register("ning", email="ning@example.com", invitation=code)
    assert (refused.status_code, refused.json["code"], refused.json["msg"]) == (403, 20100, "邀请码不正确")
    assert client.login("ning").json["code"] == 10100


def test_with_it_one_is(client):
    assert client.register("ning", email="ning@example.com", invitation="open-sesame").json["msg"] == "注册成功"


def test_the_page_asks_for_it_and_shows_what_is_wrong_with_it(browser):
    assert 'name="invitation"' in browser.get("/user/register").text
    assert "邀请码不正确" in browser.register("ning", email="ning@example.com", invitation="guessed").text


def test_the_reference_knows_the_number(client):
    refusals = client.get("/openapi.json").json["paths"]["/user/register"]["post"]["responses"]["403"]
    assert "20100" in refusals["content"]["application/json"]["examples"]
