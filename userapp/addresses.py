"""Where a request comes from, as the limits count it: one IPv4 address, or one IPv6 /64."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from flask import request


def client_address() -> str:
    """The caller's address; behind proxies, ProxyFix has already settled it."""
    return request.remote_addr or "unknown"


def client_network() -> str:
    """The key of every limit per address: whoever has a /64 would otherwise have 2^64 tries."""
    return _network(client_address())


@lru_cache(maxsize=4096)
def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
