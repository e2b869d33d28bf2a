"""What is counted, in Prometheus' terms; where gunicorn prepared a folder for it, summed over all workers of the node.

A worker counts into the files of its place among the workers (`USERAPP_WORKER`), not of its process id: the place
outlives the process, so restarts neither lose counts nor leave files behind.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_place: list[object] = []


def _take_place() -> None:
    _place[:] = [os.environ.get("USERAPP_WORKER") or os.getpid()]


_take_place()
os.register_at_fork(after_in_child=_take_place)
if FOLDER in os.environ:
    values.ValueClass = values.MultiProcessValue(lambda: _place[0])  # type: ignore[no-untyped-call]

_registry = CollectorRegistry()
requests = Counter(
    "userapp_requests",
    "Requests by endpoint and public number (0: success).",
    ["endpoint", "outcome"],
    registry=_registry,
)
seconds = Histogram(
    "userapp_request_seconds", "Time a request took.", ["endpoint"], buckets=BUCKETS, registry=_registry
)
events = Counter(
    "userapp_events",
    "Security events, sign-ins and their failures among them.",
    ["event", "outcome"],
    registry=_registry,
)
codes = Counter(
    "userapp_codes", "One-time codes issued, tried, refused a try, used.", ["purpose", "outcome"], registry=_registry
)
messages = Counter(
    "userapp_messages", "Mails and texts handed over, or why not.", ["kind", "outcome"], registry=_registry
)
hashing = Gauge(
    "userapp_hash_queue", "Passwords being hashed or waiting for it.", multiprocess_mode="livesum", registry=_registry
)
overloads = Counter("userapp_hash_refused", "Passwords refused because the queue was full.", registry=_registry)
connections = Gauge(
    "userapp_database_connections", "Database connections in use.", multiprocess_mode="livesum", registry=_registry
)
limited = Counter(
    "userapp_limited", "Requests a limit refused, by the budget's name or `volume`.", ["limit"], registry=_registry
)
fallback = Gauge(
    "userapp_limiter_local",
    "Workers that count volume alone because the shared store is away.",
    multiprocess_mode="livesum",
    registry=_registry,
)


oldest_message = Gauge(
    "userapp_oldest_message_seconds",
    "Age of the oldest mail or text still to be sent; -1: not known.",
    multiprocess_mode="mostrecent",
    registry=_registry,
)


def text() -> bytes:
    """Everything counted so far, by all workers of this node."""
    if FOLDER not in os.environ:
        return generate_latest(_registry)
    whole = CollectorRegistry()
    multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
    return generate_latest(whole)
