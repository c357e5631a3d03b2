"""Redemptions: one use of a code for one order, within its limits to the last one.

A limit holds under concurrency because the use is taken by one conditional
UPDATE (`used + 1 WHERE used < limit`) in the transaction that writes the
redemption; nobody counts first.  Giving a use back is the mirror image, guarded
by the redemption's own state, so it happens once.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core import clock
from core.db import affected, db, many, run, upsert_dialect
from core.errors import ConflictError, InvalidInputError, NotFoundError
from referrals.eligibility import Reason, Terms
from referrals.models import Code, CodeCustomerUse, Redemption, RedemptionState

DEFAULT_RESERVATION = timedelta(minutes=30)
LONGEST_RESERVATION = timedelta(days=7)

_HOLDS_USE = (RedemptionState.RESERVED, RedemptionState.REDEEMED)


Use = tuple[Terms, str, str | None]  # a code, the order's key, the customer's key


class NotRedeemableError(ConflictError):
    """The code cannot be used for this order; `code` is the typed reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"The code does not apply: {reason.value}.", code=reason.value)


def reserve(
    terms: Terms, order_key: str, *, customer_key: str | None, expires_in: timedelta | None = None
) -> Redemption:
    """Hold one use for an order until it is confirmed, released or over.

    Args:
        terms: A code that applies.
        order_key: `source:external id` of the order, or the shop's basket id.
        customer_key: The normalised e-mail's hash, for the limit per customer.
        expires_in: 30 minutes unless given, 7 days at most.

    Raises:
        NotRedeemableError: A limit is reached, or the order used the code already.
        InvalidInputError: The reservation would be too long or in the past.
    """
    length = expires_in if expires_in is not None else DEFAULT_RESERVATION
    if not timedelta() < length <= LONGEST_RESERVATION:
        raise InvalidInputError("expires_in: use 1 second to 7 days, in seconds.")
    return _take(
        terms, order_key, customer_key, RedemptionState.RESERVED, expires_at=clock.now() + length
    )


def redeem(terms: Terms, order_key: str, *, customer_key: str | None) -> Redemption:
    """Use a code for an order at once; raises as `reserve` does.

    A reservation of the same order is confirmed.
    """
    return _take(terms, order_key, customer_key, RedemptionState.REDEEMED, expires_at=None)


def confirm(redemption_id: int) -> Redemption:
    """Turn a reservation into a use.

    Raises:
        NotFoundError: There is no such redemption.
        ConflictError: It is over or was given back.
    """
    redemption = _locked(redemption_id)
    _expire_if_over(redemption)
    if redemption.state is RedemptionState.RESERVED:
        redemption.state, redemption.settled_at = RedemptionState.REDEEMED, clock.now()
        redemption.expires_at = None
    _require(redemption, RedemptionState.REDEEMED)
    return redemption


def release(redemption_id: int) -> Redemption:
    """Give a reserved use back; raises as `confirm` does."""
    redemption = _locked(redemption_id)
    if redemption.state is RedemptionState.RESERVED:
        give_back(redemption, RedemptionState.ROLLED_BACK)
    _require(redemption, RedemptionState.ROLLED_BACK, RedemptionState.EXPIRED)
    return redemption


def roll_back(redemption_id: int) -> Redemption:
    """Give a use back, once, whether reserved or redeemed; raises as `confirm` does."""
    redemption = _locked(redemption_id)
    if redemption.state in _HOLDS_USE:
        give_back(redemption, RedemptionState.ROLLED_BACK)
    return redemption


def roll_back_uses(uses: Iterable[tuple[int, str]]) -> int:
    """Give back the uses that orders made of codes, by code id and order key; return how many."""
    wanted = set(uses)
    if not wanted:
        return 0
    query = sa.select(Redemption.id, Redemption.code_id, Redemption.order_key).where(
        Redemption.order_key.in_(sorted({order for _, order in wanted})),
        Redemption.state.in_(_HOLDS_USE),
    )
    query = query.order_by(Redemption.code_id, Redemption.id).with_for_update()
    rows = db.session.execute(query)
    held = [row.id for row in rows if (row.code_id, row.order_key) in wanted]
    _give_back(held, RedemptionState.ROLLED_BACK)
    return len(held)


def expire_due(*, limit: int = 500) -> int:
    """Give back reservations whose time is over; return how many."""
    query = (
        sa.select(Redemption.id)
        .where(Redemption.state == RedemptionState.RESERVED, Redemption.expires_at <= clock.now())
        .order_by(Redemption.code_id, Redemption.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = list(db.session.scalars(query))
    _give_back(due, RedemptionState.EXPIRED)
    return len(due)


def give_back(redemption: Redemption, state: RedemptionState) -> None:
    """Return exactly one use of a redemption that holds one."""
    _give_back([redemption.id], state)
    db.session.refresh(redemption)


def _give_back(ids: list[int], state: RedemptionState) -> None:
    """Return one use for each redemption that holds one: three statements for all of them."""
    if not ids:
        return
    freed = db.session.execute(
        sa.update(Redemption)
        .where(Redemption.id.in_(ids), Redemption.state.in_(_HOLDS_USE))
        .values(state=state, settled_at=clock.now(), expires_at=None)
        .returning(Redemption.code_id, Redemption.customer_key)
        .execution_options(synchronize_session=False)
    ).all()
    codes = Counter(row.code_id for row in freed)
    customers = Counter((row.code_id, row.customer_key) for row in freed if row.customer_key)
    _subtract(_FREE_USES, [{"code": code, "uses": n} for code, n in sorted(codes.items())])
    _subtract(
        _FREE_CUSTOMER_USES,
        [{"code": code, "who": who, "uses": n} for (code, who), n in sorted(customers.items())],
    )


_FREE_USES = (
    sa.update(Code)
    .where(Code.id == sa.bindparam("code"), Code.used >= sa.bindparam("uses"))
    .values(used=Code.used - sa.bindparam("uses"))
)
_FREE_CUSTOMER_USES = (
    sa.update(CodeCustomerUse)
    .where(
        CodeCustomerUse.code_id == sa.bindparam("code"),
        CodeCustomerUse.customer_key == sa.bindparam("who"),
        CodeCustomerUse.used >= sa.bindparam("uses"),
    )
    .values(used=CodeCustomerUse.used - sa.bindparam("uses"))
)


def _subtract(statement: sa.Update, rows: list[dict[str, Any]]) -> None:
    if rows:
        db.session.connection().execute(statement, rows)


def redeem_orders(uses: Iterable[Use]) -> dict[tuple[int, str], Reason]:
    """Write the uses that recorded orders made of codes; set-based where no limit is near.

    Args:
        uses: Code, order key, and the customer's key, in the order of arrival.

    Returns:
        The uses that a limit refuses, by code id and order key.
    """
    wanted = {(terms.code_id, order): (terms, order, who) for terms, order, who in uses}
    if not wanted:
        return {}
    held = _held(wanted)
    fresh = [use for key, use in sorted(wanted.items()) if key not in held]
    _take_many([use for use in fresh if not _is_limited(use[0])])
    refused: dict[tuple[int, str], Reason] = {}
    for _, group in itertools.groupby((u for u in fresh if _is_limited(u[0])), _code_of):
        uses = list(group)
        if not _take_together(uses):
            refused |= _take_in_turn(uses)
    return refused


def _is_limited(terms: Terms) -> bool:
    return terms.uses_limit is not None or terms.uses_per_customer is not None


def _code_of(use: Use) -> int:
    return use[0].code_id


def _take_together(uses: list[Use]) -> bool:
    """Take uses of one limited code at once; False, and nothing taken, without room for all."""
    if len(uses) == 1 or uses[0][0].uses_per_customer is not None:
        return False
    savepoint = db.session.begin_nested()
    try:
        _take_many(uses)
    except NotRedeemableError:
        savepoint.rollback()
        return False
    savepoint.commit()
    return True


def _take_in_turn(uses: list[Use]) -> dict[tuple[int, str], Reason]:
    """Take uses one by one, in the order of the orders' names; return those a limit refuses."""
    refused: dict[tuple[int, str], Reason] = {}
    for terms, order, who in uses:
        try:
            redeem(terms, order, customer_key=who)
        except NotRedeemableError as error:
            refused[terms.code_id, order] = Reason(error.code)
    return refused


def _held(wanted: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return the uses that are written already; reservations among them become uses."""
    orders = sorted({order for _, order in wanted})
    rows = run(_HELD, {"ids": orders}).all()
    of_use = {row.id: (row.code_id, row.order_key) for row in rows}
    ours = {id_ for id_, use in of_use.items() if use in wanted}  # not of a code it left out
    reserved = {row.id for row in rows if row.state is RedemptionState.RESERVED} & ours
    late = {id_ for id_ in reserved - _confirm(reserved) if not _settle_reservation(id_)}
    return {of_use[id_] for id_ in ours - late}  # where it was too late, a new use is taken


_HELD = sa.select(Redemption.id, Redemption.code_id, Redemption.order_key, Redemption.state).where(
    Redemption.order_key.in_(many()), Redemption.state.in_(_HOLDS_USE)
)


def _confirm(reserved: set[int]) -> set[int]:
    """Confirm the reservations that still hold, in one statement, and return them."""
    if not reserved:
        return set()
    now = clock.now()
    confirmed = db.session.scalars(
        sa.update(Redemption)
        .where(
            Redemption.id.in_(sorted(reserved)), Redemption.state == RedemptionState.RESERVED,
            Redemption.expires_at > now,
        )
        .values(state=RedemptionState.REDEEMED, settled_at=now, expires_at=None)
        .returning(Redemption.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return set(confirmed)


def _settle_reservation(redemption_id: int) -> bool:
    """Look again at a reservation that did not hold; False if its use was given back."""
    redemption = _locked(redemption_id)
    _expire_if_over(redemption)
    return redemption.state in _HOLDS_USE


@functools.cache
def _upsert(dialect: Any) -> Any:
    insert = dialect.insert(Redemption)
    return insert.on_conflict_do_update(
        index_elements=["code_id", "order_key"],
        set_={
            "state": insert.excluded.state,
            "settled_at": insert.excluded.settled_at,
            "expires_at": sa.null(),
        },
        where=sa.and_(*(Redemption.state != state for state in _HOLDS_USE)),  # no IN in a batch
    ).returning(Redemption.code_id)


def _take_many(uses: list[Use]) -> None:
    """Write uses of codes: two statements for all of them.

    Raises:
        NotRedeemableError: A code has no room for all; the caller rolls back.
    """
    if not uses:
        return
    now = clock.now()
    rows = [
        {
            "code_id": terms.code_id, "order_key": order, "state": RedemptionState.REDEEMED,
            "customer_key": who, "created_at": now, "settled_at": now,
        }
        for terms, order, who in uses
    ]  # fmt: skip
    counts: dict[int, int] = {}
    for code_id in run(_upsert(upsert_dialect()), rows).scalars():
        counts[code_id] = counts.get(code_id, 0) + 1
    if counts:
        counted = db.session.connection().execute(
            _COUNT_USES, [{"code": code, "uses": n} for code, n in sorted(counts.items())]
        )
        if affected(counted) != len(counts):
            raise NotRedeemableError(Reason.LIMIT_REACHED)


_COUNT_USES = (
    sa.update(Code)
    .where(
        Code.id == sa.bindparam("code"),
        sa.or_(Code.uses_limit.is_(None), Code.used + sa.bindparam("uses") <= Code.uses_limit),
    )
    .values(used=Code.used + sa.bindparam("uses"))
)


def _take(
    terms: Terms,
    order_key: str,
    customer_key: str | None,
    state: RedemptionState,
    *,
    expires_at: datetime | None,
) -> Redemption:
    """Take one use for an order: code first, then customer, then the row itself."""
    known = _of_order(terms, order_key)
    if known is not None and known.state in _HOLDS_USE:
        return _again(known, state)
    try:
        return _take_new(terms, order_key, customer_key, state, known, expires_at=expires_at)
    except NotRedeemableError:  # unless the same order took the use at the same moment
        taken = _of_order(terms, order_key)
        if taken is None or taken.state not in _HOLDS_USE:
            raise
        return _again(taken, state)


def _of_order(terms: Terms, order_key: str) -> Redemption | None:
    """Lock and return the use that an order made of a code before, if it did."""
    known = db.session.scalar(
        sa.select(Redemption)
        .where(Redemption.code_id == terms.code_id, Redemption.order_key == order_key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if known is not None:
        _expire_if_over(known)
    return known


def _take_new(
    terms: Terms,
    order_key: str,
    customer_key: str | None,
    state: RedemptionState,
    known: Redemption | None,
    *,
    expires_at: datetime | None,
) -> Redemption:
    savepoint = db.session.begin_nested()  # a refusal leaves nothing of this attempt
    try:
        _count(terms, customer_key)
        redemption = known or Redemption(code_id=terms.code_id, order_key=order_key)
        redemption.state, redemption.customer_key = state, customer_key
        redemption.created_at = clock.now()
        redemption.expires_at = expires_at
        redemption.settled_at = None if expires_at else clock.now()
        db.session.add(redemption)
        savepoint.commit()
    except NotRedeemableError:
        savepoint.rollback()
        raise
    except sa.exc.IntegrityError:  # the same order, at the same moment
        savepoint.rollback()
        raise NotRedeemableError(Reason.ALREADY_REDEEMED) from None
    return redemption


def _again(known: Redemption, state: RedemptionState) -> Redemption:
    if known.state is RedemptionState.RESERVED and state is RedemptionState.REDEEMED:
        return confirm(known.id)
    if known.state is RedemptionState.REDEEMED and state is RedemptionState.RESERVED:
        raise NotRedeemableError(Reason.ALREADY_REDEEMED)
    return known


def _count(terms: Terms, customer_key: str | None) -> None:
    taken = db.session.execute(
        sa.update(Code)
        .where(
            Code.id == terms.code_id,
            sa.or_(Code.uses_limit.is_(None), Code.used < Code.uses_limit),
        )
        .values(used=Code.used + 1)
        .execution_options(synchronize_session=False)
    )
    if not affected(taken):
        raise NotRedeemableError(Reason.LIMIT_REACHED)
    if terms.uses_per_customer is None or customer_key is None:
        return
    insert = upsert_dialect().insert(CodeCustomerUse)
    counted = db.session.scalar(
        insert.values(code_id=terms.code_id, customer_key=customer_key, used=1)
        .on_conflict_do_update(
            index_elements=["code_id", "customer_key"],
            set_={"used": CodeCustomerUse.used + 1},
            where=CodeCustomerUse.used < terms.uses_per_customer,
        )
        .returning(CodeCustomerUse.used)
    )
    if counted is None or counted > terms.uses_per_customer:
        raise NotRedeemableError(Reason.CUSTOMER_LIMIT_REACHED)


def _locked(redemption_id: int) -> Redemption:
    redemption = db.session.get(
        Redemption, redemption_id, with_for_update=True, populate_existing=True
    )
    if redemption is None:
        raise NotFoundError(f"There is no redemption {redemption_id}.")
    return redemption


def _expire_if_over(redemption: Redemption) -> None:
    """Give back a reservation whose time is over, before the nightly sweep does."""
    is_over = redemption.expires_at is not None and redemption.expires_at <= clock.now()
    if redemption.state is RedemptionState.RESERVED and is_over:
        give_back(redemption, RedemptionState.EXPIRED)


def _require(redemption: Redemption, *states: RedemptionState) -> None:
    if redemption.state not in states:
        raise ConflictError(f"The redemption is {redemption.state.value}.")
