"""Signatures of the SMS gateways as pure functions: TC3 (Tencent), ACS3 (Aliyun) and the webhook's own."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote


def tc3_authorization(
    *, key_id: str, key: str, service: str, headers: Mapping[str, str], body: bytes, timestamp: int
) -> str:
    """Return the TC3-HMAC-SHA256 `Authorization` of a POST to `/` that carries these signed headers."""
    signed, canonical = _canonical("POST", "", {k: v.lower() for k, v in headers.items()}, body)
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{_sha256(canonical)}"
    derived = ("TC3" + key).encode()
    for part in scope.split("/"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    signature = hmac.digest(derived, to_sign.encode(), "sha256").hex()
    return f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"


def acs3_authorization(*, key_id: str, key: str, query: str, headers: Mapping[str, str], body: bytes = b"") -> str:
    """Return the ACS3-HMAC-SHA256 `Authorization` of a POST to `/?query` that carries these signed headers."""
    signed, canonical = _canonical("POST", query, headers, body)
    to_sign = f"ACS3-HMAC-SHA256\n{_sha256(canonical)}"
    signature = hmac.digest(key.encode(), to_sign.encode(), "sha256").hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={signed},Signature={signature}"


def webhook_signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return `t=<timestamp>,v1=<hex HMAC-SHA256 of "timestamp.body">` for `X-Userapp-Signature`."""
    mac = hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256")
    return f"t={timestamp},v1={mac.hex()}"


def canonical_query(values: Mapping[str, str]) -> str:
    """Return the values sorted and percent-encoded as RFC 3986 and both vendors want them."""
    return "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(values.items()))


def _canonical(method: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    lower = sorted((name.lower(), value.strip()) for name, value in headers.items())
    lines = "".join(f"{name}:{value}\n" for name, value in lower)
    signed = ";".join(name for name, _ in lower)
    return signed, f"{method}\n/\n{query}\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
