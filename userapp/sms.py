"""Text messages through the gateway named by the setting SMS_URL."""

import json
import logging
import threading
import time
import urllib.error
import urllib.request
import urllib.response
from http.client import HTTPException

from flask import current_app

from .errors import SmsNotSent
from .sms_gateways import MessageRefused, gateway

LARGEST_ANSWER = 64 * 1024
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0

log = logging.getLogger(__name__)


class GatewayFailed(Exception):
    """The gateway could not be reached or did not answer as a gateway does."""


class Breaker:
    """Stops calling a gateway that failed several times in a row, and lets one call through now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again_at = 0.0

    def admits(self) -> bool:
        """Return whether a call may be made now."""
        with self._lock:
            if self._failures < FAILURES_TO_OPEN:
                return True
            now = time.monotonic()
            if now < self._closed_again_at:
                return False
            # Only this caller probes; the others go on being refused until it knows.
            self._closed_again_at = now + OPEN_SECONDS
            return True

    def record(self, worked: bool) -> None:
        """Count the outcome of a call."""
        with self._lock:
            self._failures = 0 if worked else self._failures + 1
            if self._failures >= FAILURES_TO_OPEN:
                self._closed_again_at = time.monotonic() + OPEN_SECONDS


def send(number: str, text: str, params: dict[str, str]) -> None:
    """Send one text to an E.164 number, or raise SmsNotSent; gateways with templates get `params` instead of `text`."""
    try:
        chosen = gateway(str(current_app.config.get("SMS_URL") or ""))
        request = chosen.request(number, text, params)
    except ValueError as error:
        log.error("sms not sent: %s", error)
        raise SmsNotSent() from None
    breaker: Breaker = current_app.extensions.setdefault("sms_breaker", Breaker())
    if not breaker.admits():
        log.warning("sms not sent: %s keeps failing and is not asked for now", chosen.kind)
        raise SmsNotSent()
    worked = False
    try:
        chosen.check(_answer(request))
        worked = True
    except MessageRefused as error:
        # The gateway works; were this counted, five bad numbers would silence everybody.
        worked = True
        log.warning("sms refused by %s: %s", chosen.kind, error)
        raise SmsNotSent() from None
    except (GatewayFailed, ValueError) as error:
        log.warning("sms not sent: %s: %s", chosen.kind, error)
        raise SmsNotSent() from None
    finally:
        breaker.record(worked)


def _answer(request: urllib.request.Request) -> object:
    """Return the decoded JSON of a 2xx answer, {} for an empty one."""
    seconds = float(current_app.config.get("SMS_TIMEOUT") or 10)
    deadline = time.monotonic() + seconds
    try:
        with _opener(request).open(request, timeout=seconds) as response:
            body = _read(response, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (400, 422):
            raise MessageRefused(f"HTTP {error.code}") from None
        raise GatewayFailed(f"HTTP {error.code}") from None
    except (OSError, HTTPException) as error:
        raise GatewayFailed(type(getattr(error, "reason", error)).__name__) from None
    if not body:
        return {}
    try:
        decoded: object = json.loads(body)
    except (ValueError, RecursionError):
        raise GatewayFailed("the answer is not JSON") from None
    return decoded


def _read(response: urllib.response.addinfourl, deadline: float) -> bytes:
    # The socket's timeout starts anew with every byte; the deadline does not.
    body = b""
    while chunk := response.read1(LARGEST_ANSWER):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise GatewayFailed("the answer is too large")
        if time.monotonic() > deadline:
            raise GatewayFailed("the answer takes too long")
    return body


def _opener(request: urllib.request.Request) -> urllib.request.OpenerDirector:
    # Without HTTPRedirectHandler a redirect is an error; without the file and ftp handlers only HTTP is spoken.
    opener = urllib.request.OpenerDirector()
    if request.type == "https":
        opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(urllib.request.HTTPHandler())
    opener.add_handler(urllib.request.HTTPSHandler())
    opener.add_handler(urllib.request.HTTPErrorProcessor())
    opener.add_handler(urllib.request.HTTPDefaultErrorHandler())
    return opener
