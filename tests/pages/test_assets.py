"""Static files: addresses made of their content, a year's caching, gzip, and nothing else than what is there."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

STATIC = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def addresses(client) -> list[str]:
    return STATIC.findall(client.get("/user/login", headers={"Accept": "text/html"}).get_data(as_text=True))


def test_every_static_file_of_a_page_is_cached_for_ever_under_its_digest(client):
    found = addresses(client)
    assert len(found) >= 3
    for address in found:
        reply = client.get(address)
        assert re.fullmatch(r"/static/[\w-]+\.[0-9a-f]{12}\.\w+", address)
        assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
        assert "Cookie" not in reply.headers.get("Vary", "") and "Set-Cookie" not in reply.headers


def test_the_plain_name_is_asked_for_anew_and_answered_in_one_line(client):
    reply = client.get("/static/site.css")
    assert "no-cache" in reply.headers["Cache-Control"]
    again = client.get("/static/site.css", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_text_is_sent_compressed_to_who_takes_it(client):
    plain, packed = (client.get("/static/site.css", headers={"Accept-Encoding": way}) for way in ("br", "gzip, br"))
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data and len(packed.data) < len(plain.data) / 2
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in packed.headers["Vary"]
    refused = client.get("/static/site.css", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize("name", ["nothing.css", "../config.py", "%2e%2e/config.py", "site.000000000000.css", "a%00b"])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_another_content_has_another_address(make_app):
    folder = Path(make_app().instance_path) / "theme" / "static"
    folder.mkdir(parents=True)
    seen = set()
    for content in ("body { color: red }", "body { color: blue }"):
        (folder / "site.css").write_text(content)
        client = make_app(THEME=str(folder.parent)).test_client()
        address = next(address for address in addresses(client) if "site" in address and address.endswith(".css"))
        assert client.get(address).get_data(as_text=True) == content
        seen.add(address)
    assert len(seen) == 2
