"""The SMS gateways: each turns a message into one HTTP request and judges the answer; nothing here sends."""

import base64
import hashlib
import ipaddress
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from urllib.request import Request

from .sms_signatures import (
    acs3_authorization,
    canonical_query,
    tc3_authorization,
    webhook_signature,
)

HOSTS = {
    "aliyun": "dysmsapi.aliyuncs.com",
    "tencent": "sms.tencentcloudapi.com",
    "twilio": "api.twilio.com",
}
REQUIRED = {"webhook": ("secret",), "aliyun": ("sign", "template"), "tencent": ("app", "template"), "twilio": ("from",)}


class MessageRefused(Exception):
    """The gateway works and does not want this message."""


@dataclass(frozen=True)
class Gateway:
    """One configured gateway."""

    kind: str
    url: str
    key_id: str = ""
    key: str = field(default="", repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """The value of the Host header, which two of the signatures cover."""
        return urlsplit(self.url).netloc

    def request(self, number: str, text: str, params: dict[str, str]) -> Request:
        """Return the signed request that sends one message."""
        names = [name for name in self.options.get("params", "").split(",") if name]
        if names:
            params = {name: params.get(name, "") for name in names}
        return _BUILDERS[self.kind](self, number, text, params)

    def check(self, answer: object) -> None:
        """Raise MessageRefused when the answer says no, ValueError when it is not this gateway's."""
        if not isinstance(answer, dict):
            raise ValueError("the answer is not an object")
        if reason := _JUDGES[self.kind](answer):
            raise MessageRefused(repr(reason)[:80])


def gateway(sms_url: str) -> Gateway:
    """Return the gateway an SMS_URL names, or raise ValueError that never quotes it, for it holds the key."""
    try:
        parts = urlsplit(sms_url)
        port = parts.port
        # "+" stays: from=+15550100 means the number.
        options = dict(parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True))
    except ValueError:
        raise ValueError("SMS_URL cannot be read") from None
    kind, _, transport = parts.scheme.partition("+")
    if kind not in REQUIRED or (kind == "webhook") != bool(transport):
        raise ValueError("SMS_URL names no gateway")
    if missing := [name for name in REQUIRED[kind] if not options.get(name)]:
        raise ValueError(f"SMS_URL lacks {', '.join(missing)}")
    if kind == "webhook":
        secret = options.pop("secret")
        query = f"?{urlencode(options)}" if options else ""
        url = f"{transport}://{parts.netloc}{quote(parts.path, safe='/%') or '/'}{query}"
        return Gateway(kind, _safe(url), key=secret)
    if not parts.username or not parts.password:
        raise ValueError("SMS_URL lacks the key")
    host = f"{parts.hostname or HOSTS[kind]}{f':{port}' if port else ''}"
    url = _safe(options.pop("endpoint", "") or f"https://{host}").rstrip("/")
    return Gateway(kind, url, unquote(parts.username), unquote(parts.password), options)


def _safe(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or "@" in parts.netloc:
        raise ValueError("SMS_URL names no plain host")
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
        raise ValueError("SMS_URL must use https, except to this machine")
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _webhook(to: Gateway, number: str, text: str, params: dict[str, str]) -> Request:
    message = {"id": secrets.token_hex(16), "to": number, "text": text, "params": params}
    body = json.dumps(message, ensure_ascii=False).encode()
    signature = webhook_signature(to.key, int(time.time()), body)
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Userapp-Signature": signature}
    return Request(to.url, data=body, headers=headers, method="POST")


def _aliyun(to: Gateway, number: str, text: str, params: dict[str, str]) -> Request:
    query = canonical_query(
        {
            # Mainland numbers go without their country code, the others without the plus.
            "PhoneNumbers": number.removeprefix("+86").removeprefix("+"),
            "SignName": to.options["sign"],
            "TemplateCode": to.options["template"],
            "TemplateParam": json.dumps(params, ensure_ascii=False),
        }
    )
    headers = {
        "host": to.host,
        "x-acs-action": "SendSms",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": secrets.token_hex(16),
        "x-acs-version": "2017-05-25",
    }
    headers["Authorization"] = acs3_authorization(key_id=to.key_id, key=to.key, query=query, headers=headers)
    return Request(f"{to.url}/?{query}", data=b"", headers=headers, method="POST")


def _tencent(to: Gateway, number: str, text: str, params: dict[str, str]) -> Request:
    message = {
        "PhoneNumberSet": [number],
        "SmsSdkAppId": to.options["app"],
        "SignName": to.options.get("sign", ""),
        "TemplateId": to.options["template"],
        "TemplateParamSet": list(params.values()),
    }
    body = json.dumps(message).encode()
    timestamp = int(time.time())
    signed = {"Content-Type": "application/json; charset=utf-8", "Host": to.host, "X-TC-Action": "SendSms"}
    authorization = tc3_authorization(
        key_id=to.key_id, key=to.key, service="sms", headers=signed, body=body, timestamp=timestamp
    )
    headers = signed | {
        "Authorization": authorization,
        "X-TC-Timestamp": str(timestamp),
        "X-TC-Version": "2021-01-11",
        "X-TC-Region": to.options.get("region") or "ap-guangzhou",
    }
    return Request(f"{to.url}/", data=body, headers=headers, method="POST")


def _twilio(to: Gateway, number: str, text: str, params: dict[str, str]) -> Request:
    sender = to.options["from"]
    name = "MessagingServiceSid" if sender.startswith("MG") else "From"
    body = urlencode({"To": number, name: sender, "Body": text}).encode()
    basic = base64.b64encode(f"{to.key_id}:{to.key}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    url = f"{to.url}/2010-04-01/Accounts/{quote(to.key_id, safe='')}/Messages.json"
    return Request(url, data=body, headers=headers, method="POST")


def _webhook_says_no(answer: dict[str, object]) -> object:
    return answer.get("ok") is False and (answer.get("error") or "ok is false")


def _aliyun_says_no(answer: dict[str, object]) -> object:
    code = answer.get("Code")
    if not isinstance(code, str):
        raise ValueError("the answer has no Code")
    return code != "OK" and code


def _tencent_says_no(answer: dict[str, object]) -> object:
    response = answer.get("Response")
    if not isinstance(response, dict):
        raise ValueError("the answer has no Response")
    if isinstance(error := response.get("Error"), dict):
        return error.get("Code") or "error"
    statuses = response.get("SendStatusSet")
    if not isinstance(statuses, list) or len(statuses) != 1 or not isinstance(statuses[0], dict):
        raise ValueError("the answer has no SendStatusSet")
    code = statuses[0].get("Code")
    return code != "Ok" and (code or "no Code")


def _twilio_says_no(answer: dict[str, object]) -> object:
    if not isinstance(answer.get("sid"), str):
        raise ValueError("the answer has no sid")
    return answer.get("error_code") or (answer.get("status") in ("failed", "undelivered") and answer["status"])


_BUILDERS: dict[str, Callable[[Gateway, str, str, dict[str, str]], Request]] = {
    "webhook": _webhook,
    "aliyun": _aliyun,
    "tencent": _tencent,
    "twilio": _twilio,
}
_JUDGES: dict[str, Callable[[dict[str, object]], object]] = {
    "webhook": _webhook_says_no,
    "aliyun": _aliyun_says_no,
    "tencent": _tencent_says_no,
    "twilio": _twilio_says_no,
}
