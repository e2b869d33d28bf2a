"""Flask's session cookie, its signer made once, and a session that did not change left alone."""

from __future__ import annotations

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer


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

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie where the session changed; not on what anybody may keep: `Vary: Cookie` would end that."""
        if session.modified and not response.cache_control.public:
            super().save_session(app, session, response)
