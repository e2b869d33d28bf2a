"""Flask's session cookie: its signer made once, a signature checked once, a session that did not change left alone."""

from __future__ import annotations

import time
from copy import deepcopy
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer


@lru_cache(maxsize=4096)
def _signed(signer: URLSafeTimedSerializer, cookie: str) -> tuple[dict[str, Any], float]:
    """What a cookie holds and when it was signed; a cookie that is not `signer`'s raises, and that is not kept."""
    holds, at = signer.loads(cookie, return_timestamp=True)
    return holds, at.timestamp()


class SessionCookie(SecureCookieSessionInterface):
    """What Flask's own does, without doing the same anew for each request."""

    def __init__(self) -> None:
        self._signers: dict[tuple[object, ...], URLSafeTimedSerializer | None] = {}

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """The signer under the present secrets."""
        secrets = (app.secret_key, *(app.config["SECRET_KEY_FALLBACKS"] or ()))
        if secrets not in self._signers:
            self._signers[secrets] = super().get_signing_serializer(app)
        return self._signers[secrets]

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of the cookie, an empty one where its signature is not ours or too old."""
        signer, cookie = self.get_signing_serializer(app), request.cookies.get(self.get_cookie_name(app))
        if signer is None or not cookie:
            return super().open_session(app, request)
        try:
            holds, at = _signed(signer, cookie)
        except BadSignature:
            return self.session_class()
        fresh = 0 <= int(time.time()) - at <= app.permanent_session_lifetime.total_seconds()
        return self.session_class(deepcopy(holds) if fresh else None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie where the session changed; not on what anybody may keep: `Vary: Cookie` would end that."""
        if session.modified and not response.cache_control.public:
            super().save_session(app, session, response)
