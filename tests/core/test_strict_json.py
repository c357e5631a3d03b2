"""JSON from strangers has one meaning or is refused."""

from __future__ import annotations

import pytest

from core import strict_json

HOSTILE = {
    "nothing": b"",
    "half": b'{"a": ',
    "two documents": b"{} {}",
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "number beyond a double": b'{"a": 1e999}',
    "integer of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "same key twice": b'{"id": "a", "id": "b"}',
    "same key twice, deep": b'{"a": [{"b": 1, "b": 2}]}',
    "same key twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "10,000 lists": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a million open lists": b"[" * 1_000_000,
    "lone high surrogate": b'{"a": "\\ud800"}',
    "lone low surrogate": b'{"a": "\\udc00"}',
    "lone surrogate in a key": b'{"\\ud800": 1}',
    "surrogates in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "NUL": b'{"a": "\\u0000"}',
    "bare NUL": b'{"a": "\0"}',
    "single quotes": b"{'a': 1}",
    "trailing comma": b'{"a": 1,}',
    "open text of backslashes": b'{"a": "' + b"\\" * 100_001,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_others_would_read_otherwise_is_refused(body: bytes) -> None:
    with pytest.raises(strict_json.NotJsonError):
        strict_json.read(body)


def test_brackets_and_escapes_inside_texts_are_texts() -> None:
    body = b'{"a": "' + b"[{" * 500 + b'", "b": "\\"[\\\\", "c": "\\ud83c\\udf66"}'
    assert strict_json.read(body) == {"a": "[{" * 500, "b": '"[\\', "c": "\N{SOFT ICE CREAM}"}


def test_sixty_four_levels_are_enough_and_accepted() -> None:
    assert strict_json.read(b"[" * 64 + b"]" * 64)
