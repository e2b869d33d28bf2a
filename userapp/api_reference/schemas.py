"""JSON Schema read off examples, and the envelope every reply has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..described import Loose, Maybe, Shape, Sometimes

FLAT = ("uid", "uname", "phone", "email", "gender", "intro", "avatar")
NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
PLAIN = (dict, list, *NAMES)
Json = dict[str, Any]


def schema_of(example: Any, shapes: dict[str, Json]) -> Json:
    """The schema of an example; a Shape is put into `shapes` and referred to."""
    if isinstance(example, Sometimes):
        return schema_of(example.value, shapes)
    if isinstance(example, Maybe):
        inner = schema_of(example.value, shapes)
        return {"oneOf": [inner, {"type": "null"}]} if "$ref" in inner else {**inner, "type": [inner["type"], "null"]}
    if isinstance(example, Loose):
        kind = {"type": "object"} if isinstance(example.value, Mapping) else {}
        return {**kind, "examples": [plain(example)]}
    if isinstance(example, Shape):
        if example.name not in shapes:
            shapes[example.name] = _object(example, shapes) | {"examples": [plain(example)]}
        return {"$ref": f"#/components/schemas/{example.name}"}
    if isinstance(example, Mapping):
        return _object(example, shapes)
    if isinstance(example, list):
        return {"type": "array", "items": schema_of(example[0], shapes) if example else {}}
    return {"type": NAMES[type(example)]}


def _object(example: Mapping[str, Any], shapes: dict[str, Json]) -> Json:
    return {
        "type": "object",
        "properties": {name: schema_of(value, shapes) for name, value in example.items()},
        "required": [name for name, value in example.items() if not isinstance(value, Sometimes)],
        "additionalProperties": False,
    }


def plain(example: Any) -> Any:
    """The example itself, without the marks of what may be missing."""
    if isinstance(example, Loose | Maybe | Sometimes):
        return plain(example.value)
    if isinstance(example, Mapping):
        return {name: plain(value) for name, value in example.items()}
    return [plain(value) for value in example] if isinstance(example, list) else example


def success(data: Any, user: Mapping[str, Any] | None, shapes: dict[str, Json]) -> Json:
    """The envelope of what went well; with `user`, document A's fields beside `msg`."""
    flat = {name: user[name] for name in FLAT} if user else {}
    schema = _object({"msg": "", "data": data, **flat}, shapes)
    schema["properties"] = {"status": {"const": True}, "code": {"const": 0}, **schema["properties"]}
    return schema | {"required": ["status", "code", *schema["required"]]}


def success_example(data: Any, user: Mapping[str, Any] | None) -> Json:
    """The same as an example."""
    flat = {name: user[name] for name in FLAT} if user else {}
    return dict(plain({"status": True, "code": 0, "msg": "", "data": data, **flat}))


def refusal(numbers: Iterable[int]) -> Json:
    """The envelope of a refusal with one of these numbers."""
    return {
        "type": "object",
        "properties": {
            "status": {"const": False},
            "code": {"enum": sorted(numbers)},
            "msg": {"type": "string"},
            "data": {"type": "null"},
        },
        "required": ["status", "code", "msg", "data"],
        "additionalProperties": False,
    }
