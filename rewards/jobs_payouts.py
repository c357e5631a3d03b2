"""What the clock does for payouts: send what was approved, and look whether it arrived."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app
from structlog import get_logger

from core.db import db
from integrations import stripe_transfers
from integrations.stripe_transfers import LostAnswer, Transfers
from rewards import payout_sending
from rewards.payout_sending import Outcome

log = get_logger()

_PROOFS = 200  # of one run


def send_due(*, stop: Callable[[], bool] = lambda: False) -> int:
    """Send payouts by Stripe that are due, one after the other; return how many calls were made."""
    transfers = stripe_transfers.transfers(current_app.extensions["settings"])
    return send_with(transfers, stop=stop) if transfers else 0


def send_with(transfers: Transfers, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Do as `send_due` through these transfers."""
    asked = 0
    while not stop():
        claimed = payout_sending.claim()
        db.session.commit()
        if claimed is None:
            break
        try:
            outcome = payout_sending.ask(claimed, transfers)
        except Exception as error:  # whatever happens, nobody knows whether it was done
            log.exception("payout.lost", payout=claimed.payout_id)
            outcome = Outcome(lost=type(error).__name__)
        payout_sending.note(claimed, outcome)
        db.session.commit()
        asked += 1
    return asked


def prove_due(*, stop: Callable[[], bool] = lambda: False) -> int:
    """Settle payouts by Stripe whose transfer still stands; return how many were looked at."""
    transfers = stripe_transfers.transfers(current_app.extensions["settings"])
    return prove_with(transfers, stop=stop) if transfers else 0


def prove_with(transfers: Transfers, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Do as `prove_due` through these transfers."""
    due = payout_sending.due_for_proof(limit=_PROOFS)
    db.session.commit()
    proven = 0
    for payout_id in due:
        if stop():
            break
        try:
            found = transfers.find(f"payout:{payout_id}")
        except LostAnswer as error:
            log.warning("payout.unproven", payout=payout_id, error=str(error))
            payout_sending.put_off(payout_id)
            db.session.commit()
            break  # the provider may hang, ten seconds a call; the next run goes on with others
        proven += payout_sending.prove(payout_id, found)
        db.session.commit()
    return proven
