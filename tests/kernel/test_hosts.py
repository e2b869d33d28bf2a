"""A Host that is not ours is refused, as JSON and as a page."""


def test_a_foreign_host_is_400(client, browser):
    for caller in (client, browser):
        reply = caller.get("/user/login", headers={"Host": "evil.example"})
        assert reply.status_code == 400
    assert reply.mimetype == "text/plain"
