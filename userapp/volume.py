"""How many requests one client address may make: Flask-Limiter, asked in one step for the limit most routes have."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_qualified_name
from limits import RateLimitItem

from .addresses import client_network


class Volume(Limiter):
    """Flask-Limiter, which finds out which limits a route is under anew for each request.

    Most routes are under the default one alone, so that one is counted directly. Where it is used up or cannot be
    counted, Flask-Limiter decides as ever: it counts again, refuses, or falls back to its memory.
    """

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not (in_middleware and self.enabled and not self._storage_dead and self._granted()):
            super()._check_request_limit(callable_name, in_middleware)

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
