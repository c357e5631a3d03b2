"""JSON from strangers: one meaning for every reader, or a refusal.

Python reads NaN, keeps the last of two equal keys and accepts half of a
surrogate pair; other readers of the same bytes do otherwise.  What is read
here has one meaning, can be stored on every database, and is not a bomb.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from core.errors import InvalidInputError

DEEPEST = 64  # levels; no provider of ours nests a quarter of it
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_SUSPECT = re.compile(r"\\u(?:[dD][89abAB]|[dD][c-fC-F]|0000)")


class NotJsonError(InvalidInputError):
    """The bytes are not JSON that everyone reads alike."""

    status = 400
    code = "not_json"


def read(body: bytes) -> Any:
    """Return the value of a JSON document.

    Args:
        body: UTF-8 bytes, without a byte order mark.

    Raises:
        NotJsonError: Not UTF-8, not JSON, nested over 64 levels, with NaN,
            Infinity, a number beyond a double, a key twice in one object, NUL
            or half a surrogate pair in a text.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NotJsonError("The body is not UTF-8.") from None
    _refuse_depth(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError):  # a JSONDecodeError, or an integer of 5,000 digits
        raise NotJsonError("The body is not JSON that can be read.") from None
    if _SUSPECT.search(text):
        _refuse_odd_texts(value)
    return value


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise NotJsonError(f"The body is nested over {DEEPEST} levels.")
        elif found[0] in "]}":
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJsonError("The body has the same key twice in one object.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise NotJsonError(f"The body has {name}, which is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJsonError("The body has a number that is too large.")
    return number


def _refuse_odd_texts(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_odd_texts(key)
            _refuse_odd_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_odd_texts(inner)
    elif isinstance(value, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
        raise NotJsonError("The body has NUL or half a character in a text.")
