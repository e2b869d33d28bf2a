"""What a node tells its operators, and who they are."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, current_app

from .. import metrics
from ..errors import NotAllowed
from ..metrics import CONTENT_TYPE as CONTENT_TYPE
from .readiness import oldest_waiting, readiness


def is_operator(address: str, token: str, forwarded: bool) -> bool:
    """Whether this caller may know: by its address or its token.

    `forwarded` tells that a proxy passed the request on. Where none is configured (PROXY_HOPS), the address is that
    proxy's, and everybody would seem to be next door: then only the token counts.
    """
    config = current_app.config
    if config["METRICS_TOKEN"] and hmac.compare_digest(token.encode(), config["METRICS_TOKEN"].encode()):
        return True
    return not (forwarded and not config["PROXY_HOPS"]) and _within(address, config["METRICS_ALLOW"])


def _within(address: str, networks: Iterable[str]) -> bool:
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    here = getattr(here, "ipv4_mapped", None) or here
    return any(here in ipaddress.ip_network(network, strict=False) for network in networks)


def readiness_of_node(operator: bool) -> tuple[int, Any]:
    """The HTTP status, and for operators each part with its reason."""
    parts = readiness().parts()
    ready = all(said == "ok" for said in parts.values())
    return (200 if ready else 503), parts if operator else ("ready" if ready else "not ready")


def metrics_of_node(operator: bool) -> bytes:
    """Everything counted on this node; raises NotAllowed for strangers."""
    if not operator:
        raise NotAllowed()
    metrics.oldest_message.set(oldest_waiting())
    return metrics.text()


def answer_to_any_host(app: Flask, paths: tuple[str, ...]) -> None:
    """Let probes ask a node by its address, which TRUSTED_HOSTS has not: nothing here depends on the Host."""
    inner, host = app.wsgi_app, (app.config["TRUSTED_HOSTS"] or ["localhost"])[0].lstrip(".")

    def outer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ.get("PATH_INFO") in paths:
            environ["HTTP_HOST"] = host
        return inner(environ, start)

    app.wsgi_app = outer  # type: ignore[assignment,method-assign]
