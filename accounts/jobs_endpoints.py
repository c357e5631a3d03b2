"""What the clock does here: tell other programs what happened."""

from __future__ import annotations

from typing import Any

from flask import current_app

from accounts import endpoints
from accounts.models_endpoints import EndpointState
from core import outbox
from core.db import db
from core.outbox import LONGEST_WAIT, TryLaterError
from integrations import webhook_client
from integrations.webhook_client import NotTakenError


def tell_endpoints() -> int:
    """Send every message that is due, and return how many were taken."""
    sent, last = 0, -1
    while last:
        last = outbox.drain({endpoints.KIND: _send})
        sent += last
    return sent


def _send(_payload: dict[str, Any], key: str) -> None:
    known = endpoints.message(key)
    if known is None:
        return  # deleted, or too old to be told
    body, endpoint = known
    url, state, signed_with = endpoint.url, endpoint.state, endpoints.secrets_of(endpoint)
    db.session.commit()  # the call below is outside any transaction
    if state is not EndpointState.ACTIVE:
        raise TryLaterError("nothing is sent there now", LONGEST_WAIT)
    try:
        status = webhook_client.send(
            url, key, body, signed_with=signed_with, settings=current_app.extensions["settings"]
        )
    except (NotTakenError, TryLaterError) as error:
        said = error.status if isinstance(error, NotTakenError) else None
        endpoints.note_failed(key, said)
        db.session.commit()
        raise
    endpoints.note_taken(key, status)
    db.session.commit()
