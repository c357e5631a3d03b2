"""Typed reading of a provider's JSON: each field is what we expect, or a clear refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core import money
from core.errors import Fault, InvalidInputError

_LATEST = 7_258_118_400  # 2200-01-01, in seconds since 1970


class UnreadableError(InvalidInputError):
    """A genuine message of a provider that does not have the shape we know."""

    code = "unreadable"


class Fields:
    """An object of a provider's JSON; null and absent fields both read as nothing."""

    def __init__(self, value: Any, pointer: str = "") -> None:
        if not isinstance(value, dict):
            raise _wrong(pointer, "an object")
        self._value: dict[str, Any] = value
        self.pointer = pointer

    def text(self, name: str, *, longest: int = 5000) -> str | None:
        """Return a text, None if it is absent, null or blank."""
        value = self._value.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > longest:
            raise _wrong(self._at(name), f"a text of at most {longest} characters")
        return value.strip() or None

    def need_text(self, name: str, *, longest: int = 150) -> str:
        """Return a text that has to be there."""
        value = self.text(name, longest=longest)
        if value is None:
            raise _wrong(self._at(name), "a text")
        return value

    def ref(self, name: str, *, longest: int = 150) -> str | None:
        """Return the id of something that is told by its id or expanded into an object."""
        if isinstance(self._value.get(name), dict):
            return self.inner(name).need_text("id", longest=longest)
        return self.text(name, longest=longest)

    def whole(self, name: str) -> int | None:
        """Return a whole number, zero or more; None if absent."""
        value = self._value.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= money.LARGEST:
            raise _wrong(self._at(name), "a whole number, zero or more")
        return value

    def need_whole(self, name: str) -> int:
        """Return a whole number that has to be there."""
        value = self.whole(name)
        if value is None:
            raise _wrong(self._at(name), "a whole number")
        return value

    def moment(self, name: str) -> datetime | None:
        """Return an instant told in seconds since 1970; None if absent."""
        seconds = self.whole(name)
        if seconds is None:
            return None
        if seconds > _LATEST:
            raise _wrong(self._at(name), "seconds since 1970")
        return datetime.fromtimestamp(seconds, UTC)

    def need_moment(self, name: str) -> datetime:
        """Return an instant that has to be there."""
        value = self.moment(name)
        if value is None:
            raise _wrong(self._at(name), "seconds since 1970")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; absent is false."""
        value = self._value.get(name)
        if value is not None and not isinstance(value, bool):
            raise _wrong(self._at(name), "true or false")
        return bool(value)

    def inner(self, name: str) -> Fields:
        """Return an object; one that is absent has no fields."""
        value = self._value.get(name)
        return Fields({} if value is None else value, self._at(name))

    def is_object(self, name: str) -> bool:
        """Tell whether a field that may be an id was expanded into an object."""
        return isinstance(self._value.get(name), dict)

    def items(self, name: str) -> list[Fields]:
        """Return a list of objects; one that is absent is empty."""
        return [
            Fields(item, f"{self._at(name)}/{index}")
            for index, item in enumerate(self._list(name))
            if item is not None
        ]

    def ids(self, name: str) -> list[str]:
        """Return the plain texts of a list whose entries are ids or objects."""
        return [item for item in self._list(name) if isinstance(item, str)]

    def objects(self, name: str) -> list[Fields]:
        """Return the objects of a list whose entries are ids or objects."""
        return [
            Fields(item, f"{self._at(name)}/{index}")
            for index, item in enumerate(self._list(name))
            if isinstance(item, dict)
        ]

    def _list(self, name: str) -> list[Any]:
        value = self._value.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > 1000:
            raise _wrong(self._at(name), "a list of at most 1000")
        return value

    def _at(self, name: str) -> str:
        return f"{self.pointer}/{name}"


def _wrong(pointer: str, expected: str) -> UnreadableError:
    return UnreadableError(
        f"The message does not fit at {pointer or '/'}: it should be {expected}.",
        faults=[Fault(pointer, f"should be {expected}")],
    )
