"""Attribution: which touch gets the credit for a purchase, and why the others do not.

The order of precedence (rule 8): a person's decision, then the binding of a
known customer or subscription, then the first ambassador code the shop lists,
then a link click within the window.  Every candidate that lost is kept with
its reason.  Deciding again on the same data gives the same row, so late
history and changed rules can be run through whenever they come.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from ambassadors.models import Ambassador
from ambassadors.program import Rules
from core.db import db, many, run, upsert_dialect
from core.errors import InvalidInputError, NotFoundError
from referrals import bindings, codes, eligibility, redemptions, suspicions, touches
from referrals.bindings import Bonds
from referrals.eligibility import Terms
from referrals.models import Attribution, CreditTouch, LostCredit, Purchase, PurchaseStatus
from referrals.touches import Candidate, Credit, Loss, Order, Refusals

_ALL_AT_ONCE = 500  # purchases decided together

_COLUMNS = (
    "purchase_id", "ambassador_id", "campaign_id", "code_id", "click_id", "touch", "reason",
    "rule_version", "lost", "suspicion",
)  # fmt: skip


def attribute(purchase_ids: Iterable[int], *, fresh: Set[int] = frozenset()) -> set[int]:
    """Decide the credit of purchases, again or for the first time.

    Uses of codes are written on the way, within their limits.  Orders bound by
    these ones are decided with them.  Issues a constant number of statements
    for each 500 purchases.

    Args:
        purchase_ids: Which.
        fresh: Those of them that this transaction recorded and nobody decided: nothing
            earlier is looked for.

    Returns:
        The purchases whose credit is new or different.
    """
    changed: set[int] = set()
    ids = sorted(set(purchase_ids))
    for start in range(0, len(ids), _ALL_AT_ONCE):
        some = ids[start : start + _ALL_AT_ONCE]
        changed |= _attribute(some, fresh & set(some))
    return changed


def decide(purchase_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what `attribute` would write for purchases that are recorded, and write nothing.

    A use that a limit refused when the order came stays refused.  Purchases
    without a candidate have no row.
    """
    rules = program.current()
    orders = bindings.with_chains(purchase_ids, rules)
    terms = touches.terms_of(orders)
    known = _known([order.id for order in orders])
    decided, _ = _decisions(orders, terms, _refused_before(orders, terms, known), rules, known)
    return {id_: row for id_, row in decided.items() if id_ in set(purchase_ids)}


def recorded(purchase_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the rows as they are written, in the form of `decide`."""
    return _known(purchase_ids)


def override(purchase_id: int, ambassador_id: int | None, *, reason: str) -> Attribution:
    """Give the credit to an ambassador, or to nobody, as a person decided.

    Args:
        purchase_id: The purchase.
        ambassador_id: Who gets the credit from now on; None takes it away.
        reason: Why, for the audit log and the ambassador.

    Raises:
        NotFoundError: There is no such purchase or ambassador.
        InvalidInputError: No reason, no campaign under which they could earn, or an
            order that does not count.
    """
    purchase = db.session.get(Purchase, purchase_id)
    if purchase is None:
        raise NotFoundError(_("There is no such purchase."))
    if purchase.status is not PurchaseStatus.PAID or purchase.is_test:
        raise InvalidInputError(_("Only a paid order that is no test can be credited."))
    if not reason.strip():
        raise InvalidInputError(_("Say why: the reason is kept with the decision."))
    query = sa.select(Attribution).where(Attribution.purchase_id == purchase_id).with_for_update()
    known = db.session.scalar(query.execution_options(populate_existing=True))
    lost = [
        *(known.lost if known else []),
        *([_as_lost(known)] if known and known.ambassador_id else []),
    ]
    row = {
        "purchase_id": purchase_id, "ambassador_id": ambassador_id,
        "campaign_id": _campaign_of(ambassador_id, known) if ambassador_id else None,
        "code_id": None, "click_id": None, "touch": CreditTouch.MANUAL,
        "reason": Credit.OVERRIDE.value, "rule_version": program.current().rule_version,
        "lost": lost, "suspicion": None,
    }  # fmt: skip
    before = known.ambassador_id if known else None
    _write([row])
    audit.record(
        "attribution.override", "purchase", purchase_id,
        {"from": before, "to": ambassador_id, "reason": reason},
    )  # fmt: skip
    return db.session.scalars(
        sa.select(Attribution)
        .where(Attribution.purchase_id == purchase_id)
        .execution_options(populate_existing=True)
    ).one()


def _attribute(ids: list[int], fresh: Set[int]) -> set[int]:
    rules = program.current()
    orders = bindings.with_chains(ids, rules)
    terms = touches.terms_of(orders)
    known = _known([order.id for order in orders if order.id not in fresh])
    decided, bonds = _decisions(orders, terms, _use_codes(orders, terms), rules, known)
    rows = [row for id_, row in decided.items() if known.get(id_) != row]
    gone = [order.id for order in orders if not order.is_counted and order.id in known]
    lapsed = [_withdrawn(known[id_]) for id_ in gone if known[id_]["ambassador_id"] is not None]
    bare = known.keys() - decided.keys() - set(gone)  # what bound them is no more
    changed = _write(rows, over_a_person=False, fresh=fresh) | _write(lapsed) | bare
    _delete(bare)
    bindings.write(orders, bonds)
    return changed


def _use_codes(orders: list[Order], terms: dict[str, Terms]) -> Refusals:
    """Write the uses that orders made of codes; give back those of orders that are over."""
    used = [
        (order, terms[text])
        for order in sorted(orders, key=lambda order: order.id)  # the first to come has it
        for text in order.codes
        if text in terms
    ]
    is_given_back = {
        (term.code_id, order.order_key): order.is_over
        or (order.is_refunded and term.refund_frees_use)
        for order, term in used
    }
    redemptions.roll_back_uses([use for use, is_back in is_given_back.items() if is_back])
    return redemptions.redeem_orders(
        (term, order.order_key, order.basket.customer_key)
        for order, term in used
        if order.is_counted and not is_given_back[term.code_id, order.order_key]
    )


def _refused_before(
    orders: list[Order], terms: dict[str, Terms], known: dict[int, dict[str, Any]]
) -> Refusals:
    limits = {
        eligibility.Reason.LIMIT_REACHED.value, eligibility.Reason.CUSTOMER_LIMIT_REACHED.value,
    }  # fmt: skip
    key_of = {order.id: order.order_key for order in orders}
    code_of = {one.text: one.code_id for one in terms.values()}
    return {
        (code_of[lost["name"]], key_of[id_]): eligibility.Reason(lost["reason"])
        for id_, row in known.items()
        for lost in row["lost"]
        if lost["reason"] in limits and lost["name"] in code_of
    }


def _decisions(
    orders: list[Order],
    terms: dict[str, Terms],
    refused: Refusals,
    rules: Rules,
    known: dict[int, dict[str, Any]],
) -> tuple[dict[int, dict[str, Any]], Bonds]:
    """Return the row of each order that has candidates, and what they bind.

    Orders come in the order of time, whole chains of them; a person's decision stays.
    """
    found = touches.candidates_of(orders, terms, refused, rules)
    kept = {id_: row for id_, row in known.items() if row["touch"] is CreditTouch.MANUAL}
    who = {one.ambassador_id for several in found.values() for one in several}
    who |= {row["ambassador_id"] for row in kept.values()}
    people = {id_ for id_ in who if id_ is not None}
    bonds = bindings.begin(orders, people, rules)
    against = suspicions.known(orders, people, known.keys()).against
    decided = {}
    for order in orders:
        candidates = [*bonds.candidates(order), *found.get(order.id, [])]
        if order.is_counted and (order.id in kept or candidates):
            row = kept.get(order.id) or _decision(order, candidates, rules, against)
            decided[order.id] = row
            bonds.follow(order, row)
    return decided, bonds


def _decision(
    order: Order,
    candidates: list[Candidate],
    rules: Rules,
    against: Callable[[Order, Candidate], str | None],
) -> dict[str, Any]:
    winner = next((one for one in candidates if one.refusal is None), None)
    return {
        "purchase_id": order.id,
        "ambassador_id": winner.ambassador_id if winner else None,
        "campaign_id": winner.campaign_id if winner else None,
        "code_id": winner.code_id if winner else None,
        "click_id": winner.click_id if winner else None,
        "touch": winner.touch if winner else None,
        "reason": (winner.credit if winner else Credit.NONE).value,
        "rule_version": rules.rule_version,
        "lost": [
            {
                "touch": one.touch.value,
                "name": one.name,
                "ambassador_id": one.ambassador_id,
                "reason": one.refusal or _outranked_by(one, winner),
            }
            for one in candidates
            if one is not winner
        ],
        "suspicion": against(order, winner) if winner else None,
    }


def _outranked_by(loser: Candidate, winner: Candidate | None) -> str:
    if winner is None or winner.touch is not loser.touch:
        return Loss.OUTRANKED.value
    return {
        CreditTouch.CODE: Loss.SECOND_CODE,
        CreditTouch.LINK: Loss.OTHER_CLICK,
    }.get(loser.touch, Loss.OUTRANKED).value


_KNOWN = sa.select(*(getattr(Attribution, name) for name in _COLUMNS)).where(
    Attribution.purchase_id.in_(many())
)


def _known(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    rows = run(_KNOWN, {"ids": ids})
    return {row.purchase_id: dict(row._mapping) for row in rows}


@functools.cache
def _upsert(dialect: Any, *, over_a_person: bool) -> Any:
    insert = dialect.insert(Attribution)
    by_person = insert.excluded["touch"] == CreditTouch.MANUAL
    was_machine_s = Attribution.touch.is_distinct_from(CreditTouch.MANUAL)
    return insert.on_conflict_do_update(
        index_elements=["purchase_id"],
        set_={name: insert.excluded[name] for name in _COLUMNS[1:]},
        where=None if over_a_person else sa.or_(was_machine_s, by_person),
    ).returning(Attribution.purchase_id)


def _write(
    rows: list[dict[str, Any]], *, over_a_person: bool = True, fresh: Set[int] = frozenset()
) -> set[int]:
    """Write decisions; return the purchases of those written.

    A person may have decided since the rows were read: unless `over_a_person`, that stays.
    """
    if not rows:
        return set()
    rows = sorted(rows, key=lambda row: row["purchase_id"])
    statement = _upsert(upsert_dialect(), over_a_person=over_a_person)
    written = set(run(statement, rows).scalars())
    _list_losers([row for row in rows if row["purchase_id"] in written], fresh)
    return written


_UNLIST = (
    sa.delete(LostCredit)
    .where(LostCredit.purchase_id.in_(many()))
    .execution_options(synchronize_session=False)
)


def _list_losers(rows: list[dict[str, Any]], fresh: Set[int]) -> None:
    """Write which ambassadors a decision left without the credit."""
    listed_before = [row["purchase_id"] for row in rows if row["purchase_id"] not in fresh]
    if listed_before:
        run(_UNLIST, {"ids": listed_before})
    losers = sorted(
        {
            (row["purchase_id"], lost["ambassador_id"])
            for row in rows
            for lost in row["lost"]
            if lost["ambassador_id"] not in {None, row["ambassador_id"]}
        }
    )
    if losers:
        listed = [{"purchase_id": order, "ambassador_id": who} for order, who in losers]
        run(sa.insert(LostCredit), listed)


def _delete(purchase_ids: Iterable[int]) -> None:
    ids = sorted(purchase_ids)
    if ids:
        for table in (LostCredit, Attribution):
            db.session.execute(sa.delete(table).where(table.purchase_id.in_(ids)))


def _withdrawn(known: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a purchase that no longer counts (cancelled, or a test)."""
    lost = {
        "touch": "manual",
        "name": "",
        "ambassador_id": known["ambassador_id"],
        "reason": "cancelled",
    }
    if known["touch"]:
        lost["touch"] = known["touch"].value
    return known | {
        "ambassador_id": None, "campaign_id": None, "code_id": None, "click_id": None,
        "touch": None, "reason": Credit.NONE.value, "lost": [*known["lost"], lost],
        "suspicion": None,
    }  # fmt: skip


def _as_lost(known: Attribution) -> dict[str, Any]:
    return {
        "touch": known.touch.value if known.touch else "",
        "name": "",
        "ambassador_id": known.ambassador_id,
        "reason": Loss.OUTRANKED.value,
    }


def _campaign_of(ambassador_id: int, known: Attribution | None) -> int:
    """Return the campaign an override earns in: the one at hand, else their newest code's."""
    ambassador = db.session.get(Ambassador, ambassador_id)
    if ambassador is None:
        raise NotFoundError(_("There is no such ambassador."))
    if known is not None and known.campaign_id is not None:
        return known.campaign_id
    own = codes.of_ambassador(ambassador_id)
    if not own:
        raise InvalidInputError(_("This ambassador has no code yet, so no campaign to earn in."))
    return own[0].campaign_id
