"""The document as the page at /docs shows it: grouped by feature, each line ready to print."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape

from .schemas import Json

ACCESS = {
    "anyone": "任何人", "signed_in": "已登录", "token_only": "持有令牌", "freshly_signed_in": "刚输入过密码",
    "admin": "管理员",
}  # fmt: skip


def of(document: Json) -> Json:
    """The values of the template."""
    groups: dict[str, list[Json]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(section(path, method.upper(), operation, document["components"]))
    about = [
        {"name": tag["name"], "about": marked(tag["description"]), "operations": groups[tag["name"]]}
        for tag in document["tags"]
        if groups[tag["name"]]
    ]
    return {
        "about": [marked(part) for part in document["info"]["description"].split("\n\n")],
        "version": document["info"]["version"],
        "groups": about,
        "credentials": [
            {"name": name, "where": scheme.get("in", scheme.get("scheme")), "key": scheme.get("name", "Authorization"),
             "about": marked(scheme["description"])}
            for name, scheme in document["components"]["securitySchemes"].items()
        ],
        "numbers": [{**line, "when": marked(line["when"])} for line in document["x-errors"]],
    }  # fmt: skip


def section(path: str, method: str, operation: Json, components: Json) -> Json:
    """One operation."""
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "about": marked(operation["description"]),
        "access": ACCESS[operation["x-access"]],
        "document": operation.get("x-document", ""),
        "inputs": [
            *map(_parameter, operation["parameters"]),
            *_fields(operation.get("requestBody"), components["schemas"]),
        ],
        "request": _request(operation.get("requestBody")),
        "media": _media(operation["responses"]),
        "reply": _reply(operation["responses"]),
        "refusals": _refusals(operation["responses"], components["examples"]),
    }


def marked(text: str) -> Markup:
    """Text with its `code` in `<code>`."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # nosec B704 - escaped before


def _parameter(parameter: Json) -> Json:
    about = parameter.get("description") or " · ".join(parameter["schema"].get("enum", ()))
    return {
        "name": parameter["name"], "where": parameter["in"], "needed": parameter.get("required", False),
        "about": marked(about),
    }  # fmt: skip


def _fields(body: Json | None, schemas: Json) -> list[Json]:
    if body is None:
        return []
    schema = schemas[next(iter(body["content"].values()))["schema"]["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "where": "body", "needed": name in schema["required"], "about": marked(field["description"])}
        for name, field in schema["properties"].items()
    ]


def _request(body: Json | None) -> str:
    example = next(iter(body["content"].values())).get("example") if body else None
    return _shown(example) if example else ""


def _media(responses: Json) -> list[str]:
    return [kind for kind in responses.get("200", {}).get("content", {}) if kind != "application/json"]


def _reply(responses: Json) -> str:
    content = responses.get("200", {}).get("content", {}).get("application/json", {})
    done = content.get("examples", {}).get("done")
    return _shown(done["value"]) if done else ""


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _refusals(responses: Json, examples: Json) -> list[Json]:
    return [
        {"status": status, "number": number, "message": examples[number]["summary"]}
        for status, response in responses.items()
        for number in response.get("content", {}).get("application/json", {}).get("examples", {})
        if number != "done"
    ]
