"""Bodies no honest client sends: each gets a refusal of the documents, none an error of the server."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.conftest import ANSWER, PASSWORD, Json

PATHS = ("/user/login", "/user/register", "/user/info")
DOCUMENTED = {
    0,
    -13,
    413,
    10000,
    10001,
    10006,
    10008,
    10009,
    10010,
    10100,
    10101,
    10107,
    10205,
    10806,
    30000,
    30001,
    30100,
}
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
GOOD = {"user": "nobody", "uname": "lanlan", "email": "lan@example.com", "password": PASSWORD, "intro": "x"}


def with_value(value: str) -> bytes:
    return ('{"user": %s, "uname": %s, "password": %s, "intro": %s, "gender": %s}' % ((value,) * 5)).encode()


JSON_BODIES = {
    "a number": b'{"user": 123}',
    "an array": b"[1,2]",
    "a text": b'"x"',
    "null": b"null",
    "true": b"true",
    "nothing": b"",
    "a brace": b"{",
    "NUL in a value": with_value('"a\\u0000b"'),
    "NUL in a name": b'{"us\\u0000er": "x"}',
    "a raw NUL": b'{"user": "a\x00b"}',
    "a lone surrogate": with_value('"\\ud800"'),
    "a lone surrogate in a name": b'{"\\udfff": "x"}',
    "100 000 deep arrays": b"[" * 100_000,
    "100 000 deep closed arrays": b"[" * 100_000 + b"]" * 100_000,
    "100 000 deep objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "a nested object": with_value('{"a": 1}'),
    "a nested array": with_value('["x"]'),
    "NaN": with_value("NaN"),
    "Infinity": with_value("-Infinity"),
    "a huge float": with_value("1e999"),
    "a big integer": with_value("9" * 4000),
    "a bigger integer": with_value("9" * 20_000),
    "a name twice": b'{"user": "a", "user": ["b"]}',
    "a byte order mark": b'\xef\xbb\xbf{"user": "x"}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "broken UTF-8": b'{"user": "\xff\xfe"}',
    "a long text": with_value('"' + "x" * 20_000 + '"'),
}
FORM_BODIES = {
    "nothing": b"",
    "no names": b"&&&===",
    "NUL": b"user=a%00b&uname=a%00b&password=a%00b&intro=%00",
    "NUL in a name": b"us%00er=a",
    "broken UTF-8": b"user=%ff%fe&uname=%ff&password=%c3%28&intro=%ff",
    "a lone surrogate": b"user=%ed%a0%80&uname=%ed%a0%80&password=x&intro=%ed%a0%80",
    "a name twice": b"user=a&user=b&uname=a&uname=b&password=c&password=d&intro=a&intro=b",
    "brackets": b"user[]=a&user[$ne]=b&password[]=c",
    "a thousand names": b"&".join(b"n%d=1" % n for n in range(1500)),
    "a long text": b"user=" + b"x" * 20_000,
    "5 MB": b"user=" + b"x" * 5_000_000,
    "percent signs": b"user=%&password=%zz",
    "JSON called a form": json.dumps(GOOD).encode(),
}


@pytest.fixture
def people(signed_in, app):
    """A stranger and somebody signed in: both send what follows."""
    client = signed_in()
    app.test_client_class = Json
    return {"/user/login": app.test_client(), "/user/register": app.test_client(), "/user/info": client}


def refused(reply, what):
    assert reply.status_code < 500, (what, reply.status, reply.get_data(as_text=True)[:300])
    assert reply.json["code"] in DOCUMENTED, (what, reply.json)
    assert "Traceback" not in reply.get_data(as_text=True)


@pytest.mark.parametrize("path", PATHS)
def test_no_json_body_is_an_error_of_the_server(people, path):
    """Contract 6: -13 wrong parameter type, or the line of what is missing; never document A's 500."""
    for what in JSON_BODIES:
        refused(people[path].post(path, data=JSON_BODIES[what], content_type=JSON_TYPE), what)


@pytest.mark.parametrize("path", PATHS)
def test_no_form_body_is_an_error_of_the_server(people, path):
    """Contract 6: the same for forms."""
    for what in FORM_BODIES:
        refused(people[path].post(path, data=FORM_BODIES[what], content_type=FORM_TYPE), what)


@pytest.mark.parametrize("path,status", [("/user/login", 403), ("/user/register", 403), ("/user/info", 200)])
def test_what_is_no_object_of_texts_is_the_wrong_type(people, path, status):
    """Contract 6: -13 wrong parameter type; 403 on document A's endpoints, 200 on document B's."""
    for what in ("an array", "a text", "a lone surrogate", "NUL in a value", "NaN"):
        reply = people[path].post(path, data=JSON_BODIES[what], content_type=JSON_TYPE)
        assert (reply.json["code"], reply.json["msg"], reply.status_code) == (-13, "参数类型错误", status), what


def test_a_number_as_user_lacks_only_the_password(client):
    """Contract 1: a value sent as a JSON number means its text."""
    assert client.post("/user/login", json={"user": 123}).json["code"] == 10107
    reply = client.post("/user/login", json={"user": 123, "password": True, "captcha": client.captcha()})
    assert reply.json["code"] == 10100


@pytest.mark.parametrize("number", ["1.50", "1e5", "1E+2", "-0", "1e999", "-12.0", "9" * 500])
def test_a_number_is_kept_as_it_was_written(people, number):
    """Contract 1: a value sent as a JSON number means its text, not what a program makes of it."""
    body = b'{"intro": %s}' % number.encode()
    reply = people["/user/info"].post("/user/info", data=body, content_type=JSON_TYPE)
    assert reply.json["data"]["intro"] == number
    reply = people["/user/info"].post("/user/info", data={"intro": number})
    assert reply.json["data"]["intro"] == number


@pytest.mark.parametrize("path,number", [("/user/login", 10107), ("/user/register", 10009), ("/user/info", 0)])
@pytest.mark.parametrize("kind", [JSON_TYPE, FORM_TYPE, "application/json; charset=utf-8"])
@pytest.mark.parametrize("body", [b"", b"\r\n"])
def test_a_body_with_nothing_in_it_has_no_parameters(people, path, number, kind, body):
    """Contract 3: POST without fields = read; contract 6: the line of what is missing."""
    reply = people[path].post(path, data=body, content_type=kind)
    assert reply.json["code"] == number


LONG = "x" * 10_000
TOO_LONG = [
    ("/user/info", {"intro": LONG}, 30101), ("/user/info", {"description": LONG}, 30101),
    ("/user/info", {"phone": "1" * 10_000}, 10006), ("/user/info", {"email": f"{LONG}@example.com"}, 10806),
    ("/user/password", {"old_password": LONG, "new_password": "battery-8"}, 10203),
    ("/user/change_password", {"old_pwd": PASSWORD, "new_pwd": LONG}, 10201),
    ("/user/email/bind", {"captcha": LONG}, 10804), ("/user/email/send", {"type": LONG}, 10800),
    ("/user/email/new", {"email": f"{LONG}@example.com"}, 10806),
    ("/user/login", {"user": LONG, "password": PASSWORD}, 10100),
    ("/user/login", {"user": "ning", "password": LONG}, 10101),
    ("/user/login", {"user": "ning", "password": PASSWORD, "captcha": LONG}, 30002),
    ("/user/register", {"uname": LONG, "email": "lan@example.com", "password": PASSWORD}, 10008),
    ("/user/register", {"uname": "lan", "email": f"{LONG}@example.com", "password": PASSWORD}, 10000),
    ("/user/register", {"uname": "lan", "email": "lan@example.com", "password": LONG}, 10001),
    ("/user/reset", {"email": f"{LONG}@example.com"}, 11004),
]  # fmt: skip


@pytest.mark.parametrize("spelling", ["data", "json"])
@pytest.mark.parametrize("path,values,number", TOO_LONG)
def test_what_is_far_too_long_is_told_as_what_is_too_long(people, path, values, number, spelling):
    """Contract 6: -13 is for the wrong type; a length has lines of its own, however long the text is."""
    client = people["/user/info"]
    sent = {"captcha": client.captcha(), **values} if path != "/user/email/bind" else values
    assert client.post(path, **{spelling: sent}).json["code"] == number


def test_of_a_name_given_twice_the_first_value_counts(client, make_user):
    """Contract 1: the same value whoever looks, in forms and in JSON."""
    make_user()
    form = f"user=ning&user=nobody&password={PASSWORD}&password=x&captcha={client.captcha()}"
    assert client.post("/user/login", data=form, content_type=FORM_TYPE).json["code"] == 0
    body = f'{{"user": "ning", "user": "nobody", "password": "{PASSWORD}", "captcha": "{client.captcha()}"}}'
    assert client.post("/user/login", data=body, content_type=JSON_TYPE).json["code"] == 0


@pytest.mark.parametrize("path", PATHS)
def test_a_charset_we_do_not_speak_changes_nothing(people, path):
    """Contract 1: bodies are UTF-8."""
    text = json.dumps(GOOD | {"intro": "宁"}, ensure_ascii=False).encode()
    for charset in ("gbk", "utf-16", "utf-7", "nonsense", "idna", "zlib"):
        for body, kind in ((text, JSON_TYPE), (b"user=x&password=y&intro=z", FORM_TYPE)):
            refused(people[path].post(path, data=body, content_type=f"{kind}; charset={charset}"), charset)


KINDS = [
    "", "text/plain", "application/xml", "application/json;;;", "APPLICATION/JSON", "application/vnd.api+json",
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_another_kind_is_a_refusal(people, path):
    """Contract 1: form, multipart or JSON."""
    for kind in KINDS:
        refused(people[path].post(path, data=b"--x\r\nuser=a", content_type=kind), kind)


def test_a_file_where_text_is_expected_is_no_text(people):
    """Contract 1: multipart parameters."""
    import io

    for path in PATHS:
        values = {name: (io.BytesIO(b"x"), "x.txt") for name in ("user", "uname", "password", "intro", "captcha")}
        refused(people[path].post(path, data=values, content_type="multipart/form-data"), path)


@pytest.mark.parametrize("value", [b"1", b"\xff", b"\x00"])
def test_a_part_without_a_name_is_nobodys_field(client, value):
    """Found by fuzzing: the refusal of what no database keeps stumbled over the name that is not there."""
    parts = b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nning\r\n--x\r\n'
    parts += b"Content-Disposition: form-data\r\n\r\n"
    reply = client.post(
        "/user/login", data=parts + value + b"\r\n--x--", content_type="multipart/form-data; boundary=x"
    )
    assert reply.json["code"] == 10107, "the password is what is missing"


def test_a_body_beyond_the_limit_is_413_for_a_program(people):
    """Contract 6 and 8: 413 as JSON, document B's endpoints as 200."""
    for path, status in (("/user/login", 403), ("/user/info", 200)):
        reply = people[path].post(path, data={"intro": "x" * 5_000_000})
        assert reply.json["code"] == 413 and reply.status_code in (413, status)


@pytest.mark.parametrize("path", ["/user/login", "/user/register"])
def test_a_browser_gets_a_page_for_each(browser, path):
    """Contract 1: a browser gets pages."""
    token = browser.token()
    for what, sent in FORM_BODIES.items():
        body = sent + b"&csrf_token=" + token.encode()
        reply = browser.post(path, data=body, content_type=FORM_TYPE, csrf=False)
        assert 400 <= reply.status_code < 500 and reply.mimetype == "text/html", (what, reply.status)


@pytest.mark.parametrize(
    "header", ["token", "Authorization", "Cookie", "User-Agent", "Accept", "Accept-Language", "Origin"]
)
def test_no_header_is_an_error_of_the_server(client, header):
    """Document A: 500 服务器错误 is for our failures, not for a caller's."""
    for value in ("\xff\xfe", "x" * 8000, "", "Bearer ", ";;;===", "a=\x80", "session=.eJ.x.y", "text/html;q=nan"):
        for method, path in (("GET", "/user/info"), ("POST", "/user/login"), ("GET", "/user/logout")):
            assert client.open(path, method=method, headers={header: value}).status_code < 500, value


@pytest.mark.parametrize("protocol,status", [("HTTP/1.1", "400 BAD REQUEST"), ("HTTP/1.0", "200 OK")])
def test_only_http_1_0_may_leave_the_host_out(app, protocol, status):
    """Flask would take any such request as one to this server."""
    environ = EnvironBuilder("/").get_environ() | {"SERVER_PROTOCOL": protocol}
    del environ["HTTP_HOST"]
    assert run_wsgi_app(app, environ)[1] == status


class Broken(BytesIO):
    """A body of which the server finds half-way that it is none, with an exception of its own."""

    def read(self, size=-1):
        raise RuntimeError("chunk")


@pytest.mark.parametrize("path", ["/user/email/undo", "/user/delete/keep", "/user/setup"])
@pytest.mark.parametrize("kind", [FORM_TYPE, JSON_TYPE, "multipart/form-data; boundary=x"])
def test_a_body_that_the_server_cannot_read_is_a_refusal(client, path, kind):
    """INP-04: neither an error of the server nor an empty body."""
    sent = {"wsgi.input": Broken(), "CONTENT_LENGTH": "9"}
    reply = client.post(path, content_type=kind, environ_overrides=sent)
    assert (reply.status_code, reply.json["code"]) == (400, 400)


def test_half_a_body_is_not_an_empty_one(signed_in):
    """INP-04: what needs no field must not happen for a connection that broke off."""
    client, sent = signed_in(), {"wsgi.input": BytesIO(b"a="), "CONTENT_LENGTH": "9"}
    assert client.post("/user/logout", content_type=FORM_TYPE, environ_overrides=sent).json["code"] == 400
    assert client.get("/user/info").json["code"] == 0


@pytest.mark.parametrize("text", [b"%ff%fe", b"\xff", b"%ed%a0%80", b"%c3%28", b"%C4%FE"])
def test_a_form_in_another_charset_is_the_wrong_type(people, text):
    """Contract 1: bodies are UTF-8; Werkzeug would store the percent signs."""
    reply = people["/user/info"].post("/user/info", data=b"intro=" + text, content_type=FORM_TYPE)
    assert (reply.json["code"], people["/user/info"].get("/user/info").json["data"]["intro"]) == (-13, "")


ODD = ["a\tb", "%00", "../../etc", "{{7*7}}", "${jndi:x}", "\u202e", "İ" * 60, "ﷺ" * 30, "@" * 200, "٣" * 40]


@pytest.mark.parametrize("user", ODD)
def test_odd_names_are_unknown_users(client, user):
    """Document A, login, 403: 无此用户."""
    reply = client.post("/user/login", data={"user": user, "password": PASSWORD, "captcha": client.captcha()})
    assert reply.json["code"] == 10100
    reply = client.post("/user/register", json=GOOD | {"uname": user, "captcha": ANSWER})
    assert reply.json["code"] in (10007, 10008, 30001)
