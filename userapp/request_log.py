"""One log line and one count for each request."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from random import getrandbits
from time import perf_counter

from flask import Flask, Response, current_app, g, request
from prometheus_client import Counter, Histogram

from . import metrics
from .addresses import client_address

log = logging.getLogger("userapp.request")
GIVEN_ID = re.compile(r"[0-9A-Za-z-]{16,32}")


def connect(app: Flask) -> None:
    """Open every request with its id and its clock, and close it with its line: registered first, so it ends last."""
    app.before_request(_open)
    app.after_request(_close)


@lru_cache(maxsize=4096)
def _counters(endpoint: str, outcome: int) -> tuple[Counter, Histogram]:
    """Finding them by their labels takes as long as counting."""
    return metrics.requests.labels(endpoint, outcome), metrics.seconds.labels(endpoint)


def _open() -> None:
    opened = g._get_current_object()  # asked through the proxy, each name costs a look-up
    opened.started, opened.request_id = perf_counter(), _identity()


def _identity() -> str:
    """The id our own proxy gave the request, or a new one."""
    given = request.headers.get("X-Request-Id", "") if current_app.config["PROXY_HOPS"] else ""
    return given if GIVEN_ID.fullmatch(given) else f"{getrandbits(64):016x}"  # nosec B311 - a name, no secret


def _close(response: Response) -> Response:
    opened = g._get_current_object()
    took = perf_counter() - opened.started if "started" in opened else 0.0
    status = response.status_code
    outcome = opened.get("outcome", 0 if status < 400 else status)
    endpoint = opened.get("endpoint") or request.endpoint or "none"
    count, clock = _counters(endpoint, outcome)
    count.inc()
    clock.observe(took)
    if log.isEnabledFor(logging.INFO):
        # never the query, which may hold a token, and never a body
        told = {"method": request.method, "path": request.path[:200], "endpoint": endpoint, "status": status}
        told |= {"outcome": outcome, "ms": round(took * 1000, 1), "address": client_address()}
        if user_id := getattr(g.get("_login_user"), "user_id", None):
            told["user_id"] = user_id
        log.info("%s %s %s", request.method, told["path"], status, extra=told)
    return response
