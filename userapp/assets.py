"""Static files: read once at the start, named after their content, kept compressed, cached by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request

from . import theme
from .errors import NotFound
from .extensions import limiter

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"
SMALLEST = 500  # fewer bytes do not get shorter by gzip
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}  # whatever the machine's own list says


@dataclass(frozen=True)
class Asset:
    """A static file, and its address: the name with a digest of the content in it."""

    address: str
    kind: str
    data: bytes
    packed: bytes | None


def connect(app: Flask) -> None:
    """Read the package's static files and the theme's, which win, and give `url_for("static", …)` their addresses.

    Raises ValueError for a colour or a logo that is none.
    """
    contents = _files(Path(app.root_path) / "static") | _files(theme.folder(app) / "static")
    if app.config["SITE_COLOUR"]:
        contents["theme.css"] = theme.stylesheet(app.config["SITE_COLOUR"]).encode()
    if app.config["SITE_LOGO"] not in contents:
        raise ValueError(f"USERAPP_SITE_LOGO: no {app.config['SITE_LOGO']!r} in {theme.folder(app) / 'static'}")
    found = {name: _asset(name, data) for name, data in contents.items()}
    app.extensions["userapp.assets"] = found
    app.extensions["userapp.asset_names"] = {asset.address: name for name, asset in found.items()}
    app.view_functions["static"] = limiter.exempt(serve)
    app.url_defaults(_point)


def serve(filename: str) -> Response:
    """A static file: kept for ever under its address, asked for anew under its plain name."""
    names, found = current_app.extensions["userapp.asset_names"], current_app.extensions["userapp.assets"]
    asset = found.get(names.get(filename, filename))
    if asset is None:
        raise NotFound()
    packed = asset.packed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(asset.packed if packed else asset.data, mimetype=asset.kind)
    response.headers["Cache-Control"] = FOREVER if filename in names else ASK_AGAIN
    if asset.packed is not None:
        response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(asset.address + (".gz" if packed else ""))
    response.make_conditional(request)
    return response


def _point(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static":
        asset = current_app.extensions["userapp.assets"].get(values.get("filename"))
        values["filename"] = asset.address if asset else values.get("filename")


def _files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@cache
def _asset(name: str, data: bytes) -> Asset:
    stem, dot, suffix = name.rpartition(".")
    address = f"{stem}.{hashlib.sha256(data).hexdigest()[:12]}{dot}{suffix}"
    kind = TYPES.get(dot + suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind in ("image/svg+xml", "application/json")
    packed = gzip.compress(data, 9, mtime=0) if text and len(data) >= SMALLEST else None
    return Asset(address, kind, data, packed)
