"""What a route says of itself to those who write clients; the document at /openapi.json is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import AppError

if TYPE_CHECKING:
    from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])
JSON = "application/json"


@dataclass(frozen=True)
class Maybe:
    """A value of an example that may be null instead."""

    value: Any


@dataclass(frozen=True)
class Sometimes:
    """A value of an example that may be missing."""

    value: Any


@dataclass(frozen=True)
class Loose:
    """An object whose fields depend on what there is, the example shows some of them; or a value of any type."""

    value: Any


class Shape(dict[str, Any]):
    """An example of an object that several routes answer, with the name it has in the document."""

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.name = name


@dataclass(frozen=True)
class Description:
    """How a route answers: with which numbers it refuses, with what data, as which media types, with which statuses.

    `data` is an example of the envelope's `data`; the types are read off it. `flat` adds document A's fields at the top
    level. `bare` is an example of a reply without envelope. `also` are further statuses and what they mean. `query`
    says of each parameter what it is for; or it is the form the query is read as. `links` says how to go
    on from a reply: to an operation by its id, each of its parameters with the place it is found at.
    """

    refusals: tuple[type[AppError], ...] = ()
    data: Any = None
    flat: bool = False
    bare: Any = None
    media: tuple[str, ...] = (JSON,)
    also: Mapping[int, str] = field(default_factory=dict)
    query: Any = field(default_factory=dict)
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def described(
    *refusals: type[AppError],
    data: Any = None,
    flat: bool = False,
    bare: Any = None,
    media: tuple[str, ...] = (JSON,),
    also: Mapping[int, str] | None = None,
    query: Any = None,
    links: Mapping[str, Mapping[str, str]] | None = None,
) -> Callable[[View], View]:
    """Mark a view with its Description; what every route may answer (-2, -13, 429, …) is added by itself."""

    def mark(view: View) -> View:
        view.described = Description(refusals, data, flat, bare, media, also or {}, query or {}, links or {})  # type: ignore[attr-defined]
        return view

    return mark


def also_refuses(app: Flask, endpoint: str, *errors: type[AppError]) -> None:
    """Say that a route of somebody else may answer these too: for receivers of signals that raise."""
    more = app.extensions.setdefault("userapp.refusals", {})
    more[endpoint] = (*more.get(endpoint, ()), *errors)


PICTURES = dict.fromkeys(("lager", "large"), "https://id.example.com/avatar/large/031/31.png?_t=1432222999")
USER = Shape(
    "User",
    {
        "id": 31,
        "uid": "31",
        "uname": "ning",
        "name": "",
        "user_type": "student",
        "phone": Maybe("+8613800138000"),
        "email": Maybe("ning@example.com"),
        "gender": 1,
        "sex": "男",
        "sex_flag": 0,
        "intro": "",
        "description": "",
        "avatar": "https://id.example.com/avatar/middle/031/31.png?_t=1432222999",
        "avatar_more": {
            **PICTURES,
            "middle": "https://id.example.com/avatar/middle/031/31.png?_t=1432222999",
            "small": "https://id.example.com/avatar/small/031/31.png?_t=1432222999",
        },
    },
)
TOKEN = Shape(
    "Token", {"token": "f7e805ea9eb58c022d3a58262ad457a13992baca9b1c821a6bc9e0d6fe4b6325", "expire": 1790000000}
)
