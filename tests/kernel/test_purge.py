"""Expired rows go; living ones stay."""

from datetime import timedelta

import time_machine

from userapp.extensions import db
from userapp.models import Budget, Code, Credential, SpentChallenge, now
from userapp.purge import purge


def test_purging_takes_what_expired_and_nothing_else(app, signed_in):
    client = signed_in()
    with app.app_context():
        gone = purge()
        assert not any(gone[table] for table in ("credentials", "codes", "spent_challenges", "messages"))
        with time_machine.travel(now() + timedelta(days=1), tick=False):
            gone = purge()
        assert gone["spent_challenges"] == 2 and gone["codes"] == 1 and gone["credentials"] == 0
        for table in (SpentChallenge, Code, Budget):
            assert db.session.query(table).count() == 0
        assert db.session.query(Credential).count() == 2
    assert client.get("/user/info").json["status"]
