"""Points, vouchers and perks: what the ledger says of them is what their own rows say.

M1 points stand on accounts of points only; M6 nobody has fewer than no points
but by refunds;
M7 points and money moved as vouchers, grants and exchanges say, worked out from
their rows; M10 stock, vouchers and limits per person are what was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import sqlalchemy as sa

from core.db import db
from core.money import POINTS
from referrals.models import Code
from rewards.breach import MOST_SHOWN, Breach
from rewards.models import (
    Account,
    Entry,
    EntryKind,
    Exchange,
    ExchangeState,
    Perk,
    PerkPerson,
    Posting,
    Voucher,
    VoucherBatch,
    VoucherPerson,
    VoucherTake,
)  # fmt: skip
from rewards.models_missions import Mission, MissionTake, TakeState
from rewards.models_points import PointsGrant

_OF_POINTS = (
    Account.POINTS, Account.POINTS_GIVEN, Account.POINTS_SPENT, Account.POINTS_EXPIRED,
)  # fmt: skip
_STANDS = Exchange.state != ExchangeState.CANCELLED


def points_apart_from_money() -> Iterator[Breach]:
    """M1: points stand on accounts of points, and money on the others."""
    query = sa.select(Posting.entry_id, Posting.account, Posting.currency).where(
        (Posting.currency == POINTS) != Posting.account.in_(_OF_POINTS)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        yield Breach("M1", f"entry {row.entry_id}", f"has {row.currency} on {row.account.value}")


def points_never_below_zero() -> Iterator[Breach]:
    """M6: nobody has fewer than no points, but by what refunds took back (rule 17)."""
    is_refund = sa.and_(
        Posting.purchase_id.is_not(None), Posting.amount > 0, Entry.kind != EntryKind.EXPIRY
    )
    refunded = sa.func.sum(sa.case((is_refund, Posting.amount), else_=0))
    query = (
        sa.select(Posting.ambassador_id, (-sa.func.sum(Posting.amount)).label("points"))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Posting.account == Account.POINTS)
        .group_by(Posting.ambassador_id)
        .having(sa.func.sum(Posting.amount) > refunded)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        yield Breach("M6", f"ambassador {row.ambassador_id}", f"has {row.points} points")


def moves_have_a_reason() -> Iterator[Breach]:
    """M7: points and money not tied to a purchase moved as vouchers, grants and exchanges say."""
    for account, query in _moves():
        for row in db.session.execute(query.limit(MOST_SHOWN)):
            detail = f"has {row.posted} {row.unit} on {account.value}, its reasons say {row.told}"
            yield Breach("M7", f"ambassador {row.ambassador_id}", detail)


def offers_within_limits() -> Iterator[Breach]:
    """M10: perks and vouchers count what was taken, within stock and limits."""
    counts, people, wide = _offers()
    for name, query in counts:
        for row in db.session.execute(query.limit(MOST_SHOWN)):
            most = "none" if row.most is None else row.most
            detail = f"counts {row.taken} taken and has {row.n}, its limit is {most}"
            yield Breach("M10", f"{name} {row.id}", detail)
    for name, query in people:
        for row in db.session.execute(query.limit(MOST_SHOWN)):
            detail = f"counts {row.counted} for ambassador {row.ambassador_id}, who has {row.n}"
            yield Breach("M10", f"{name} {row.of}", detail)
    for key in db.session.scalars(wide.limit(MOST_SHOWN)):
        yield Breach("M10", f"code {key}", "is a reward and may be used more than once")


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    points_apart_from_money,
    points_never_below_zero,
    moves_have_a_reason,
    offers_within_limits,
)


def _taken(column: Any) -> sa.Select[Any]:
    return (
        sa.select(VoucherTake.ambassador_id, VoucherBatch.currency, column.label("amount"))
        .join(Voucher, Voucher.id == VoucherTake.voucher_id)
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
    )


def _given_points() -> Any:
    of_vouchers = _taken(VoucherBatch.points).with_only_columns(
        VoucherTake.ambassador_id, sa.literal(POINTS).label("unit"),
        VoucherBatch.points.label("amount"),
    )  # fmt: skip
    by_people = sa.select(
        PointsGrant.ambassador_id, sa.literal(POINTS).label("unit"),
        PointsGrant.points.label("amount"),
    )  # fmt: skip
    of_missions = sa.select(
        MissionTake.ambassador_id, sa.literal(POINTS).label("unit"),
        (MissionTake.points - MissionTake.points_back).label("amount"),
    )  # fmt: skip
    return sa.union_all(of_vouchers, by_people, of_missions)


def _given_money() -> Any:
    of_vouchers = _taken(VoucherBatch.amount).with_only_columns(
        VoucherTake.ambassador_id, VoucherBatch.currency.label("unit"),
        VoucherBatch.amount.label("amount"),
    )  # fmt: skip
    of_missions = sa.select(
        MissionTake.ambassador_id, Mission.currency.label("unit"),
        MissionTake.amount.label("amount"),
    ).join(Mission, Mission.id == MissionTake.mission_id)  # fmt: skip
    return sa.union_all(of_vouchers, of_missions.where(MissionTake.state != TakeState.REVERSED))


def _exchanged(which: Any) -> Any:
    return sa.select(
        Exchange.ambassador_id, Exchange.unit.label("unit"), Exchange.price.label("amount")
    ).where(which, _STANDS)


@cache  # it takes longer to build than to run
def _moves() -> list[tuple[Account, Any]]:
    """Return accounts, each with the query of people with whom it differs from its reasons."""
    return [
        (account, _differences(account, sign, told))
        for account, sign, told in (
            (Account.POINTS_GIVEN, 1, _given_points()),
            (Account.POINTS_SPENT, -1, _exchanged(Exchange.unit == POINTS)),
            (Account.BONUS, 1, _given_money()),
            (Account.PERKS, -1, _exchanged(Exchange.unit != POINTS)),
        )
    ]


def _differences(account: Account, sign: int, told: Any) -> Any:
    """Return the query of people whose account differs from the sum of the rows behind it."""
    said = told.subquery()
    posted = sa.select(
        Posting.ambassador_id, Posting.currency.label("unit"), Posting.amount.label("posted"),
        sa.literal(0).label("told"),
    ).where(Posting.account == account, Posting.purchase_id.is_(None))  # fmt: skip
    rows = sa.select(said.c.ambassador_id, said.c.unit, sa.literal(0), sign * said.c.amount)
    both = sa.union_all(posted, rows).subquery()
    return (
        sa.select(both.c.ambassador_id, both.c.unit)
        .add_columns(sa.func.sum(both.c.posted).label("posted"))
        .add_columns(sa.func.sum(both.c.told).label("told"))
        .group_by(both.c.ambassador_id, both.c.unit)
        .having(sa.func.sum(both.c.posted) != sa.func.sum(both.c.told))
    )


@cache
def _offers() -> tuple[list[tuple[str, Any]], list[tuple[str, Any]], Any]:
    """Return the queries of counts that are wrong, in all and of a person, and of wide codes."""
    n = sa.func.count().label("n")
    takes = sa.select(VoucherTake.voucher_id.label("of"), n).group_by(VoucherTake.voucher_id)
    exchanges = sa.select(Exchange.perk_id.label("of"), n).where(_STANDS).group_by(Exchange.perk_id)
    of_people = (
        sa.select(Voucher.batch_id.label("of"), VoucherTake.ambassador_id, n)
        .join(Voucher, Voucher.id == VoucherTake.voucher_id)
        .group_by(Voucher.batch_id, VoucherTake.ambassador_id)
    )
    perks_of_people = exchanges.add_columns(Exchange.ambassador_id).group_by(Exchange.ambassador_id)
    wide = sa.select(Code.key).join(Exchange, Exchange.code_id == Code.id).where(
        sa.or_(Code.uses_limit.is_(None), Code.uses_limit != 1)
    )  # fmt: skip
    counts = [
        ("perk", _wrong_counts(Perk, Perk.stock, exchanges)),
        ("voucher", _wrong_counts(Voucher, Voucher.takes_limit, takes)),
    ]
    people = [
        ("perk", _wrong_people(PerkPerson, PerkPerson.perk_id, perks_of_people)),
        ("voucher set", _wrong_people(VoucherPerson, VoucherPerson.batch_id, of_people)),
    ]
    return counts, people, wide


def _wrong_counts(table: Any, limit: Any, taken: Any) -> Any:
    held = taken.subquery()
    count = sa.func.coalesce(held.c.n, 0)
    return (
        sa.select(table.id, table.taken, limit.label("most"), count.label("n"))
        .outerjoin(held, held.c.of == table.id)
        .where(sa.or_(table.taken != count, count > limit))
    )


def _wrong_people(counter: Any, of: Any, taken: Any) -> Any:
    held = taken.subquery()
    same = sa.and_(of == held.c.of, counter.ambassador_id == held.c.ambassador_id)
    return (
        sa.select(held.c.of, held.c.ambassador_id, held.c.n)
        .add_columns(sa.func.coalesce(counter.taken, 0).label("counted"))
        .select_from(held)
        .outerjoin(counter, same)
        .where(sa.func.coalesce(counter.taken, 0) != held.c.n)
    )
