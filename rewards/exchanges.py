"""Exchanges: points or payable money become a perk, once, and back when staff cancels.

Stock and the limit per person are taken by one conditional UPDATE each, in the
transaction that posts the price; the ambassador's row is held, so the balance
that was read stays true.  A key makes a repeated exchange the same one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns import spend
from campaigns.models import Benefit, BenefitKind, Campaign, SpendKind
from core import clock, outbox
from core.db import db, upsert_dialect
from core.errors import ConflictError, NotFoundError
from core.money import POINTS
from integrations import stripe_codes
from referrals import codes
from referrals.models import Code, CodeStatus
from rewards import contract_meter, gives, ledger, lots, perks, purse
from rewards.ledger import Draft
from rewards.models import (
    Account,
    EntryKind,
    Exchange,
    ExchangeState,
    OfferStatus,
    Perk,
    PerkKind,
    PerkPerson,
)

CHANNEL = "community"  # of the spend that perks are


class GoneError(ConflictError):
    """None is left, they have had theirs, or the perk is not offered now."""


class TooLittleError(ConflictError):
    """The ambassador has less than the price."""


class ExchangeError(ConflictError):
    """The exchange's state does not allow this."""


def exchange(ambassador_id: int, perk_id: int, *, seen: int, key: str) -> Exchange:
    """Exchange points or payable money for a perk; the same key again is the same exchange.

    Args:
        ambassador_id: Whose balance pays.
        perk_id: Of the catalogue.
        seen: The price that the person saw and agreed to.
        key: Of this act, unlike any other person's; at most 120 characters.

    Raises:
        NotFoundError: There is no such perk.
        RestingError: They are suspended or have left.
        GoneError: Nothing is left for them, or the price has changed.
        TooLittleError: They have less than the price.
        ContractNeededError: The law asks for a signed contract first.
    """
    lots.expire(ambassador_id)  # what is over buys nothing, however late the clock comes
    purse.lock(ambassador_id)
    known = _known(key)
    if known is not None:
        return known
    perk = perks.get(perk_id)
    take_one(perk, ambassador_id)
    if perk.price != seen:
        raise GoneError(_("The price was changed since you saw it. Please look again."))
    if purse.available(ambassador_id, perk.unit) < perk.price:
        raise TooLittleError(_("You have less than that available."))
    require_contract(perk, ambassador_id, is_gift=perk.unit == POINTS or not perk.price)
    done = _record(perk, ambassador_id, price=perk.price, key=key)
    gives.count(ambassador_id, what=gives.name_of(perk), key=f"exchange:{done.id}")
    return done


def give(ambassador_id: int, perk_id: int, *, key: str) -> Exchange:
    """Give a perk that a voucher stands for; the caller holds the ambassador's row.

    Raises:
        GoneError: Nothing is left for them.
        ContractNeededError: The law asks for a signed contract first.
    """
    perk = perks.get(perk_id)
    take_one(perk, ambassador_id)
    require_contract(perk, ambassador_id)
    return _record(perk, ambassador_id, price=0, key=key)


def require_contract(perk: Perk, ambassador_id: int, *, is_gift: bool = True) -> None:
    """Refuse a perk that the law lets nobody give before a contract is signed.

    What earned money pays for adds nothing to the meter: that money was counted when it was earned.
    """
    campaign = db.session.get(Campaign, perk.campaign_id) if perk.campaign_id else None
    contract_meter.require_contract(
        ambassador_id, campaign.objective if campaign else None,
        worth=perk.cost if is_gift else 0, currency=program.current().currency,
    )  # fmt: skip


def take_one(perk: Perk, ambassador_id: int) -> None:
    """Take one of the stock and of the person's limit, and read the perk as it is now.

    Raises:
        GoneError: None is left, they have had theirs, or it is not offered now.
    """
    if not count_person(PerkPerson, {"perk_id": perk.id, "ambassador_id": ambassador_id},
                        limit=perk.per_person):  # fmt: skip
        raise GoneError(_("You have had as many of these as one person can."))
    taken = db.session.scalar(
        sa.update(Perk)
        .where(
            Perk.id == perk.id, Perk.status == OfferStatus.ACTIVE,
            sa.or_(Perk.stock.is_(None), Perk.taken < Perk.stock),
            *perks.is_open(Perk, clock.now()),
        )
        .values(taken=Perk.taken + 1)
        .returning(Perk.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if taken is None:
        raise GoneError(_("None of these is left, or it is not offered now."))
    db.session.refresh(perk)


def count_person(table: Any, keys: dict[str, int], *, limit: int | None) -> bool:
    """Count one more of something for a person; False if their limit is reached."""
    statement = upsert_dialect().insert(table).values(taken=1, **keys)
    statement = statement.on_conflict_do_update(
        index_elements=list(keys), set_={"taken": table.taken + 1},
        where=sa.true() if limit is None else table.taken < limit,
    ).returning(table.taken)  # fmt: skip
    return db.session.scalar(statement) is not None


def cancel(exchange_id: int, *, reason: str) -> Exchange:
    """Cancel an exchange: price, stock and limit are given back, once; its code is stopped.

    Raises:
        NotFoundError: There is no such exchange.
        ExchangeError: It was cancelled before, or its code was used.
    """
    done = get(exchange_id)
    purse.lock(done.ambassador_id, needs_active=False)
    db.session.refresh(done)
    if done.state is ExchangeState.CANCELLED:
        raise ExchangeError(_("This exchange was cancelled already."))
    if done.code_id is not None:
        _stop_code(done.code_id, reason)
    done.state, done.settled_at = ExchangeState.CANCELLED, clock.now()
    for table, rows in ((Perk, Perk.id == done.perk_id), (PerkPerson, _own(done))):
        db.session.execute(
            sa.update(table).where(rows).values(taken=table.taken - 1)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    if done.price:
        ledger.post([_entry(done, EntryKind.EXCHANGE_BACK, f"exchange:{done.id}:back")])
        lots.begin({f"exchange:{done.id}:back": None})
    gives.take_back(done.ambassador_id, key=f"exchange:{done.id}")
    _tell_cost(done, -1)
    db.session.flush()  # the act and its audit line stand together
    details = {"reason": reason.strip()[:500], "price": done.price, "unit": done.unit}
    audit.record("perk.cancel", "exchange", done.id, details)
    return done


def hand_over(exchange_id: int) -> Exchange:
    """Note that a product was handed over or sent.

    Raises:
        NotFoundError: There is no such exchange.
        ExchangeError: It does not wait to be handed over.
    """
    done = get(exchange_id)
    purse.lock(done.ambassador_id, needs_active=False)
    db.session.refresh(done)
    if done.state is not ExchangeState.WAITING:
        raise ExchangeError(_("This exchange does not wait to be handed over."))
    done.state, done.settled_at = ExchangeState.DONE, clock.now()
    audit.record("perk.hand_over", "exchange", done.id, {})
    return done


def ready(exchange_id: int, promotion_code: str) -> None:
    """Note that Stripe knows an exchange's code; if it was cancelled meanwhile, stop it there."""
    done = get(exchange_id)
    purse.lock(done.ambassador_id, needs_active=False)
    db.session.refresh(done)
    code = db.session.get_one(Code, done.code_id)
    code.stripe_promotion_code = promotion_code
    if done.state is ExchangeState.CANCELLED:
        _stop_at_stripe(code)
    elif done.state is ExchangeState.PREPARING:
        done.state, done.settled_at = ExchangeState.DONE, clock.now()


def of_ambassador(ambassador_id: int, *, limit: int = 20) -> list[tuple[Exchange, Code | None]]:
    """Return an ambassador's exchanges, the newest first, each with its code."""
    return _with_codes(Exchange.ambassador_id == ambassador_id, limit)


def of_perk(perk_id: int, *, limit: int = 200) -> list[tuple[Exchange, Code | None]]:
    """Return a perk's exchanges, the newest first, each with its code."""
    return _with_codes(Exchange.perk_id == perk_id, limit)


def find(exchange_id: int, ambassador_id: int) -> tuple[Exchange, Code | None]:
    """Return an ambassador's own exchange with its code.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    own = Exchange.ambassador_id == ambassador_id
    found = _with_codes(sa.and_(Exchange.id == exchange_id, own), 1)
    if not found:
        raise NotFoundError(_("There is no such exchange."))
    return found[0]


def _with_codes(which: Any, limit: int) -> list[tuple[Exchange, Code | None]]:
    rows = db.session.execute(
        sa.select(Exchange, Code).outerjoin(Code, Code.id == Exchange.code_id)
        .where(which).order_by(Exchange.id.desc()).limit(limit)
    )  # fmt: skip
    return [(row.Exchange, row.Code) for row in rows]


def _known(key: str) -> Exchange | None:
    return db.session.scalar(sa.select(Exchange).where(Exchange.key == key))


def get(exchange_id: int) -> Exchange:
    """Return an exchange; raises NotFoundError if there is none of this id."""
    found = db.session.get(Exchange, exchange_id)
    if found is None:
        raise NotFoundError(_("There is no such exchange."))
    return found


def _own(done: Exchange) -> Any:
    same_person = PerkPerson.ambassador_id == done.ambassador_id
    return sa.and_(PerkPerson.perk_id == done.perk_id, same_person)


def _record(perk: Perk, ambassador_id: int, *, price: int, key: str) -> Exchange:
    code = _make_code(perk) if perk.kind is PerkKind.REWARD_CODE else None
    coupon = _coupon(perk, code) if code and stripe_codes.is_on() else None
    done = Exchange(
        key=key, perk_id=perk.id, ambassador_id=ambassador_id, price=price, unit=perk.unit,
        cost=perk.cost, cost_currency=program.current().currency, code_id=code.id if code else None,
        state=_state(perk.kind, is_prepared=coupon is not None), created_at=clock.now(),
    )  # fmt: skip
    db.session.add(done)
    db.session.flush()  # entry, spend and message are named after its id
    if price:
        ledger.post([_entry(done, EntryKind.EXCHANGE, f"exchange:{done.id}")])
    if code and coupon:
        payload = {"act": "make", "exchange": done.id, "code": code.text, **coupon}
        outbox.enqueue(stripe_codes.KIND, payload, key=f"promotion-code:{code.id}")
    _tell_cost(done, 1)
    details = {"perk": perk.id, "ambassador": ambassador_id, "price": price, "unit": perk.unit}
    audit.record("perk.exchange", "exchange", done.id, details)
    return done


def _state(kind: PerkKind, *, is_prepared: bool) -> ExchangeState:
    if kind is PerkKind.PRODUCT:
        return ExchangeState.WAITING
    return ExchangeState.PREPARING if is_prepared else ExchangeState.DONE


def _make_code(perk: Perk) -> Code:
    """Make the single-use promo code of a reward; nobody earns by it."""
    if perk.campaign_id is None:
        raise GoneError(_("None of these is left, or it is not offered now."))
    (text,) = codes.draw(codes.Pattern(codes.DEFAULT_PATTERN), 1)
    code = codes.create(text, campaign_id=perk.campaign_id, ambassador_id=None, uses_limit=1)
    if perk.code_days:
        code.ends_at = clock.now() + timedelta(days=perk.code_days)
    return code


def _coupon(perk: Perk, code: Code) -> dict[str, Any] | None:
    """Return what Stripe has to know of a code; None if it has no price cut of Stripe's kind."""
    campaign = db.session.get_one(Campaign, perk.campaign_id)
    cut = next((one for one in campaign.benefits if one.percent or one.amount), None)
    if cut is None:
        return None
    return {
        "coupon": _coupon_name(campaign, cut),
        "percent": cut.percent if cut.kind is BenefitKind.PERCENT else None,
        "amount": cut.amount if cut.kind is BenefitKind.AMOUNT else None,
        "currency": campaign.currency, "minimum": campaign.minimum_basket,
        "expires_at": int(code.ends_at.timestamp()) if code.ends_at else None,
    }  # fmt: skip


def _coupon_name(campaign: Campaign, cut: Benefit) -> str:
    """Return Stripe's id of a coupon: another cut is another coupon."""
    worth = f"{cut.percent}bp" if cut.percent else f"{cut.amount}{campaign.currency}"
    return f"cercle-{campaign.slug}-{worth}"


def _entry(done: Exchange, kind: EntryKind, source: str) -> Draft:
    is_points = done.unit == POINTS
    has = Account.POINTS if is_points else Account.PAYABLE
    spent = Account.POINTS_SPENT if is_points else Account.PERKS
    debit, credit = (has, spent) if kind is EntryKind.EXCHANGE else (spent, has)
    legs = ledger.move(
        done.price, done.unit, debit=debit, credit=credit, ambassador_id=done.ambassador_id
    )
    return Draft(kind=kind, source=source, occurred_at=clock.now(), legs=legs)


def _tell_cost(done: Exchange, sign: int) -> None:
    """Tell the CAC report what a perk costs.

    One that balance paid costs nothing more: the money was a cost when it was earned.
    """
    is_paid = done.price and done.unit != POINTS
    if done.cost and not is_paid:
        told = f"exchange:{done.id}" if sign > 0 else f"exchange:{done.id}:back"
        tell_spend(sign * done.cost, done.cost_currency, key=told, who=done.ambassador_id)


def tell_spend(amount: int, currency: str, *, key: str, who: int) -> None:
    """Record a cost of perks for an ambassador on the present day, once a key."""
    today = clock.local_day(clock.now(), program.current().timezone)
    line = spend.line(
        channel=CHANNEL, on=today, amount=amount, currency=currency, kind=SpendKind.PERKS, key=key
    )
    spend.record([replace(line, ambassador_id=who)])


def _stop_code(code_id: int, reason: str) -> None:
    code = db.session.get_one(Code, code_id, with_for_update=True, populate_existing=True)
    if code.used:
        raise ExchangeError(_("Its code was used at the shop, so nothing can be given back."))
    if code.status is CodeStatus.ACTIVE:
        codes.freeze(code_id, reason=reason)
    if code.stripe_promotion_code:
        _stop_at_stripe(code)


def _stop_at_stripe(code: Code) -> None:
    payload = {"act": "stop", "promotion_code": code.stripe_promotion_code}
    outbox.enqueue(stripe_codes.KIND, payload, key=f"promotion-code:{code.id}:stop")
