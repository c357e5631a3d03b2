"""Customers for the team: a list to search, and what is known of one.

A customer is known by hashes and by the shops' own ids; only a member has a name.  That
somebody was erased is told by the audit log, for nothing else may remember it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts.models import AuditLine
from ambassadors.models import Ambassador, ContactChoice, Member
from core import emails
from core.db import db
from core.errors import NotFoundError
from referrals import nps
from referrals.models import Attribution, Customer, CustomerIdentity, Purchase, PurchaseStatus
from referrals.models_invitations import MailConsent
from referrals.models_survey import SurveyAnswer
from rewards import erasure

_COUNTED = (Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False))


class Narrow(StrEnum):
    """Which customers to show."""

    BROUGHT = "brought"  # an ambassador has the credit of the first purchase
    MEMBERS = "members"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one looks for; an empty field asks nothing."""

    text: str = ""  # a whole e-mail address, order or shop's id, or part of a member's name
    narrow: Narrow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One customer, as a list shows them."""

    id: int
    country: str | None
    member_id: int | None
    member: str | None  # name
    is_ambassador: bool
    first_purchased_at: datetime | None
    brought_by_id: int | None
    brought_by: str | None
    purchases: int  # paid, no tests
    last_at: datetime | None
    is_erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a customer paid in one currency; amounts in minor units."""

    currency: str
    purchases: int
    total: int
    refunded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One customer with what is known of them."""

    customer: Customer
    member: Member | None
    ambassador_id: int | None  # that they are
    is_erased: bool
    shop_ids: tuple[str, ...]  # source:id
    has_address: bool  # the hash of one
    consents: tuple[MailConsent, ...]
    choice: ContactChoice | None  # of a member who made one
    spent: tuple[Spent, ...]
    heard_from: str | None  # what they answered about their first purchase
    score: int | None  # their latest answer to the NPS


def page(search: Search, *, before: int | None = None, limit: int = 50) -> list[Row]:
    """Return customers, the latest known first, going on before an id, in three statements."""
    own, theirs = sa.orm.aliased(Ambassador), sa.orm.aliased(Ambassador)
    who = sa.orm.aliased(Member)
    query = (
        sa.select(
            Customer.id, Customer.country, Customer.member_id, Customer.first_purchased_at,
            Member.name.label("member"), own.id.is_not(None).label("is_ambassador"),
            Attribution.ambassador_id.label("brought_by_id"), who.name.label("brought_by"),
        )
        .outerjoin(Member, Member.id == Customer.member_id)
        .outerjoin(own, own.member_id == Customer.member_id)
        .outerjoin(Attribution, Attribution.purchase_id == Customer.first_purchase_id)
        .outerjoin(theirs, theirs.id == Attribution.ambassador_id)
        .outerjoin(who, who.id == theirs.member_id)
        .where(*_conditions(search))
        .order_by(Customer.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(Customer.id < before)
    rows = [dict(row._mapping) for row in db.session.execute(query)]
    return _with_purchases(rows)


def one(customer_id: int) -> Known:
    """Return a customer, in four statements.

    Raises:
        NotFoundError: There is none; they may have been found to be another one.
    """
    row = db.session.execute(
        sa.select(
            Customer, Member, Ambassador.id.label("ambassador_id"), ContactChoice,
            sa.func.coalesce(SurveyAnswer.answer, Purchase.heard_from).label("heard_from"),
            nps.latest_of(Customer.id).label("score"),
        )
        .outerjoin(Member, Member.id == Customer.member_id)
        .outerjoin(Ambassador, Ambassador.member_id == Member.id)
        .outerjoin(ContactChoice, ContactChoice.member_id == Member.id)
        .outerjoin(Purchase, Purchase.id == Customer.first_purchase_id)
        .outerjoin(SurveyAnswer, SurveyAnswer.purchase_id == Purchase.id)
        .where(Customer.id == customer_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFoundError(_("There is no such customer."))
    names = _names(customer_id)
    return Known(
        customer=row.Customer, member=row.Member, ambassador_id=row.ambassador_id,
        is_erased=bool(_erased([(customer_id, row.Customer.member_id)])),
        shop_ids=tuple(key.removeprefix("id:") for key in names if key.startswith("id:")),
        has_address=any(key.startswith("email:") for key in names),
        consents=tuple(said for said in names.values() if said), choice=row.ContactChoice,
        spent=_spent(customer_id), heard_from=row.heard_from,
        score=row.score,
    )  # fmt: skip


def _names(customer_id: int) -> dict[str, MailConsent | None]:
    """Return the names by which shops know a customer, with what the owner of an address said."""
    query = (
        sa.select(CustomerIdentity.key, MailConsent)
        .outerjoin(
            MailConsent,
            CustomerIdentity.key == sa.literal("email:") + MailConsent.email_hash,
        )
        .where(CustomerIdentity.customer_id == customer_id)
        .order_by(CustomerIdentity.key)
    )
    return {row.key: row.MailConsent for row in db.session.execute(query)}


def _with_purchases(rows: Sequence[dict[str, Any]]) -> list[Row]:
    ids = [row["id"] for row in rows]
    if not ids:
        return []
    counted = db.session.execute(
        sa.select(
            Purchase.customer_id, sa.func.count().label("purchases"),
            sa.func.max(Purchase.occurred_at).label("last_at"),
        )
        .where(Purchase.customer_id.in_(ids), *_COUNTED)
        .group_by(Purchase.customer_id)
    )  # fmt: skip
    known = {row.customer_id: (row.purchases, row.last_at) for row in counted}
    erased = _erased([(row["id"], row["member_id"]) for row in rows])
    found = []
    for row in rows:
        purchases, last_at = known.get(row["id"], (0, None))
        is_erased = row["id"] in erased
        found.append(Row(**row, purchases=purchases, last_at=last_at, is_erased=is_erased))
    return found


def _spent(customer_id: int) -> tuple[Spent, ...]:
    rows = db.session.execute(
        sa.select(
            Purchase.currency, sa.func.count().label("purchases"),
            sa.func.sum(Purchase.total).label("total"),
            sa.func.sum(Purchase.refunded).label("refunded"),
        )
        .where(Purchase.customer_id == customer_id, *_COUNTED)
        .group_by(Purchase.currency)
        .order_by(Purchase.currency)
    )  # fmt: skip
    return tuple(
        Spent(currency=row.currency, purchases=row.purchases, total=int(row.total),
              refunded=int(row.refunded))
        for row in rows
    )  # fmt: skip


def _erased(pairs: Collection[tuple[int, int | None]]) -> set[int]:
    """Return which customers were erased, of pairs of a customer and their member."""
    own = [str(customer_id) for customer_id, _member in pairs]
    theirs = [str(member_id) for _customer, member_id in pairs if member_id is not None]
    rows = db.session.execute(
        sa.select(AuditLine.object_kind, AuditLine.object_id).where(
            AuditLine.act == erasure.ACT,
            sa.or_(
                sa.and_(AuditLine.object_kind == "customer", AuditLine.object_id.in_(own)),
                sa.and_(AuditLine.object_kind == "member", AuditLine.object_id.in_(theirs)),
            ),
        )
    )
    gone = {(row.object_kind, row.object_id) for row in rows}
    return {
        customer_id
        for customer_id, member_id in pairs
        if ("customer", str(customer_id)) in gone or ("member", str(member_id)) in gone
    }


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    text = search.text.strip().replace("\x00", "")
    if text:
        found.append(sa.or_(*_said(text)))
    if search.narrow is Narrow.BROUGHT:
        found.append(Attribution.ambassador_id.is_not(None))
    if search.narrow is Narrow.MEMBERS:
        found.append(Customer.member_id.is_not(None))
    if search.narrow is Narrow.ERASED:
        found.append(sa.or_(_was_erased("customer", Customer.id),
                            _was_erased("member", Customer.member_id)))  # fmt: skip
    return found


def _said(text: str) -> list[sa.ColumnElement[bool]]:
    """Return the ways in which a text can mean a customer; an address is compared by its hash."""
    named = CustomerIdentity.key.endswith(f":{text}", autoescape=True)
    digest = emails.digest(text) if "@" in text else None
    keys = CustomerIdentity.key == f"email:{digest}" if digest else named
    of_key = sa.select(CustomerIdentity.customer_id).where(
        keys, sa.true() if digest else CustomerIdentity.key.startswith("id:")
    )
    of_order = sa.select(Purchase.customer_id).where(Purchase.external_id == text)
    return [
        Customer.id.in_(of_key), Customer.id.in_(of_order),
        Member.name.icontains(text, autoescape=True),
    ]  # fmt: skip


def _was_erased(kind: str, id_: Any) -> sa.ColumnElement[bool]:
    gone = sa.select(AuditLine.object_id).where(
        AuditLine.act == erasure.ACT, AuditLine.object_kind == kind
    )
    return sa.cast(id_, sa.String).in_(gone)
