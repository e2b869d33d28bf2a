"""Where a request comes from, as the limits count it: one IPv4 address, or one IPv6 /64."""

from __future__ import annotations

import ipaddress

from flask import request


def client_address() -> str:
    """The caller's address; behind proxies, ProxyFix has already settled it."""
    return request.remote_addr or "unknown"


def client_network() -> str:
    """The key of every limit per address: whoever has a /64 would otherwise have 2^64 tries."""
    try:
        address = ipaddress.ip_address(client_address())
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
