"""Notes are kept, counted, and nobody else's."""

from userapp.testing import Browser


def test_a_new_account_has_a_welcome_and_adds_to_it(signed_in):
    client = signed_in("ning")
    assert client.post("/user/notes", json={"note": "牛奶"}).json["msg"] == "已保存"
    assert [note["note"] for note in client.get("/user/notes").json["data"]] == ["牛奶", "欢迎！"]


def test_what_is_refused(signed_in):
    client = signed_in("ning")
    assert client.post("/user/notes", data={"note": " "}).json["code"] == 20000
    client.post("/user/notes", data={"note": "second"})
    assert client.post("/user/notes", data={"note": "third"}).json["code"] == 20001


def test_nobody_reads_them_but_their_owner(signed_in, client):
    signed_in("ning").post("/user/notes", data={"note": "secret"})
    assert client.get("/user/notes").json["code"] == -2
    assert [note["note"] for note in signed_in("other").get("/user/notes").json["data"]] == ["欢迎！"]


def test_pages_menu_and_the_account_home_show_them(signed_in):
    browser = signed_in("ning", kind=Browser)
    assert browser.post("/user/notes", data={"note": "from the page"}).status_code == 303
    assert "from the page" in browser.get("/user/notes").text
    assert "我的笔记" in browser.get("/").text
    assert 'href="/user/notes"' in browser.get("/user/info").text


def test_the_reference_and_the_command_know_them(app, signed_in):
    signed_in("ning")
    document = app.test_client().get("/openapi.json").json
    assert set(document["paths"]["/user/notes"]) == {"get", "post"}
    assert app.test_cli_runner().invoke(args=["notes"]).output == "1\n"
