"""The document at /openapi.json says of every route what the route does; the page at /docs shows all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import HTML, Json
from tests.test_architecture import ROUTES

NEVER_ANSWERED = {-1, 405}  # a failure without a number has none; a method that a path lacks is no operation


@pytest.fixture
def everything(make_app: Callable[..., Flask]) -> Flask:
    """An application with every feature."""
    return make_app(PLUGINS=[f"userapp.{name}" for name in ROUTES])


@pytest.fixture
def document(everything: Flask) -> dict[str, Any]:
    """Its document."""
    return dict(everything.test_client().get("/openapi.json").get_json())


def described_routes(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    from openapi_spec_validator import validate  # takes long, and every worker reads this file

    validate(document)
    assert document["openapi"] == "3.1.0"


def test_it_has_every_route_and_no_other(everything: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", str(rule)), method)
        for rule in everything.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    assert described_routes(document) == routes


def test_every_field_says_what_it_is_for_and_examples_use_known_ones(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    silent = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, about in schema["properties"].items()
        if "." in name and not about.get("description")
    ]
    assert silent == [], "give these fields a description=…"
    for methods in document["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
                assert set(schema["required"]) <= set(schema["properties"])
                if example := content.get("example"):
                    assert set(schema["required"]) <= set(example) <= set(schema["properties"])


def test_every_number_has_its_message_and_an_endpoint_that_answers_it(
    everything: Flask, document: dict[str, Any]
) -> None:
    registry = everything.extensions["userapp.errors"]
    assert {line["number"]: line["message"] for line in document["x-errors"]} == {
        number: error.message for number, error in registry.items()
    }
    answered = {int(found) for found in re.findall(r"#/components/examples/(-?\d+)", str(document["paths"]))}
    assert set(registry) - answered == NEVER_ANSWERED
    assert all(line["when"] for line in document["x-errors"])


def test_strict_statuses_are_described_as_they_are(make_app: Callable[..., Flask]) -> None:
    client = make_app(HTTP_STATUS="strict").test_client()
    responses = client.get("/openapi.json").get_json()["paths"]["/user/info"]["get"]["responses"]
    assert set(responses) == {"200", "401", "429", "500", "503"}
    assert client.get("/user/info").status_code == 401


def test_the_page_shows_every_operation_and_number(everything: Flask, document: dict[str, Any]) -> None:
    page = everything.test_client().get("/docs?lang=en", headers={"Accept": HTML})
    shown = page.get_data(as_text=True)
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in shown
    for line in document["x-errors"]:
        assert f'id="number{line["number"]}"' in shown
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", shown) == []


def test_a_program_is_told_where_the_document_is(client: Json) -> None:
    assert client.get("/docs").json["data"] == {"openapi": "http://localhost/openapi.json"}
