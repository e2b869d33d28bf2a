"""The clock of a node jumps: nobody is locked out for longer than the jump, and nothing fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from tests.conftest import PASSWORD
from userapp.models import now


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=60), timedelta(days=-400)])
def test_sign_in_goes_on_after_a_jump(client, make_user, jump):
    make_user()
    kept = client.captcha()
    with time_machine.travel(now() + jump, tick=True):
        form = {"user": "ning", "password": PASSWORD, "captcha": kept}
        assert client.post("/user/login", data=form).json["code"] in (0, 30001), "an old challenge is no failure"
        assert client.login("ning").json["code"] == 0
        assert client.get("/user/info").json["data"]["uname"] == "ning"
        token = client.login("ning", client="api").json["data"]["token"]
        for confirm, code in ((int(now().timestamp()), 0), (int((now() - jump).timestamp()), -2)):
            reply = client.post("/user/refresh_token", data={"confirm": confirm}, headers={"token": token})
            assert reply.json["code"] == code


def test_refusals_end_although_the_clock_was_set_back(client, make_user):
    make_user()
    with time_machine.travel(now() + timedelta(hours=1)):
        assert [client.login("ning", "wrong-horse-9").json["code"] for _ in range(6)] == [10101] * 5 + [10110]
    assert client.login("ning").json["code"] == 10110, "counted until the hour has come"
    with time_machine.travel(now() + timedelta(hours=1, minutes=6)):
        assert client.login("ning").json["code"] == 0
