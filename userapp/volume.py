"""How many requests one client address may make: Flask-Limiter, asked in one step for the limit most routes have."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from time import time
from typing import Any

from flask import Flask, current_app, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_qualified_name
from limits import RateLimitItem
from limits.storage import Storage

from . import metrics
from .addresses import client_network

SWEEP_SECONDS = 60


def storage_options(uri: str) -> dict[str, Any]:
    """How a shared store is spoken with: counting must not hold a request up, and redis-py would try for seconds."""
    if not uri.startswith(("redis", "valkey")):
        return {}
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {"socket_connect_timeout": 0.3, "socket_timeout": 0.3, "retry": Retry(NoBackoff(), 0)}


class Volume(Limiter):
    """Flask-Limiter, which finds out which limits a route is under anew for each request.

    Most routes are under the default one alone, so that one is counted directly. Where it is used up or cannot be
    counted, Flask-Limiter decides as ever: it counts again, refuses, or falls back to its memory.
    """

    _told = False

    def init_app(self, app: Flask) -> None:
        """As ever, less the two hooks that set headers we do not send and empty what ends with the request anyway."""
        hooks = app.after_request_funcs, app.teardown_request_funcs
        before = [len(funcs[None]) for funcs in hooks]
        super().init_app(app)
        for funcs, many in zip(hooks, before, strict=True):
            del funcs[None][many:]

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if in_middleware and self.enabled and not self._storage_dead and self._granted():
            return
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except RateLimitExceeded:
            raise
        except Exception:  # when a store dies, only the first thread to notice falls back by itself
            if not self._storage_dead:
                raise
            self.context.seen_limits.clear()
            super()._check_request_limit(callable_name, in_middleware)
        finally:
            self._tell()

    def _tell(self) -> None:
        """Count this worker among those that have lost the shared store."""
        if self._told is not self._storage_dead:
            self._told = self._storage_dead
            metrics.fallback.set(float(self._told))

    def _granted(self) -> bool:
        endpoint = request.endpoint
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        known: dict[str | None, RateLimitItem | None] = app.extensions.setdefault("userapp.volume", {})
        if endpoint not in known:
            known[endpoint] = self._only_limit(app, endpoint)
        limit = known[endpoint]
        with suppress(Exception):  # a store that does not answer
            return limit is not None and self.limiter.hit(limit, client_network(), str(endpoint))
        return False

    def _only_limit(self, app: Flask, endpoint: str | None) -> RateLimitItem | None:
        """The one default limit an endpoint is under; None where it is under others, several or none."""
        view = app.view_functions.get(endpoint or "")
        if view is None or endpoint is None or endpoint.rpartition(".")[2] == "static":
            return None
        name = get_qualified_name(view)
        if name in self._marked_for_limiting or self.limit_manager.has_hints(endpoint):
            return None
        limits = self.limit_manager.resolve_limits(app, endpoint, request.blueprint, name, True, False)
        defaults, others = limits[0], limits[1]
        return defaults[0].limit if len(defaults) == 1 and not others else None


class Memory(Storage):
    """`memory://`: fixed windows in this process, swept once a minute.

    The library's own, whose place this takes, sweeps in a thread that it starts up to a hundred times a second.
    """

    STORAGE_SCHEME = ["memory"]  # noqa: RUF012 - the library reads it
    base_exceptions: Any = ()

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self._lock, self._swept = Lock(), time()
        self._windows: dict[str, tuple[int, float]] = {}

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count in the window under way, or begin one."""
        moment = time()
        with self._lock:
            if moment - self._swept > SWEEP_SECONDS:
                self._windows = {key: window for key, window in self._windows.items() if window[1] > moment}
                self._swept = moment
            count, ends = self._windows.get(key, (0, 0.0))
            if ends <= moment:
                count, ends = 0, moment + expiry
            self._windows[key] = (count + amount, ends)
            return count + amount

    def get(self, key: str) -> int:
        """What was counted in the window under way."""
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > time() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends."""
        return self._windows.get(key, (0, time()))[1]

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything."""
        forgotten, self._windows = len(self._windows), {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forget one window."""
        self._windows.pop(key, None)
