"""Text messages against a real HTTP server, and the signatures against the vendors' published examples."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from userapp import sms
from userapp.errors import SmsNotSent
from userapp.sms_gateways import gateway
from userapp.sms_signatures import acs3_authorization, tc3_authorization

NUMBER, TEXT, PARAMS = "+8613800138000", "验证码 123456", {"code": "123456", "minutes": "10"}
TENCENT_YES = {"Response": {"SendStatusSet": [{"Code": "Ok"}], "RequestId": "r"}}


class Fake(ThreadingHTTPServer):
    """A gateway that answers as told and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status, self.body, self.wait, self.drip = 200, b"{}", 0.0, 0.0
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, answer: Any, status: int = 200) -> None:
        """Answer this from now on, as JSON unless it is bytes."""
        self.status, self.body = status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()


class Answer(BaseHTTPRequestHandler):
    """One request to the fake gateway."""

    server: Fake

    def do_POST(self) -> None:
        """Remember the request and answer it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, headers, body))
        time.sleep(self.server.wait)
        try:
            self.send_response(self.server.status)
            self.send_header("Location", self.server.url + "/elsewhere")
            self.end_headers()
            step = 1 if self.server.drip else len(self.server.body) or 1
            for start in range(0, len(self.server.body), step):
                self.wfile.write(self.server.body[start : start + step])
                time.sleep(self.server.drip)
        except OSError:
            pass

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A running fake gateway."""
    server = Fake()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(fake: Fake) -> Iterator[Flask]:
    """An application whose SMS go to the fake gateway as a webhook."""
    app = Flask(__name__)
    app.config.update(SMS_URL=f"webhook+{fake.url}/hook?secret=s3&tenant=a+b", SMS_TIMEOUT=1)
    with app.app_context():
        yield app


def send() -> None:
    """Send the message all tests send."""
    sms.send(NUMBER, TEXT, PARAMS)


def refused() -> None:
    """Send it and expect the documented refusal."""
    with pytest.raises(SmsNotSent):
        send()


def test_the_webhook_gets_a_signed_message_and_not_its_secret(app: Flask, fake: Fake) -> None:
    fake.says({"ok": True})
    send()
    path, headers, body = fake.seen[0]
    message = json.loads(body)
    assert (message["to"], message["text"], message["params"]) == (NUMBER, TEXT, PARAMS)
    assert path == "/hook?tenant=a%2Bb"
    stamp, mac = (part.split("=")[1] for part in headers["x-userapp-signature"].split(","))
    assert mac == hmac.new(b"s3", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert abs(int(stamp) - time.time()) < 60


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (204, b""), (202, b'{"queued": 1}')])
def test_any_success_of_the_webhook_will_do(app: Flask, fake: Fake, status: int, body: bytes) -> None:
    fake.says(body, status)
    send()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (403, b"{}"),
        (301, b"{}"),
        (302, b"{}"),
        (307, b"{}"),
        (308, b"{}"),
        (304, b""),
        (200, b"<html>welcome to the hotel wifi</html>"),
        (200, b"[]"),
        (200, b'"ok"'),
        (200, b"null"),
        (200, b"\xff\xfe"),
        (200, b"[" * 60_000),
        (200, b'{"a": "' + b"x" * 65536 + b'"}'),
        (200, b'{"ok": false}'),
    ],
)
def test_every_other_answer_is_a_failure_and_nothing_is_followed(
    app: Flask, fake: Fake, status: int, body: bytes
) -> None:
    fake.says(body, status)
    refused()
    assert len(fake.seen) == 1


@pytest.mark.parametrize("wait, drip", [(3.0, 0.0), (0.0, 0.1)])
def test_a_slow_gateway_is_left_after_the_timeout(app: Flask, fake: Fake, wait: float, drip: float) -> None:
    app.config["SMS_TIMEOUT"] = 0.2
    fake.says({"ok": True})
    fake.wait, fake.drip = wait, drip
    refused()


def test_a_refused_connection_is_a_failure(app: Flask, fake: Fake) -> None:
    app.config["SMS_URL"] = "webhook+http://127.0.0.1:1/?secret=s"
    refused()


def test_after_five_failures_the_gateway_rests_and_is_then_probed_once(
    app: Flask, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.says({}, 500)
    for _ in range(7):
        refused()
    assert len(fake.seen) == 5
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    for _ in range(3):
        refused()
    assert len(fake.seen) == 6
    monkeypatch.setattr(time, "monotonic", lambda: later + 31)
    fake.says({})
    send()
    send()
    assert len(fake.seen) == 8


def test_a_success_in_between_starts_the_count_anew(app: Flask, fake: Fake) -> None:
    for _ in range(3):
        fake.says({}, 500)
        for _ in range(4):
            refused()
        fake.says({})
        send()
    assert len(fake.seen) == 15


@pytest.mark.parametrize(("body", "status"), [({"ok": False}, 200), ({}, 400), ({}, 422)])
def test_refused_messages_do_not_silence_the_gateway(app: Flask, fake: Fake, body: object, status: int) -> None:
    fake.says(body, status)
    for _ in range(8):
        refused()
    assert len(fake.seen) == 8


def test_the_breaker_counts_right_under_threads() -> None:
    breaker = sms.Breaker()
    threads = [threading.Thread(target=breaker.record, args=(False,)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not breaker.admits()
    breaker.record(True)
    assert breaker.admits()


def test_while_one_caller_probes_the_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = sms.Breaker()
    for _ in range(5):
        breaker.record(False)
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_aliyun_gets_a_request_signed_over_what_it_received(app: Flask, fake: Fake) -> None:
    app.config["SMS_URL"] = f"aliyun://AK:a%2Fb@?sign=%E7%AD%BE%E5%90%8D&template=SMS_1&params=code&endpoint={fake.url}"
    fake.says({"Code": "OK", "BizId": "1"})
    send()
    path, headers, body = fake.seen[0]
    query = urlsplit(path).query
    values = {name: value[0] for name, value in parse_qs(query).items()}
    assert (values["PhoneNumbers"], values["SignName"], values["TemplateCode"]) == ("13800138000", "签名", "SMS_1")
    assert json.loads(values["TemplateParam"]) == {"code": "123456"} and body == b""
    signed = {name: headers[name] for name in headers if name.startswith("x-acs-") or name == "host"}
    assert headers["authorization"] == acs3_authorization(key_id="AK", key="a/b", query=query, headers=signed)
    for no in ({"Code": "isv.BUSINESS_LIMIT_CONTROL"}, {"Message": "?"}):
        fake.says(no)
        refused()


def test_tencent_gets_a_request_signed_over_what_it_received(app: Flask, fake: Fake) -> None:
    app.config["SMS_URL"] = f"tencent://ID:KEY@?app=1400&sign=S&template=9&region=ap-beijing&endpoint={fake.url}"
    fake.says(TENCENT_YES)
    send()
    _, headers, body = fake.seen[0]
    message = json.loads(body)
    assert message["PhoneNumberSet"] == [NUMBER] and message["TemplateParamSet"] == ["123456", "10"]
    assert (headers["x-tc-region"], headers["x-tc-version"]) == ("ap-beijing", "2021-01-11")
    signed = {name: headers[name] for name in ("content-type", "host", "x-tc-action")}
    assert headers["authorization"] == tc3_authorization(
        key_id="ID", key="KEY", service="sms", headers=signed, body=body, timestamp=int(headers["x-tc-timestamp"])
    )
    wrong_number: dict[str, Any] = {"Response": {"SendStatusSet": [{"Code": "InvalidParameterValue"}]}}
    for no in (wrong_number, {"Response": {"Error": {"Code": "AuthFailure"}}}, {"Response": 1}, {}):
        fake.says(no)
        refused()


def test_twilio_gets_a_form_with_the_text(app: Flask, fake: Fake) -> None:
    app.config["SMS_URL"] = f"twilio://AC1:TOKEN@?from=+15550100&endpoint={fake.url}"
    fake.says({"sid": "SM1", "status": "queued", "error_code": None}, 201)
    send()
    path, headers, body = fake.seen[0]
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert parse_qs(body.decode()) == {"To": [NUMBER], "From": ["+15550100"], "Body": [TEXT]}
    assert headers["authorization"] == "Basic QUMxOlRPS0VO"
    for no in ({"sid": "SM1", "status": "failed"}, {"sid": "SM1", "error_code": 30003}, {}):
        fake.says(no, 201)
        refused()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "outbox:",
        "webhook+https://host/",
        "webhook+http://host/?secret=s",
        "webhook+ftp://host/?secret=s",
        "webhook://host/?secret=s",
        "webhook+https://me:pw@host/?secret=s",
        "webhook+https://?secret=s",
        "aliyun://@?sign=a&template=b",
        "aliyun+https://K:S@?sign=a&template=b",
        "aliyun://K:S@?sign=a",
        "tencent://K:S@?app=1&template=2&endpoint=http://192.0.2.1",
        "tencent://K:S@?app=1&template=2&endpoint=file:///etc/passwd",
        "twilio://K:S@host:port?from=1",
        "https://host/?secret=s",
    ],
)
def test_a_setting_that_names_no_safe_gateway_sends_nothing(
    app: Flask, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["SMS_URL"] = url
    with pytest.raises(ValueError):
        gateway(url)
    refused()
    assert "secret=s" not in caplog.text and "pw@" not in caplog.text


def test_the_vendors_own_hosts_are_the_default_and_another_can_be_named() -> None:
    assert gateway("aliyun://K:S@?sign=a&template=b").url == "https://dysmsapi.aliyuncs.com"
    assert gateway("tencent://K:S@?app=1&template=2").url == "https://sms.tencentcloudapi.com"
    assert gateway("twilio://K:S@?from=1").url == "https://api.twilio.com"
    other = "dysmsapi.ap-southeast-1.aliyuncs.com"
    assert gateway(f"aliyun://K:S@{other}?sign=a&template=b").url == f"https://{other}"
    assert "S3CRET" not in repr(gateway("twilio://K:S3CRET@?from=1"))


def test_neither_number_nor_text_reaches_the_log(app: Flask, fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    fake.says({"ok": False, "error": "x" * 500})
    refused()
    assert "x" in caplog.text and len(caplog.text) < 300
    assert NUMBER not in caplog.text and "123456" not in caplog.text


def test_tc3_agrees_with_the_published_example() -> None:
    # cloud.tencent.com/document/api/213/30654: CVM DescribeInstances.
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    assert tc3_authorization(
        key_id="AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        key="Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        headers={"Host": "cvm.tencentcloudapi.com", "Content-Type": "application/json; charset=utf-8"},
        body=body,
        timestamp=1551113065,
    ) == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_acs3_agrees_with_the_published_example() -> None:
    # help.aliyun.com, "V3 request structure and signature": ECS RunInstances.
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    assert acs3_authorization(key_id="YourAccessKeyId", key="YourAccessKeySecret", query=query, headers=headers) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )
