"""Errors the program signals on purpose; `core/web.py` turns them into answers."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One wrong field of a request: a JSON pointer and what to do about it."""

    pointer: str
    detail: str


class DomainError(Exception):
    """A request that our own rules refuse.  The message is safe to show.

    Args:
        detail: One sentence that says what to do.
        faults: The fields that are wrong, if the refusal is about fields.
        code: A word that a program can match on, such as `limit_reached`.
    """

    status = 422  # HTTP status the outermost handler answers with
    code = "refused"

    def __init__(
        self, detail: str, *, faults: list[Fault] | None = None, code: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults or []
        if code:
            self.code = code


class InvalidInputError(DomainError):
    """Something that was sent cannot be read; the faults say where."""

    code = "invalid"


class NotFoundError(DomainError):
    """No such thing, or not for this caller: both answer alike."""

    status = 404
    code = "not_found"


class ConflictError(DomainError):
    """The act contradicts what is already recorded."""

    status = 409
    code = "conflict"


class UnavailableError(DomainError):
    """Not now: the caller may try again after a moment."""

    status = 503
    code = "unavailable"


class TooManyError(DomainError):
    """Too often: the caller may try again after a while.

    Args:
        detail: One sentence that says what to do.
        retry_after: Seconds until the next attempt may pass.
    """

    status = 429
    code = "too_many"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
