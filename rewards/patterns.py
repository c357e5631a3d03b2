"""Patterns: what many orders together say against the commissions among them (rule 12).

Looked for after the fact, in a constant number of statements, among what is
still in its hold period.  Each finding keeps what was counted and since when;
a person reads it and decides.  What a person has decided on, and what was
found before, is not found again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from accounts.models import User
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorKind, Member
from core import clock, emails
from core.db import db
from referrals.models import (
    Attribution,
    Click,
    CreditTouch,
    Customer,
    CustomerIdentity,
    Purchase,
    Suspicion,
)
from referrals.suspicions import Finding, Signal
from rewards.models import Commission, PayoutDetail

HOUR = timedelta(hours=1)
RECENT = timedelta(days=7)  # in which orders without a click are held against the past
PAST = timedelta(days=180)  # before that
ENOUGH = 30  # past orders with a code: with fewer there is no verdict
FEWEST = 5  # recent orders without a click that can be a pattern
CHANCE = 1e-4  # of seeing so many, or more, if nothing has changed


def found() -> list[Finding]:
    """Return what is found now and was not before, by purchase."""
    new = [*_velocity(), *_shared_addresses(), *_without_clicks(), *_same_accounts()]
    return sorted(new, key=lambda one: (one.purchase_id, one.signal))


def bursts(times: Sequence[datetime], least: int) -> list[tuple[int, int] | None]:
    """Return for each instant the largest hour around it with at least so many of them.

    Args:
        times: In order.
        least: From how many on an hour is one too full.

    Returns:
        The indices where that hour begins and ends (exclusive); None for an instant in no such
        hour.  Both ends of an hour count as within it.
    """
    spans: list[tuple[int, int] | None] = [None] * len(times)
    end = 0
    for start, at in enumerate(times):
        while end < len(times) and times[end] - at <= HOUR:
            end += 1
        if end - start < least:
            continue
        for index in range(start, end):
            known = spans[index]
            if known is None or end - start > known[1] - known[0]:
                spans[index] = (start, end)
    return spans


def chance_of(recent: int, without: int, past: int, past_without: int) -> float:
    """Return how likely it is that so many recent orders, or more, come without a click.

    The share of orders without a click is not known, only what the past says of it: the
    chance is averaged over every share, each as likely as the past makes it (a uniform
    prior), so that few past orders give a cautious answer.

    Args:
        recent: Orders with the ambassador's codes lately.
        without: Those of them that came without a click.
        past: Their orders before that.
        past_without: Those of them that came without a click.

    Returns:
        A probability.

    Source: beta-binomial predictive distribution; Gelman and others, Bayesian Data
    Analysis, 3rd edition, chapter 2.
    """
    a, b = past_without + 1, past - past_without + 1

    def log_of(k: int) -> float:
        ways = math.log(math.comb(recent, k))
        return ways + _log_beta(k + a, recent - k + b) - _log_beta(a, b)

    return min(1.0, math.fsum(math.exp(log_of(k)) for k in range(without, recent + 1)))


def _log_beta(a: int, b: int) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _velocity() -> Iterator[Finding]:
    """Find many orders of one ambassador within an hour.

    Renewals come in the rhythm of a subscription, and a partner tells all its readers at
    once: neither is counted.
    """
    least = program.current().velocity_orders
    if not least:
        return
    query = (
        _in_hold(Signal.VELOCITY)
        .join(Ambassador, Ambassador.id == Commission.ambassador_id)
        .where(Ambassador.kind != AmbassadorKind.PARTNER)
    )
    rows = db.session.execute(query.order_by(Commission.ambassador_id, Purchase.occurred_at))
    for _, group in itertools.groupby(rows, key=lambda row: row.ambassador_id):
        orders = list(group)
        times = [row.occurred_at for row in orders]
        for row, span in zip(orders, bursts(times, least), strict=True):
            if span and row.is_new:
                start, end = span
                yield _finding(row, Signal.VELOCITY, count=end - start, since=times[start])


def _shared_addresses() -> Iterator[Finding]:
    """Find many customers of one ambassador whose clicks came from one address.

    Somebody who buys often at home is one customer; an order that names nobody counts as
    one more.
    """
    least = program.current().shared_ip_customers
    if not least:
        return
    by_token = Click.token == Purchase.click_token
    by_credit = Click.id == Attribution.click_id  # of several tokens, the one that won
    queries = [
        _in_hold(Signal.SHARED_IP)
        .add_columns(Click.ip_hash)
        .join(Click, clicked)
        .where(Click.ip_hash.is_not(None))
        for clicked in (by_token, by_credit)
    ]
    together: dict[tuple[int, str], dict[int, Any]] = {}
    for row in itertools.chain.from_iterable(map(db.session.execute, queries)):
        together.setdefault((row.ambassador_id, row.ip_hash), {})[row.purchase_id] = row
    for orders in together.values():
        customers = {row.customer_id or -row.purchase_id for row in orders.values()}
        if len(customers) < least:
            continue
        since = min(row.occurred_at for row in orders.values())
        for row in orders.values():
            if row.is_new:
                yield _finding(
                    row, Signal.SHARED_IP, count=len(customers), orders=len(orders), since=since
                )


def _without_clicks() -> Iterator[Finding]:
    """Find codes used without a click far more often than the ambassador's own past says.

    A code that people always typed in at the till, or always without consent to be
    followed, stays as it was; a code whose orders used to follow a visit and now come
    without any has perhaps leaked to a site of coupons.  Held against each other are the
    orders of the last 7 days and those of the 180 days before.  Far is what would happen
    by chance once in 10,000 times (`chance_of`); with fewer than 30 past orders or fewer
    than 5 recent ones without a click there is no verdict.
    """
    now = clock.now()
    is_recent = Purchase.occurred_at > now - RECENT
    has_none = sa.and_(Purchase.click_token.is_(None), Attribution.click_id.is_(None))
    counts = {
        "recent": is_recent, "without": sa.and_(is_recent, has_none),
        "past": sa.not_(is_recent), "past_without": sa.and_(sa.not_(is_recent), has_none),
    }  # fmt: skip
    query = (
        sa.select(
            Attribution.ambassador_id,
            *(sa.func.sum(sa.case((case, 1), else_=0)).label(k) for k, case in counts.items()),
        )
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .where(
            Attribution.touch == CreditTouch.CODE, Attribution.ambassador_id.is_not(None),
            Purchase.occurred_at > now - RECENT - PAST, Purchase.occurred_at <= now,
        )
        .group_by(Attribution.ambassador_id)
    )  # fmt: skip
    far = {row.ambassador_id: row for row in db.session.execute(query) if _is_far(row)}
    if not far:
        return
    orders = _in_hold(Signal.NO_CLICK).where(
        Attribution.touch == CreditTouch.CODE, is_recent, has_none,
        Commission.ambassador_id.in_(sorted(far)),
    )  # fmt: skip
    for row in db.session.execute(orders):
        seen = far[row.ambassador_id]
        numbers = {name: int(getattr(seen, name)) for name in counts}
        if row.is_new:
            yield _finding(row, Signal.NO_CLICK, **numbers, since=now - RECENT)


def _same_accounts() -> Iterator[Finding]:
    """Find buyers who share what is the ambassador's own: the payout account, or the sign-in.

    The buyer is then another name of the ambassador, or of the same household.  Who buys under
    the ambassador's own address or member is refused at once, as a self-referral; these two
    are told by rows that may come after the order, and that an order cannot see.
    """
    yield from _paid_to_one_account()
    yield from _signed_in_as_buyer()


def _paid_to_one_account() -> Iterator[Finding]:
    buyer, theirs, own = orm.aliased(Ambassador), orm.aliased(PayoutDetail), PayoutDetail
    query = (
        _in_hold(Signal.SAME_ACCOUNT)
        .add_columns(buyer.id.label("buyer"), theirs.changed_at)
        .join(Customer, Customer.id == Purchase.customer_id)
        .join(buyer, buyer.member_id == Customer.member_id)
        .join(theirs, theirs.ambassador_id == buyer.id)
        .join(own, own.ambassador_id == Commission.ambassador_id)
        .where(theirs.fingerprint == own.fingerprint, buyer.id != Commission.ambassador_id)
    )
    for row in db.session.execute(query):
        if row.is_new:
            yield _finding(row, Signal.SAME_ACCOUNT, buyer=row.buyer, since=row.changed_at)


def _signed_in_as_buyer() -> Iterator[Finding]:
    """Find buyers by the address of a sign-in; mostly it is the member's own, refused at once."""
    people = db.session.execute(
        sa.select(Ambassador.id, User.email, User.created_at, Member.email_hash)
        .join(User, User.id == Ambassador.user_id)
        .join(Member, Member.id == Ambassador.member_id)
    )
    keys = {one.id: (emails.digest(one.email), one.created_at, one.email_hash) for one in people}
    other = {
        (id_, f"email:{digest}"): since
        for id_, (digest, since, known) in keys.items()
        if digest is not None and digest != known
    }
    query = (
        _in_hold(Signal.SAME_ACCOUNT)
        .add_columns(CustomerIdentity.key)
        .join(CustomerIdentity, CustomerIdentity.customer_id == Purchase.customer_id)
        .where(CustomerIdentity.key.in_({key for _, key in other}))
    )
    for row in db.session.execute(query) if other else ():
        if row.is_new and (since := other.get((row.ambassador_id, row.key))):
            yield _finding(row, Signal.SAME_ACCOUNT, since=since)


def _is_far(row: Any) -> bool:
    if row.past < ENOUGH or row.without < FEWEST:
        return False
    seen = (row.recent, row.without, row.past, row.past_without)
    return chance_of(*map(int, seen)) < CHANCE


def _in_hold(signal: Signal) -> Any:
    """Return the query of credited orders in their hold period, without renewals.

    `is_new` tells those that nobody has decided on and where the signal was not found yet.
    """
    found_before = sa.exists(
        sa.select(Suspicion.purchase_id).where(
            Suspicion.purchase_id == Commission.purchase_id,
            Suspicion.ambassador_id == Commission.ambassador_id,
            Suspicion.signal == signal.value,
        )
    )
    is_new = sa.and_(Attribution.touch != CreditTouch.MANUAL, sa.not_(found_before))
    return (
        sa.select(
            Commission.purchase_id, Commission.ambassador_id, Purchase.occurred_at,
            Purchase.customer_id, is_new.label("is_new"),
        )
        .join(Purchase, Purchase.id == Commission.purchase_id)
        .join(
            Attribution,
            sa.and_(
                Attribution.purchase_id == Commission.purchase_id,
                Attribution.ambassador_id == Commission.ambassador_id,
            ),
        )
        .where(
            Commission.payable_at > clock.now(), Commission.is_active.is_(True),
            Attribution.touch != CreditTouch.BINDING,
        )
    )  # fmt: skip


def _finding(row: Any, signal: Signal, *, since: datetime, **counts: int) -> Finding:
    evidence = {**counts, "since": int(since.timestamp())}
    return Finding(row.purchase_id, row.ambassador_id, signal, evidence)
