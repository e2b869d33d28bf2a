"""What a request must be on the wire, where servers leave it to the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix


class Body:
    """The body as the server hands it over; what that finds wrong with it is the caller's fault and no failure.

    A connection that broke off is one, too: some servers let what came until then pass for the whole.
    """

    def __init__(self, stream: Any, length: str) -> None:
        self._stream, self._left = stream, int(length) if length.isdecimal() else 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, or all; raises OSError for chunks that are none and for less than was promised."""
        return self._checked(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        """The same for a line."""
        return self._checked(self._stream.readline, size)

    def _checked(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
        except OSError:
            raise
        except Exception as error:  # each server has classes of its own
            raise OSError("the body cannot be read") from error
        self._left -= len(data)
        if size and not data and self._left > 0:
            raise OSError("the body broke off")
        return data


def connect(app: Flask) -> None:
    """Guard the bodies of `app`, believe our own proxies, and refuse what names no host."""
    inner = app.wsgi_app

    def outer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        environ["wsgi.input"] = Body(environ["wsgi.input"], environ.get("CONTENT_LENGTH", ""))
        if environ.get("SERVER_PROTOCOL") == "HTTP/1.1":  # it asks for a host; Flask would take none as this server
            environ.setdefault("HTTP_HOST", "")
        return inner(environ, start)

    app.wsgi_app = outer  # type: ignore[assignment,method-assign]
    if hops := app.config["PROXY_HOPS"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
