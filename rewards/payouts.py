"""Payouts: decided as a batch, approved by a person, and followed until they arrived.

A draft moves nothing.  Approval takes every ambassador's row, looks again at what stands
against each payment, and sets the money aside; whoever has less by then, or is blocked, is
left out with the reason.  What fails or comes back is payable again.  Each move has one key
of the payout in the ledger, so a repeat moves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from ambassadors.models import Ambassador
from core import clock, mails, outbox
from core.db import BATCH_ROWS, db, upsert_dialect
from core.errors import ConflictError, NotFoundError
from integrations import stripe_codes
from rewards import ledger, news, payout_blocks, payout_details, rates, self_billing
from rewards.ledger import Draft
from rewards.models import Account, EntryKind, PayoutMethod
from rewards.models_payouts import OPEN, Payout, PayoutBatch, PayoutState

_FINAL = (PayoutState.FAILED, PayoutState.REVERSED, PayoutState.CANCELLED)


class NothingToPayError(ConflictError):
    """Nobody can be paid now."""


class FourEyesError(ConflictError):
    """The batch is worth more than its maker may approve alone."""


class PayoutStateError(ConflictError):
    """What was asked does not fit to where the payout or the batch stands."""


def prepare(currency: str, *, key: str, by: str, by_hand: bool = False) -> PayoutBatch:
    """Draft a payout for everybody who can be paid; the same key again is the same batch.

    Args:
        currency: ISO 4217; a batch has one.
        key: Of this act, at most 120 characters.
        by: Who does it, as the audit log names people.
        by_hand: Include those who named no destination; the team pays them outside Cercle.

    Raises:
        NothingToPayError: Nobody can be paid; nothing was recorded.
    """
    known = db.session.scalar(sa.select(PayoutBatch).where(PayoutBatch.key == key))
    if known is not None:
        return known
    payable = [one for one in payout_blocks.candidates(currency, by_hand=by_hand) if not one.blocks]
    batch = PayoutBatch(key=key, currency=currency, created_at=clock.now(), created_by=by)
    db.session.add(batch)
    db.session.flush()  # its payouts point at it
    count = sum(
        _drafted(batch, payable[start : start + BATCH_ROWS])
        for start in range(0, len(payable), BATCH_ROWS)
    )
    if not count:
        raise NothingToPayError(
            _("Nobody can be paid in %(currency)s now. The list says why.", currency=currency)
        )
    details = {"currency": currency, "payouts": count, "total": total(batch.id)}
    audit.record("payout.prepare", "payout_batch", batch.id, details)
    return batch


def approve(batch_id: int, *, by: str) -> PayoutBatch:
    """Set the money of a batch aside, once; who is blocked by now or has less is left out.

    Raises:
        NotFoundError: There is no such batch.
        PayoutStateError: It was approved or cancelled before.
        FourEyesError: It is worth more than the program lets its maker approve alone.
    """
    batch = _undecided(batch_id)
    if needs_another(batch, by=by):
        raise FourEyesError(
            _("This batch needs somebody else: who prepared it cannot approve this much alone.")
        )
    batch.approved_at, batch.approved_by = clock.now(), by
    batch.alone_up_to = alone_up_to(batch.currency)
    drafts = _in_state(batch_id, PayoutState.DRAFT)
    approved = [one for one in _checked(drafts, batch.currency) if one.reason is None]
    ledger.post([_set_aside(one) for one in approved])
    details = {
        "payouts": len(approved), "total": sum(one.amount for one in approved),
        "left_out": len(drafts) - len(approved), "currency": batch.currency,
    }  # fmt: skip
    audit.record("payout.approve", "payout_batch", batch_id, details)
    db.session.flush()
    return batch


def needs_another(batch: PayoutBatch, *, by: str) -> bool:
    """Tell whether a person made this batch and it is worth more than they may approve alone."""
    return batch.created_by == by and total(batch.id) > alone_up_to(batch.currency)


def alone_up_to(currency: str) -> int:
    """Return what one person may prepare and approve in a currency, in its minor units.

    The program says it in its own; for another it is what the rate of the day makes of it,
    nothing where no rate is known: then somebody else always has to look.
    """
    rules = program.current()
    if currency == rules.currency:
        return rules.payout_approval_above
    today = clock.local_day(clock.now(), rules.timezone)
    rate = rates.rate_at(rules.currency, currency, today)
    return rate.limit(rules.payout_approval_above) if rate else 0


def cancel(batch_id: int) -> PayoutBatch:
    """Give up a batch that nobody approved.

    Raises:
        NotFoundError: There is no such batch.
        PayoutStateError: It was approved or cancelled before.
    """
    batch = _undecided(batch_id)
    batch.cancelled_at = clock.now()
    db.session.execute(
        sa.update(Payout)
        .where(Payout.batch_id == batch_id, Payout.state == PayoutState.DRAFT)
        .values(state=PayoutState.CANCELLED, reason="batch")
    )
    audit.record("payout.cancel", "payout_batch", batch_id, {})
    db.session.flush()
    return batch


def settle(payout: Payout, *, reference: str | None = None) -> None:
    """Record that a payout arrived; the caller holds its row.

    Raises:
        PayoutStateError: It is not on its way.
    """
    if payout.state is PayoutState.PAID:
        return
    is_by_hand = payout.method is PayoutMethod.MANUAL and payout.state is PayoutState.APPROVED
    if payout.state is not PayoutState.SENT and not is_by_hand:
        raise PayoutStateError(_("This payout is not on its way, so it cannot have arrived."))
    now = clock.now()
    payout.sent_at = payout.sent_at or now
    payout.state, payout.settled_at = PayoutState.PAID, now
    payout.reference = reference or payout.reference
    paid_to = Account.STORE_CREDIT if payout.method is PayoutMethod.STORE_CREDIT else Account.CASH
    _move(payout, EntryKind.PAYOUT_SETTLED, "settled", debit=Account.TRANSIT, credit=paid_to)
    self_billing.on_paid(payout)
    _tell(payout)
    news.paid(payout)
    _over(payout)


def fail(payout: Payout, reason: str) -> None:
    """Make the money of a payout payable again; the caller holds its row.

    What was on its way has failed, what had arrived came back.

    Raises:
        PayoutStateError: It was never approved, or is over.
    """
    if payout.state in {PayoutState.DRAFT, *_FINAL}:
        raise PayoutStateError(_("This payout is not under way."))
    was_paid = payout.state is PayoutState.PAID
    stood = Account.TRANSIT
    if was_paid:
        is_credit = payout.method is PayoutMethod.STORE_CREDIT
        stood = Account.STORE_CREDIT if is_credit else Account.CASH
    if payout.method is PayoutMethod.STORE_CREDIT and payout.state is PayoutState.SENT:
        stop_code(payout.id, payout.reference or "")
    payout.state = PayoutState.REVERSED if was_paid else PayoutState.FAILED
    payout.reason, payout.token, payout.due_at = reason[:500], None, None
    _move(payout, EntryKind.PAYOUT_RETURNED, "returned", debit=stood, credit=Account.PAYABLE)
    if was_paid:
        db.session.flush()  # it is no longer paid
        self_billing.correct(payout.ambassador_id, payout.currency)
    details = {"reason": reason[:500], "amount": payout.amount, "currency": payout.currency}
    act = "payout.reverse" if was_paid else "payout.fail"
    audit.record(act, "payout", payout.id, details)
    _over(payout)


def stop_code(payout_id: int, text: str) -> None:
    """Have the shop stop a code whose money went back, should it be there."""
    key = f"payout-code:{payout_id}"
    payload = {"act": "withdraw", "code": text, "key": key}
    outbox.enqueue(stripe_codes.KIND, payload, key=f"{key}:withdraw")


def locked(payout_id: int) -> Payout:
    """Return a payout whose row nobody else can change until this transaction ends.

    Raises:
        NotFoundError: There is no such payout.
    """
    found = db.session.scalar(
        sa.select(Payout)
        .where(Payout.id == payout_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(_("There is no such payout."))
    return found


def batch_of(batch_id: int) -> PayoutBatch:
    """Return a batch; raises NotFoundError if there is none."""
    batch = db.session.get(PayoutBatch, batch_id)
    if batch is None:
        raise NotFoundError(_("There is no such batch."))
    return batch


def of_batch(batch_id: int, *, after: int = 0, limit: int = 100) -> list[Payout]:
    """Return payouts of a batch in the order of their numbers."""
    query = (
        sa.select(Payout)
        .options(sa.orm.joinedload(Payout.ambassador))
        .where(Payout.batch_id == batch_id, Payout.id > after)
        .order_by(Payout.id)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def ids_of(batch_id: int, method: PayoutMethod, state: PayoutState) -> list[int]:
    """Return the payouts of a batch of one method that stand somewhere."""
    query = (
        sa.select(Payout.id)
        .where(Payout.batch_id == batch_id, Payout.method == method, Payout.state == state)
        .order_by(Payout.id)
    )
    return list(db.session.scalars(query))


def forget(ambassador_id: int) -> None:
    """Forget to which account an ambassador was paid; a payout under way keeps it till its end."""
    db.session.execute(
        sa.update(Payout)
        .where(
            Payout.ambassador_id == ambassador_id, Payout.state.not_in([*OPEN, PayoutState.SENT])
        )
        .values(holder="", sealed=None, last4="", account=None)
        .execution_options(synchronize_session=False)
    )


def total(batch_id: int) -> int:
    """Return what the payouts of a batch sum up to, without those left out."""
    query = sa.select(sa.func.coalesce(sa.func.sum(Payout.amount), 0)).where(
        Payout.batch_id == batch_id, Payout.state != PayoutState.CANCELLED
    )
    return int(db.session.scalars(query).one())


def _undecided(batch_id: int) -> PayoutBatch:
    """Return a draft of a batch that nobody else decides until this transaction ends."""
    found = db.session.scalar(
        sa.select(PayoutBatch)
        .where(PayoutBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(_("There is no such batch."))
    if found.cancelled_at is not None or found.approved_at is not None:
        raise PayoutStateError(_("This batch was decided already."))
    return found


def _drafted(batch: PayoutBatch, people: Sequence[payout_blocks.Candidate]) -> int:
    """Insert drafts; somebody who is in an open payout by now is left to that one."""
    rows = [
        {
            "batch_id": batch.id, "ambassador_id": one.ambassador_id, "method": one.method,
            "currency": batch.currency, "amount": one.amount, "state": PayoutState.DRAFT,
            "holder": "", "last4": "", "attempt": 0, "tries": 0, "created_at": batch.created_at,
        }
        for one in people
    ]  # fmt: skip
    made = db.session.execute(
        upsert_dialect().insert(Payout).on_conflict_do_nothing().returning(Payout.id), rows
    )
    return len(made.all())


def _in_state(batch_id: int, state: PayoutState) -> list[Payout]:
    query = (
        sa.select(Payout)
        .where(Payout.batch_id == batch_id, Payout.state == state)
        .order_by(Payout.ambassador_id)
    )
    return list(db.session.scalars(query))


def _checked(drafts: Sequence[Payout], currency: str) -> Iterator[Payout]:
    """Approve or leave out each draft, by what is so while nobody else can change it."""
    _lock_ambassadors({one.ambassador_id for one in drafts})
    now = clock.now()
    known = _known({one.ambassador_id for one in drafts}, currency)
    for one in drafts:
        who = known.get(one.ambassador_id)
        one.reason = _against(one, who)
        if one.reason or who is None:
            one.state = PayoutState.CANCELLED
        else:
            one.state, one.approved_at, one.due_at = PayoutState.APPROVED, now, now
            one.method, one.holder, one.sealed = who.method, who.holder, who.sealed
            one.last4, one.account = who.last4, who.account
        yield one


def _lock_ambassadors(ids: Collection[int]) -> None:
    """Wait for every act of these people to end, in one order, so that nobody waits in a ring."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), BATCH_ROWS):
        some = ordered[start : start + BATCH_ROWS]
        db.session.execute(
            sa.select(Ambassador.id)
            .where(Ambassador.id.in_(some))
            .order_by(Ambassador.id)
            .with_for_update(key_share=True)
        ).all()


def _known(ids: Collection[int], currency: str) -> dict[int, payout_blocks.Candidate]:
    ordered, found = sorted(ids), {}
    for start in range(0, len(ordered), BATCH_ROWS):
        some = ordered[start : start + BATCH_ROWS]
        for one in payout_blocks.candidates(currency, only=some, by_hand=True):
            found[one.ambassador_id] = one
    return found


def _against(draft: Payout, who: payout_blocks.Candidate | None) -> str | None:
    """Return what stands against a payout now; its own draft does not."""
    if who is None or who.amount < draft.amount:
        return "less"
    blocks = [one for one in who.blocks if one is not payout_blocks.Block.UNDER_WAY]
    if who.method is PayoutMethod.MANUAL and draft.method is not PayoutMethod.MANUAL:
        blocks.append(payout_blocks.Block.NO_DESTINATION)
    return blocks[0].value if blocks else None


def _over(payout: Payout) -> None:
    """Write where a payout ended; whoever was erased meanwhile is forgotten here too."""
    db.session.flush()
    if payout_details.of(payout.ambassador_id) is None:
        forget(payout.ambassador_id)
        db.session.expire(payout, ["holder", "sealed", "last4", "account"])


def _set_aside(payout: Payout) -> Draft:
    return _entry(
        payout, EntryKind.PAYOUT, f"payout:{payout.id}", debit=Account.PAYABLE,
        credit=Account.TRANSIT,
    )  # fmt: skip


def _move(payout: Payout, kind: EntryKind, step: str, *, debit: Account, credit: Account) -> None:
    source = f"payout:{payout.id}:{step}"
    ledger.post([_entry(payout, kind, source, debit=debit, credit=credit)])


def _entry(
    payout: Payout, kind: EntryKind, source: str, *, debit: Account, credit: Account
) -> Draft:
    legs = ledger.move(
        payout.amount, payout.currency, debit=debit, credit=credit,
        ambassador_id=payout.ambassador_id,
    )  # fmt: skip
    return Draft(kind=kind, source=source, occurred_at=clock.now(), legs=legs)


def _tell(payout: Payout) -> None:
    """Tell the ambassador that their money came, if we know where to write."""
    member = payout.ambassador.member
    if member.email:
        mails.enqueue(
            "payout_paid", to=member.email, locale=member.locale, key=f"payout_paid:{payout.id}",
            name=member.name, amount=payout.amount, currency=payout.currency,
            method=payout.method.value, last4=payout.last4, reference=payout.reference,
        )  # fmt: skip
