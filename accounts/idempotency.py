"""`Idempotency-Key`: the same request again gets the same answer, and one effect.

A claim on (API key, idempotency key) is inserted and committed first, so of two
callers at once one works and the other is told to come back.  The view's own
transaction then carries a mark: if the process dies, the mark says whether the
effect was committed.  Without it the claim may be taken over after a minute;
with it the effect stands, and the caller is told that its answer was lost.

Source: draft-ietf-httpapi-idempotency-key-header-07, section 2.6.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask import Response, current_app, make_response, request

from accounts import identities
from accounts.models import IdempotentAnswer
from core import clock
from core.db import affected, db, reading, upsert_dialect
from core.errors import ConflictError, InvalidInputError

View = TypeVar("View", bound=Callable[..., Any])

KEPT_FOR = timedelta(days=7)
TAKEN_OVER_AFTER = timedelta(minutes=1)  # longer than any request lasts
_WORKING, _COMMITTED = 0, 1  # instead of an HTTP status while there is no answer
_LONGEST_KEY = 255


def honoured(view: View) -> View:
    """Honour `Idempotency-Key` on a view for API keys; put it right below the route.

    Only answers below 500 are kept.  A view that raises leaves no claim behind,
    so a caller may mend its request, or try again, with the same key.
    """

    @functools.wraps(view)
    def answered(*args: Any, **values: Any) -> Any:
        key = request.headers.get("Idempotency-Key")
        api_key_id = identities.current().key_id
        if key is None or api_key_id is None or request.method != "POST":
            return view(*args, **values)
        _require_good(key)
        claim_id = _claim(api_key_id, key)
        if claim_id is None:
            return _same_again(api_key_id, key)
        return _work(claim_id, lambda: view(*args, **values))

    return cast(View, answered)


def sweep() -> int:
    """Delete the answers older than a week; return how many."""
    gone = db.session.execute(
        sa.delete(IdempotentAnswer).where(IdempotentAnswer.created_at < clock.now() - KEPT_FOR)
    )
    return affected(gone)


def _require_good(key: str) -> None:
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidInputError(
            f"Send an Idempotency-Key of 1 to {_LONGEST_KEY} printable ASCII characters."
        )


def _claim(api_key_id: int, key: str) -> int | None:
    """Insert the claim, or take over one whose work died uncommitted.  Commits."""
    kept = _kept(api_key_id, key)
    now = clock.now()
    claim_id: int | None = None
    if kept is None:
        claim_id = db.session.scalar(
            upsert_dialect().insert(IdempotentAnswer)
            .values(
                api_key_id=api_key_id, key=key, request_hash=_request_hash(), status=_WORKING,
                body="", created_at=now,
            )
            .on_conflict_do_nothing(index_elements=["api_key_id", "key"])
            .returning(IdempotentAnswer.id)
        )  # fmt: skip
    elif _is_dead(kept):
        claim_id = db.session.scalar(
            sa.update(IdempotentAnswer)
            .where(
                IdempotentAnswer.id == kept.id,
                IdempotentAnswer.status == _WORKING,
                IdempotentAnswer.created_at == kept.created_at,
            )
            .values(created_at=now)
            .returning(IdempotentAnswer.id)
        )
    db.session.commit()
    return claim_id


def _work(claim_id: int, view: Callable[[], Any]) -> Response:
    """Run the view and keep its answer."""
    try:
        _set(claim_id, status=_COMMITTED)  # committed by the view, with its effect
        answer = make_response(view())
    except Exception:
        _release(claim_id)
        raise
    if answer.status_code >= 500 or answer.status_code == 429:
        _release(claim_id)
        return answer
    db.session.rollback()
    _set(claim_id, status=answer.status_code, body=answer.get_data(as_text=True))
    db.session.commit()
    return answer


def _release(claim_id: int) -> None:
    """Withdraw a claim whose view failed, unless its effect was committed before it failed."""
    db.session.rollback()
    db.session.execute(
        sa.delete(IdempotentAnswer).where(
            IdempotentAnswer.id == claim_id, IdempotentAnswer.status == _WORKING
        )
    )
    db.session.commit()


def _set(claim_id: int, **values: Any) -> None:
    db.session.execute(
        sa.update(IdempotentAnswer).where(IdempotentAnswer.id == claim_id).values(**values)
    )


def _same_again(api_key_id: int, key: str) -> Response:
    """Answer from what is kept.

    Raises:
        ConflictError: The key came with another request, or has no answer yet or any more.
    """
    kept = _kept(api_key_id, key)
    if kept is not None and kept.request_hash != _request_hash():
        raise ConflictError(
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
            code="idempotency_key_reused",
        )
    if kept is None or kept.status == _WORKING or _is_about_to_answer(kept):
        raise ConflictError(
            "A request with this Idempotency-Key is being worked on. Try again in a moment.",
            code="idempotency_in_progress",
        )
    if kept.status == _COMMITTED:
        raise ConflictError(
            "This request took effect, but its answer was lost. Read the object to see its state.",
            code="idempotency_answer_lost",
        )
    return _response(kept.status, kept.body)


_KEPT = sa.select(
    IdempotentAnswer.id, IdempotentAnswer.request_hash, IdempotentAnswer.status,
    IdempotentAnswer.body, IdempotentAnswer.created_at,
)  # fmt: skip


def _kept(api_key_id: int, key: str) -> sa.Row[int, str, int, str, datetime] | None:
    """Return what is kept, read by itself: a write would wait for whoever is at work."""
    query = _KEPT.where(IdempotentAnswer.api_key_id == api_key_id, IdempotentAnswer.key == key)
    db.session.rollback()
    with reading():
        kept = db.session.execute(query).one_or_none()
        db.session.rollback()
    return kept


def _is_about_to_answer(kept: sa.Row[int, str, int, str, datetime]) -> bool:
    """Tell whether the effect is in and its answer may still follow."""
    return kept.status == _COMMITTED and _is_young(kept)


def _is_young(kept: sa.Row[int, str, int, str, datetime]) -> bool:
    return bool(kept.created_at > clock.now() - TAKEN_OVER_AFTER)


def _is_dead(kept: sa.Row[int, str, int, str, datetime]) -> bool:
    return not _is_young(kept) and kept.status == _WORKING and kept.request_hash == _request_hash()


def _response(status: int, body: str) -> Response:
    kind = "application/problem+json" if status >= 400 else "application/json"
    answer = current_app.response_class(body, status=status, mimetype=kind)
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _request_hash() -> str:
    said = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    said.update(request.get_data())
    return said.hexdigest()
