"""`/openapi.json` and `/docs`."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, url_for

from .. import replies, web
from ..described import described
from ..web import Outcome
from . import document, reading_page

blueprint = Blueprint("api_reference", __name__, template_folder="templates")


@blueprint.get("/openapi.json")
@web.anyone
@described(bare={"openapi": "3.1.0"})
def openapi() -> Response:
    """This API as an OpenAPI 3.1 document."""
    return replies.bare(document.of(current_app, replies.http_status))


@blueprint.get("/docs")
@web.anyone
@described(data={"openapi": "https://id.example.com/openapi.json"})
@web.page("api_reference/docs.html")
def docs() -> Outcome:
    """This API as a page to read and to search; a program is told where the document is."""
    address = current_app.config["BASE_URL"] + url_for("api_reference.openapi")
    return Outcome(data={"openapi": address}, page=reading_page.of(document.of(current_app, replies.http_status)))
