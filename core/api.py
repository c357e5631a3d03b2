"""Machine doors: typed JSON in, typed JSON out, and the OpenAPI document of it.

A body is a msgspec struct that forbids unknown fields; whatever does not fit is
a problem document with a JSON pointer to the field.  The same structs describe
the API in OpenAPI 3.1, so the document cannot say anything else than the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from flask import Flask, Response, request

from core import clock
from core.errors import Fault, InvalidInputError

Body = TypeVar("Body")
View = TypeVar("View", bound=Callable[..., Any])

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
_PATH_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_ROW = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_TEXT = {"type": "string", "minLength": 1}
_MONTH = {"type": "string", "pattern": r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"}
_QUERY: dict[str, Mapping[str, object]] = {  # what is not a plain text
    "limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    "from": _MONTH, "to": _MONTH,
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
}  # fmt: skip


class Struct(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of every body and answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the OpenAPI document says of one call."""

    summary: str
    body: type | None = None
    answers: dict[int, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)  # name: what it means
    choices: dict[str, Sequence[str]] = field(default_factory=dict)  # parameter: its words


def operation(
    summary: str,
    *,
    body: type | None = None,
    answers: dict[int, Any],
    query: dict[str, str] | None = None,
    choices: dict[str, Sequence[str]] | None = None,
) -> Callable[[View], View]:
    """Describe a view for the OpenAPI document.

    Args:
        summary: One sentence.
        body: The struct of the request's body, if it has one.
        answers: The struct of the answer for each success status; None for no body.
        query: Query parameters and what each means.
        choices: Parameters of the path or the query that take one of a few words.
    """

    def describe(view: View) -> View:
        told = Operation(summary, body, answers, query or {}, choices or {})
        view.operation = told  # type: ignore[attr-defined]
        return view

    return describe


def read(kind: type[Body]) -> Body:
    """Return the request's JSON body as a struct.

    Raises:
        InvalidInputError: Not JSON, or not of this shape; the fault points at the field.
    """
    return decode(request.get_data(cache=True), kind)


def decode(raw: bytes, kind: type[Body]) -> Body:
    """Return JSON bytes as a struct; raises as `read` does."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInputError("The body does not fit.", faults=[fault_of(error)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"The body is not JSON that can be read: {error}") from None


def convert(value: Any, kind: type[Body]) -> Body:
    """Return an already decoded value as a struct; raises as `read` does."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidInputError("The entry does not fit.", faults=[fault_of(error)]) from None


def fault_of(error: msgspec.ValidationError) -> Fault:
    """Return msgspec's complaint as a JSON pointer (RFC 6901) and a sentence."""
    detail, _, path = str(error).partition(" - at `$")
    steps = re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", path.rstrip("`"))
    return Fault("/" + "/".join(name or index for name, index in steps), detail)


def answer(value: Any, status: int = 200) -> Response:
    """Return a struct as JSON."""
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def instant(text: str, pointer: str) -> Any:
    """Return an RFC 3339 instant of a body; raises InvalidInputError at the pointer."""
    try:
        return clock.parse_instant(text)
    except ValueError as error:
        faults = [Fault(pointer, str(error))]
        raise InvalidInputError("The body does not fit.", faults=faults) from None


def page_limit() -> int:
    """Return `?limit=`: 100 unless given, at most 1000.

    Raises:
        InvalidInputError: Not a whole number from 1 to 1000.
    """
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_LIMIT:
        raise InvalidInputError(f"limit: use a whole number from 1 to {LARGEST_LIMIT}")
    return int(text)


def page_after() -> int:
    """Return `?after=`, the id that the previous page named as `next`; 0 at the start.

    Raises:
        InvalidInputError: Not an id that a page gave.
    """
    text = request.args.get("after", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInputError("after: use the `next` of the page before")
    return int(text)


def openapi(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of every described view."""
    views = [
        (rule, described)
        for rule in app.url_map.iter_rules()
        if (described := getattr(app.view_functions[rule.endpoint], "operation", None))
    ]
    kinds = [described.body for _, described in views if described.body]
    kinds += [kind for _, d in views for kind in d.answers.values() if kind]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Any] = {}
    for rule, described in views:
        path = _PATH_PARAMETER.sub(r"{\2}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            call = _describe(rule.rule, described, schema_of)
            call["operationId"] = rule.endpoint.partition(".")[2]
            if method == "POST":
                call["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
            paths.setdefault(path, {})[method.lower()] = call
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cercle", "version": "1"},
        "security": [{"key": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "headers": _HEADERS,
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(rule: str, described: Operation, schema_of: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": described.summary, "responses": {}}
    for status, kind in described.answers.items():
        told = {"description": described.summary, "headers": _told("RateLimit-Policy", "RateLimit")}
        operation["responses"][str(status)] = told
        if kind:
            told["content"] = _json(schema_of[kind])
    operation["responses"]["default"] = {
        "description": "A problem (RFC 9457).",
        "headers": _told("RateLimit-Policy", "RateLimit", "Retry-After"),
        "content": _content("application/problem+json", {"$ref": "#/components/schemas/Problem"}),
    }
    if described.body:
        operation["requestBody"] = {"required": True, "content": _json(schema_of[described.body])}
    operation["parameters"] = [
        {
            "name": name, "in": "path", "required": True,
            "schema": _schema(name, described, _ROW if kind == "int" else _TEXT),
        }
        for kind, name in _PATH_PARAMETER.findall(rule)
    ] + [
        {
            "name": name, "in": "query", "description": text,
            "schema": _schema(name, described, _QUERY.get(name, {"type": "string"})),
        }
        for name, text in described.query.items()
    ]  # fmt: skip
    return operation


def _schema(name: str, described: Operation, usual: Mapping[str, object]) -> dict[str, Any]:
    words = described.choices.get(name)
    return {"type": "string", "enum": list(words)} if words else dict(usual)


def _told(*headers: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


def _json(schema: Any) -> dict[str, Any]:
    return _content("application/json", schema)


def _content(mimetype: str, schema: Any) -> dict[str, Any]:
    return {mimetype: {"schema": schema}}


_HEADERS = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in {
        "RateLimit-Policy": "How many calls a key may make in how many seconds.",
        "RateLimit": "How many calls are left, and seconds until there are more.",
        "Retry-After": "Seconds until another attempt may pass; with 429 and 503.",
    }.items()
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header",
    "description": "The same key with the same body gets the same answer; with another, 409.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
}  # fmt: skip
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
