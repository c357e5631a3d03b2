"""The API's own description: the OpenAPI document and a page that shows it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

from accounts import permissions
from core import api

door = permissions.guard(Blueprint("api_description", __name__), permissions.PUBLIC)


@door.get("/api/v1/openapi.json")
def document() -> Response:
    """Return the OpenAPI 3.1 document."""
    return jsonify(api.openapi(current_app))


@door.get("/api/docs")
def page() -> str:
    """Show every call with its fields."""
    described = api.openapi(current_app)
    return render_template(
        "accounts/public/api-docs.html",
        calls=[
            _call(path, method, call, described["components"]["parameters"])
            for path, methods in described["paths"].items()
            for method, call in methods.items()
        ],
        schemas=dict(sorted(described["components"]["schemas"].items())),
    )


def _call(path: str, method: str, call: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "path": path,
        "method": method.upper(),
        "summary": call["summary"],
        "body": body.get("schema", {}).get("$ref", "").rpartition("/")[2],
        "statuses": [status for status in call["responses"] if status != "default"],
        "parameters": [
            shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for one in call["parameters"]
        ],
    }
