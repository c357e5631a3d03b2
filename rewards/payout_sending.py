"""Payments on their way: one call at a time, and never a second transfer for one payout.

A worker claims a payout under a token, and its key, amount and first call are recorded
before the provider is asked.  A definite no makes the money payable again.  A lost answer
leaves the payout `unknown`: under 20 hours the same call is repeated with the same key, which
the provider does once; after that its transfers are searched by the payout's group.  Found, it
was sent; absent twice, an hour apart, it is tried under a new key.

Source: docs.stripe.com/api/idempotent_requests (keys are kept for at least 24 hours, and a
saved 500 is replayed).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from core import clock, outbox
from core.db import db
from core.errors import ConflictError
from integrations import sepa, stripe_codes
from integrations.stripe_transfers import LostAnswer, Refused, Transfer, TransferOrder, Transfers
from referrals import codes
from rewards import payout_details, payouts
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutBatch, PayoutState

LEASE = timedelta(minutes=2)  # longer than a call may take
SAME_KEY = timedelta(hours=20)  # Stripe forgets a key after 24
BETWEEN_SEARCHES = timedelta(hours=1)
BEFORE_PROOF = timedelta(hours=1)  # a transfer is looked at again before it counts as arrived
_CREDIT = "CREDIT-####-####"  # the text of a code that is store credit
_LONGEST_PAUSE = 3600  # seconds between two calls


class NotPossibleError(ConflictError):
    """What a file or a code needs is missing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A payout that one worker has for a while."""

    payout_id: int
    token: str
    order: TransferOrder
    is_first: bool  # nobody asked under this key before
    first_sent_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one claim: a transfer, a definite no, none to be found, or nothing known."""

    transfer: Transfer | None = None
    refusal: str | None = None
    is_absent: bool = False
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class BankFile:
    """A batch's file for the bank, and what it stands on."""

    batch_id: int
    at: datetime  # of the first export; the file says it
    payouts: tuple[int, ...]
    body: bytes


def claim() -> Claim | None:
    """Take the next payout by Stripe that is due, and record what will be asked.

    The caller commits before it asks.
    """
    now = clock.now()
    due = (
        sa.select(Payout.id)
        .where(
            Payout.method == PayoutMethod.STRIPE,
            Payout.state.in_([PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN]),
            Payout.due_at <= now,
        )
        .order_by(Payout.due_at, Payout.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    payout = db.session.scalar(
        sa.select(Payout)
        .where(Payout.id == due.scalar_subquery())
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if payout is None:
        return None
    is_first = payout.state is PayoutState.APPROVED
    if is_first:
        payout.attempt += 1
        payout.key = f"payout:{payout.id}:{payout.attempt}"
        payout.first_sent_at, payout.tries, payout.absent_at = now, 0, None
    payout.state, payout.token = PayoutState.SENDING, secrets.token_hex(16)
    payout.tries += 1
    payout.due_at = now + LEASE  # a killed worker's payout is due again then
    db.session.flush()
    return Claim(
        payout.id, payout.token, _order(payout), is_first, payout.first_sent_at or now
    )  # fmt: skip


def ask(claimed: Claim, transfers: Transfers) -> Outcome:
    """Ask the provider for what a claim says; no transaction is open meanwhile."""
    try:
        if claimed.is_first:
            return _sent(claimed, transfers)
        if clock.now() - claimed.first_sent_at < SAME_KEY:
            return _sent_again(claimed, transfers)
        return _found(claimed, transfers) or Outcome(is_absent=True)
    except LostAnswer as error:
        return Outcome(lost=str(error))


def note(claimed: Claim, outcome: Outcome) -> bool:
    """Record what came of a claim; False if another worker took the payout meanwhile."""
    payout = payouts.locked(claimed.payout_id)
    if payout.token != claimed.token or payout.state is not PayoutState.SENDING:
        return False
    payout.token = None
    if outcome.transfer is not None:
        payout.state, payout.reference = PayoutState.SENT, outcome.transfer.id
        payout.sent_at, payout.reason = clock.now(), None
        payout.due_at = clock.now() + BEFORE_PROOF
    elif outcome.refusal is not None:
        payouts.fail(payout, outcome.refusal)
    elif outcome.is_absent:
        _note_absence(payout)
    else:
        payout.state, payout.reason = PayoutState.UNKNOWN, (outcome.lost or "")[:500]
        payout.due_at = clock.now() + timedelta(seconds=_pause(payout.tries))
    db.session.flush()
    return True


def due_for_proof(*, limit: int) -> list[int]:
    """Return payouts by Stripe that were sent long enough ago to be looked at again."""
    query = (
        sa.select(Payout.id)
        .where(
            Payout.method == PayoutMethod.STRIPE, Payout.state == PayoutState.SENT,
            Payout.due_at <= clock.now(),
        )
        .order_by(Payout.due_at)
        .limit(limit)
    )  # fmt: skip
    return list(db.session.scalars(query))


def prove(payout_id: int, found: list[Transfer]) -> bool:
    """Settle a payout whose transfer stands at the provider, and return what went back."""
    payout = payouts.locked(payout_id)
    if payout.state is not PayoutState.SENT:
        return False
    standing = [one.id for one in found if not one.reversed]
    if standing:  # under whichever key: what stands at the provider was paid
        is_known = payout.reference in standing
        payouts.settle(payout, reference=None if is_known else standing[0])
    elif found:
        payouts.fail(payout, "The transfer was reversed at Stripe.")
    else:
        payout.due_at = clock.now() + BETWEEN_SEARCHES  # the provider's list may be late
    db.session.flush()
    return True


def put_off(payout_id: int) -> None:
    """Look at a payout that was sent again later, after those that wait for it by now."""
    payout = payouts.locked(payout_id)
    if payout.state is PayoutState.SENT:
        payout.due_at = clock.now() + BETWEEN_SEARCHES
        db.session.flush()


def give_credit(payout_id: int) -> str | None:
    """Make the code that a payout as store credit is, once; return its text."""
    payout = payouts.locked(payout_id)
    if payout.method is not PayoutMethod.STORE_CREDIT or payout.state is not PayoutState.APPROVED:
        return None
    payout.reference = codes.draw(codes.Pattern(_CREDIT), 1).pop()
    payout.state, payout.sent_at, payout.due_at = PayoutState.SENT, clock.now(), None
    if stripe_codes.is_on():
        payload = {
            "act": "make", "payout": payout.id, "code": payout.reference,
            "coupon": f"cercle-credit-{payout.amount}{payout.currency}", "percent": None,
            "amount": payout.amount, "currency": payout.currency, "minimum": None,
            "expires_at": None,
        }  # fmt: skip
        outbox.enqueue(stripe_codes.KIND, payload, key=f"payout-code:{payout.id}")
    else:
        payouts.settle(payout)  # the team loads the codes of the batch's file into the shop
    details = {"amount": payout.amount, "currency": payout.currency}
    audit.record("payout.credit", "payout", payout.id, details)
    db.session.flush()
    return payout.reference


def bank_file(batch: PayoutBatch) -> BankFile:
    """Return the batch's SEPA file; nothing is written, for checking it takes its time.

    Asked for again it is the same file, byte for byte: a bank takes its id once.

    Raises:
        NotPossibleError: The program has no account to pay from, or the batch nothing to send.
        SepaError: Something in it cannot be sent; every reason is told.
    """
    rules = program.current()
    if not rules.sepa_iban:
        raise NotPossibleError(
            _("Say in the program's rules which account pays: sepa_name and sepa_iban.")
        )
    found = _in_file(batch.id)
    if not found:
        raise NotPossibleError(_("No payout of this batch goes by bank transfer."))
    at = batch.exported_at or clock.now()
    made = sepa.credit_transfer_file(
        sepa.Debtor(name=rules.sepa_name, iban=rules.sepa_iban, bic=rules.sepa_bic or None),
        [_credit_transfer(one, rules.name) for one in found],
        execution_on=clock.local_day(at, rules.timezone), message_id=f"CERCLE-{batch.id}",
        created_at=at,
    )  # fmt: skip
    return BankFile(batch.id, at, tuple(one.id for one in found), made)


def note_export(file: BankFile) -> None:
    """Note that the payouts of a file are on their way; the same file again changes nothing.

    Raises:
        NotPossibleError: The batch changed while the file was made.
    """
    batch = db.session.get_one(
        PayoutBatch, file.batch_id, with_for_update=True, populate_existing=True
    )
    found = _in_file(file.batch_id, is_locked=True)
    if tuple(one.id for one in found) != file.payouts or batch.exported_at not in {None, file.at}:
        raise NotPossibleError(_("The batch changed meanwhile. Please ask for the file again."))
    batch.exported_at = file.at
    for one in found:
        if one.state is PayoutState.APPROVED:
            one.state, one.sent_at, one.due_at = PayoutState.SENT, clock.now(), None
            one.reference = f"CERCLE-{batch.id}/{one.id}"
    audit.record("payout.export", "payout_batch", batch.id, {"payouts": len(found)})
    db.session.flush()


def _in_file(batch_id: int, *, is_locked: bool = False) -> list[Payout]:
    """Return the payouts by bank of a batch that are approved or were sent by its file."""
    query = (
        sa.select(Payout)
        .where(
            Payout.batch_id == batch_id, Payout.method == PayoutMethod.BANK,
            sa.or_(Payout.state == PayoutState.APPROVED, Payout.sent_at.is_not(None)),
        )
        .order_by(Payout.id)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    return list(db.session.scalars(query.with_for_update() if is_locked else query))


def _order(payout: Payout) -> TransferOrder:
    return TransferOrder(
        key=str(payout.key), amount=payout.amount, currency=payout.currency,
        destination_account=str(payout.account), transfer_group=payout.transfer_group,
        description=f"{program.current().name}: payout {payout.id}",
    )  # fmt: skip


def _sent(claimed: Claim, transfers: Transfers) -> Outcome:
    try:
        return Outcome(transfer=transfers.send(claimed.order))
    except Refused as error:
        return Outcome(refusal=error.reason)


def _sent_again(claimed: Claim, transfers: Transfers) -> Outcome:
    """Repeat a call; a no is believed only if no transfer of an earlier call is there."""
    outcome = _sent(claimed, transfers)
    if outcome.refusal is None:
        return outcome
    return _found(claimed, transfers) or outcome


def _found(claimed: Claim, transfers: Transfers) -> Outcome | None:
    known = transfers.find(claimed.order.transfer_group)
    standing = [one for one in known if not one.reversed]
    return Outcome(transfer=standing[0]) if standing else None


def _note_absence(payout: Payout) -> None:
    now = clock.now()
    if payout.absent_at is None:
        payout.state, payout.absent_at = PayoutState.UNKNOWN, now
        payout.due_at = now + BETWEEN_SEARCHES
    elif now - payout.absent_at < BETWEEN_SEARCHES:
        payout.state, payout.due_at = PayoutState.UNKNOWN, payout.absent_at + BETWEEN_SEARCHES
    else:
        details = {"attempt": payout.attempt, "key": payout.key}
        audit.record("payout.new_key", "payout", payout.id, details)
        payout.state, payout.due_at = PayoutState.APPROVED, now


def _pause(tries: int) -> int:
    longest: int = min(2 ** min(tries, 12), _LONGEST_PAUSE)
    return longest + secrets.randbelow(10)


def _credit_transfer(payout: Payout, brand: str) -> sepa.CreditTransfer:
    number = payout_details.opened(payout.sealed) if payout.sealed else None
    return sepa.CreditTransfer(
        key=f"CERCLE-{payout.id}", name=payout.holder, iban=number or "", amount=payout.amount,
        remittance=f"{brand} {payout.id}", currency=payout.currency,
    )  # fmt: skip
