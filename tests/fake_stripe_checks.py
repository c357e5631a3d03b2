"""What Stripe accepts: its OpenAPI where it is at hand, and the types of stripe-python always.

Of the types, each is read strictly: a parameter that it does not list is refused.  What the
types leave open and Stripe does not (a transfer's amount) is in `_NEEDED`.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pydantic
import typing_extensions
from stripe import params
from stripe._request_options import RequestOptions

from core.config import ROOT

SPEC = ROOT.parent / "shared" / "specs" / "stripe" / "stripe-trimmed.json"
_TYPES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/transfers"): params.TransferCreateParams,
    ("GET", "/v1/transfers"): params.TransferListParams,
    ("POST", "/v1/accounts"): params.AccountCreateParams,
    ("GET", "/v1/accounts/{account}"): params.AccountRetrieveParams,
    ("POST", "/v1/account_links"): params.AccountLinkCreateParams,
}
_NEEDED = {
    ("POST", "/v1/transfers"): {"amount", "currency", "destination"},
    ("POST", "/v1/account_links"): {"account", "type", "refresh_url", "return_url"},
}
_OPTIONS = frozenset(RequestOptions.__annotations__)  # of the library, not of Stripe
_STRICT = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """What Stripe would not take."""

    name: str
    code: str
    sentence: str


def problem(method: str, path: str, asked: dict[str, Any]) -> Problem | None:
    """Return what is wrong with a call's parameters, or None; unknown calls are not checked."""
    call = (method, re.sub(r"/acct_[^/]+", "/{account}", path))
    if call not in _TYPES:
        return None
    for name in sorted(_NEEDED.get(call, set()) - asked.keys()):
        return Problem(name, "parameter_missing", f"Missing required param: {name}.")
    return _by_types(call, asked) or _by_spec(call, asked)


def _by_types(call: tuple[str, str], asked: dict[str, Any]) -> Problem | None:
    try:
        _type_of(call).validate_python(asked)  # lax: forms are texts
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        codes = {"extra_forbidden": "parameter_unknown", "missing": "parameter_missing"}
        return Problem(name, codes.get(first["type"], "parameter_invalid"), first["msg"])
    return None


@functools.cache
def _type_of(call: tuple[str, str]) -> pydantic.TypeAdapter[Any]:
    """Return the strict reader of a call's type, without the library's own options in it."""
    kind = _TYPES[call]
    module = sys.modules[kind.__module__]
    for one in vars(module).values():
        if typing_extensions.is_typeddict(one):
            one.__pydantic_config__ = _STRICT
    own = {name: of for name, of in kind.__annotations__.items() if name not in _OPTIONS}
    make: Any = typing_extensions.TypedDict
    bare: Any = make(kind.__name__, own)
    bare.__module__, bare.__pydantic_config__ = kind.__module__, _STRICT
    return pydantic.TypeAdapter(bare)


def _by_spec(call: tuple[str, str], asked: dict[str, Any]) -> Problem | None:
    known = _spec_of(call)
    if known is None:
        return None
    schema, checker = known
    for error in checker.iter_errors(_typed(asked, schema)):
        name = ".".join(map(str, error.instance_path))
        return Problem(name, "parameter_invalid", error.message)
    return None


@functools.cache
def _spec_of(call: tuple[str, str]) -> tuple[dict[str, Any], Any] | None:
    if not SPEC.exists():
        return None
    method, path = call
    operation = json.loads(SPEC.read_text())["paths"][path][method.lower()]
    if method == "GET":
        listed = [one for one in operation.get("parameters", []) if one["in"] == "query"]
        schema = {
            "type": "object", "additionalProperties": False,
            "properties": {one["name"]: one["schema"] for one in listed},
        }  # fmt: skip
    else:
        (content,) = operation["requestBody"]["content"].values()
        schema = content["schema"]
    return schema, jsonschema_rs.Draft4Validator(schema)


def _typed(value: Any, schema: dict[str, Any]) -> Any:
    """Return a form's texts as the numbers and truths that the schema asks for."""
    kinds = [schema, *schema.get("anyOf", [])]
    names = {one.get("type") for one in kinds}
    if isinstance(value, dict):
        inner: dict[str, Any] = {}
        for one in kinds:
            inner |= one.get("properties", {})
        return {name: _typed(one, inner.get(name, {})) for name, one in value.items()}
    if isinstance(value, list):
        items: dict[str, Any] = next((one["items"] for one in kinds if "items" in one), {})
        return [_typed(one, items) for one in value]
    if "integer" in names and re.fullmatch("-?[0-9]+", value):
        return int(value)
    if "boolean" in names and value in {"true", "false"}:
        return value == "true"
    return value
