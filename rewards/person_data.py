"""Everything we hold of a person, as one file they can take along.

Their own facts only: visits of their links without who came, purchases they
brought without who bought.  A file is made by the clock, within the hour,
and can be fetched for a week.

Source: GDPR, articles 15 and 20.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit, passkeys
from accounts.models import AuditLine, SignIn, User
from ambassadors import personal
from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign, Message, MessageReader
from core import clock, jobs, limits
from core.db import affected, db, upsert_dialect
from core.errors import NotFoundError
from referrals import consents, content_links, invitations, nps
from referrals.models import Click, Code, Customer, CustomerIdentity, Link, Purchase
from referrals.models_survey import SurveyAnswer
from rewards import (
    badges,
    connected,
    contracts,
    earnings,
    invitation_codes,
    mission_takes,
    payout_details,
    payout_list,
    self_billing,
    tax_details,
)  # fmt: skip
from rewards.models import (
    OF_COMMISSION,
    Commission,
    Conversion,
    DataExport,
    Entry,
    Exchange,
    Perk,
    Posting,
    PurchaseQuestion,
    PurchaseReward,
    Voucher,
    VoucherTake,
)
from rewards.models_billing import BillingMandate, VatStatus

KIND = "privacy.export"
KEPT_FOR = timedelta(days=7)
A_DAY = 5  # files of one person


def limit(member_id: int) -> None:
    """Count a request for a file.  Commits.

    Raises:
        TooManyError: More than `A_DAY` in a day.
    """
    limits.hit("data_export", str(member_id), limit=A_DAY, per=timedelta(days=1))


def ask(member_id: int, *, by: str) -> None:
    """Have the clock make a file; asking while it is being made changes nothing.

    Args:
        member_id: Whose data.
        by: Who asks, as the audit log names people.
    """
    now = clock.now()
    asked = {"asked_at": now, "ready_at": None, "body": None, "expires_at": now + KEPT_FOR}
    started = db.session.scalar(
        upsert_dialect()
        .insert(DataExport)
        .values(member_id=member_id, **asked)
        .on_conflict_do_update(
            index_elements=["member_id"], set_=asked, where=DataExport.ready_at.is_not(None)
        )
        .returning(DataExport.id)
    )
    if started is not None:
        jobs.create(KIND, {"member_id": member_id}, created_by=by, total=None)
        audit.record("privacy.ask", "member", member_id, {})


def known(member_id: int) -> DataExport | None:
    """Return a member's file, or the request for one, while it lasts."""
    return db.session.scalar(
        sa.select(DataExport).where(
            DataExport.member_id == member_id, DataExport.expires_at > clock.now()
        )
    )


def fetch(member_id: int) -> str:
    """Return the file of a member; the audit log keeps that it was fetched.

    Raises:
        NotFoundError: There is none yet, or no more.
    """
    found = known(member_id)
    if found is None or found.body is None:
        raise NotFoundError(_("There is no file of your data now. Ask for one."))
    audit.record("privacy.export", "member", member_id, {})
    return found.body


def write(member_id: int) -> None:
    """Write the file that was asked for."""
    member = db.session.get(Member, member_id)
    if member is None:
        return
    db.session.execute(
        sa.update(DataExport)
        .where(DataExport.member_id == member_id, DataExport.ready_at.is_(None))
        .values(body=text(member), ready_at=clock.now(), expires_at=clock.now() + KEPT_FOR)
    )


def sweep() -> int:
    """Delete the files whose week is over; return how many."""
    gone = sa.delete(DataExport).where(DataExport.expires_at <= clock.now())
    return affected(db.session.execute(gone))


def text(member: Member) -> str:
    """Return all we hold of a member as JSON."""
    return json.dumps(collect(member), ensure_ascii=False, indent=2, default=_plain)


def collect(member: Member) -> dict[str, Any]:
    """Return all we hold of a member, by kind; amounts in minor units, instants in UTC."""
    found: dict[str, Any] = {
        "written_at": clock.now(),
        "member": _row(
            member, "id", "external_id", "name", "email", "country", "locale", "joined_on",
            "created_at",
        ),
        "own_purchases": _own_purchases(member.id),
        "nps_scores": nps.told(_names(member)),
        "messages": _messages(member.id),
        **personal.told(member.id, [member.email_hash] if member.email_hash else []),
        "invitations": invitations.told([member.email_hash] if member.email_hash else []),
        "mail_consents": consents.told([member.email_hash] if member.email_hash else []),
    }  # fmt: skip
    ambassador = member.ambassador
    names = [("member", member.id)]
    if ambassador is not None:
        names.append(("ambassador", ambassador.id))
        found |= _as_ambassador(ambassador)
        if ambassador.user_id is not None:
            names.append(("user", ambassador.user_id))
            found |= _account(db.session.get_one(User, ambassador.user_id))
    found["audit_log"] = _audit(names)
    return found


def _as_ambassador(one: Ambassador) -> dict[str, Any]:
    codes = sa.select(Code).where(Code.ambassador_id == one.id).order_by(Code.id)
    links = sa.select(Link).where(Link.ambassador_id == one.id).order_by(Link.id)
    asked = sa.select(PurchaseQuestion).where(PurchaseQuestion.ambassador_id == one.id)
    paid_to, stripe = payout_details.of(one.id), connected.of(one.id)
    return {
        "ambassador": _row(
            one, "id", "kind", "status", "status_since", "enrolled_at", "shows_name"
        ),
        "codes": [
            _row(code, "text", "status", "created_at", "used") for code in db.session.scalars(codes)
        ],
        "links": [_row(link, "slug", "created_at") for link in db.session.scalars(links)],
        "visits_of_my_links": _visits(one.id),
        "purchases_brought": _brought(one.id),
        "commissions": _commissions(one.id),
        "ledger": _ledger(one.id),
        "payout_details": paid_to
        and {
            **_row(paid_to, "method", "holder", "changed_at"),
            "iban": payout_details.account_number(one.id),
        },
        "for_the_tax_office": _tax(one.id),
        "contracts": _contracts(one.id),
        "account_at_stripe": stripe and _row(stripe, "account", "is_ready", "created_at"),
        "payouts": _payouts(one.id),
        **_billing(one.id),
        "content_links": [
            _row(link, "url", "campaign", "handed_in_at", "seen_at", "thanks")
            for link in content_links.of_ambassador(one.id, limit=10**6)
        ],
        "vouchers": _rows(
            sa.select(Voucher.text, VoucherTake.taken_at)
            .join(Voucher, Voucher.id == VoucherTake.voucher_id)
            .where(VoucherTake.ambassador_id == one.id)
        ),
        "invitations_made": [
            {"note": made.note, "made_at": made.made_at, "state": made.state.value}
            for made in invitation_codes.mine(one.id, limit=10**6)
        ],
        "missions": [
            _row(take, "state", "url", "handed_in_at", "decided_at", "reason", "amount", "points")
            | {"mission": take.mission.name_en}
            for take in mission_takes.of_ambassador(one.id)
        ],
        "badges": [
            _row(held, "given_at") | {"badge": held.badge.name_en}
            for held in badges.of_ambassador(one.id)
        ],
        **_perks(one.id),
        "questions": [
            _row(said, "kind", "text", "asked_at", "answer", "answered_at")
            for said in db.session.scalars(asked.order_by(PurchaseQuestion.id))
        ],
    }


def _payouts(ambassador_id: int) -> list[dict[str, Any]]:
    """Return what was approved to be paid, as their page has it, with the account it went to."""
    names = ("amount", "currency", "method", "state", "holder", "last4", "account", "reference",
             "approved_at", "sent_at", "settled_at")  # fmt: skip
    return [_row(one, *names) for one in payout_list.of_ambassador(ambassador_id, limit=10**6)]


def _perks(ambassador_id: int) -> dict[str, Any]:
    """Return what they exchanged, and what purchases earned them in points and perks."""
    return {
        "perks": _rows(
            sa.select(
                Perk.name_en.label("perk"),
                Exchange.price,
                Exchange.unit,
                Exchange.state,
                Exchange.created_at,
            )
            .join(Perk, Perk.id == Exchange.perk_id)
            .where(Exchange.ambassador_id == ambassador_id)
        ),
        "purchase_rewards": _rows(
            sa.select(
                PurchaseReward.kind,
                PurchaseReward.points,
                Perk.name_en.label("perk"),
                PurchaseReward.state,
                PurchaseReward.earned_at,
            )
            .outerjoin(Perk, Perk.id == PurchaseReward.perk_id)
            .where(PurchaseReward.ambassador_id == ambassador_id)
            .order_by(PurchaseReward.id)
        ),
    }


def _tax(ambassador_id: int) -> dict[str, Any] | None:
    said = tax_details.of(ambassador_id)
    if said is None:
        return None
    told = _row(
        said, "name", "is_business", "siret", "profession", "street", "postal_code", "city",
        "country", "changed_at",
    )  # fmt: skip
    return {**told, "tin": tax_details.tin(ambassador_id)}


def _contracts(ambassador_id: int) -> list[dict[str, Any]]:
    names = ("objective", "year", "text", "text_hash", "prepared_at", "signed_at", "signed_name")
    return [_row(one, *names) for one in contracts.of_ambassador(ambassador_id)]


def _billing(ambassador_id: int) -> dict[str, Any]:
    given = sa.select(BillingMandate).where(BillingMandate.ambassador_id == ambassador_id)
    vat = sa.select(VatStatus).where(VatStatus.ambassador_id == ambassador_id)
    return {
        "billing_mandates": [
            _row(one, "terms_version", "name", "address", "tax_id", "accepted_at", "withdrawn_at")
            for one in db.session.scalars(given.order_by(BillingMandate.id))
        ],
        "vat": [
            _row(one, "effective_from", "rate", "vat_number")
            for one in db.session.scalars(vat.order_by(VatStatus.effective_from))
        ],
        "invoices": [
            _row(one, "label", "kind", "issued_on", "currency", "net", "vat", "gross")
            for one in self_billing.of_ambassador(ambassador_id)
        ],
    }


def _messages(member_id: int) -> list[dict[str, Any]]:
    return _rows(
        sa.select(
            Message.name, MessageReader.spared, MessageReader.sent_at, MessageReader.opened_at
        )
        .join(Message, Message.id == MessageReader.message_id)
        .where(MessageReader.member_id == member_id)
    )


def _rows(query: sa.Executable) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in db.session.execute(query)]


def _account(user: User) -> dict[str, Any]:
    signed = sa.select(SignIn).where(SignIn.user_id == user.id).order_by(SignIn.id)
    return {
        "account": _row(user, "id", "email", "name", "locale", "active", "created_at"),
        "passkeys": [_row(one, "name", "created_at", "used_at") for one in passkeys.of(user.id)],
        "sign_ins": [
            _row(one, "created_at", "seen_at", "ended_at") for one in db.session.scalars(signed)
        ],
    }


def _own_purchases(member_id: int) -> list[dict[str, Any]]:
    query = (
        sa.select(Purchase, SurveyAnswer.answer)
        .join(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(SurveyAnswer, SurveyAnswer.purchase_id == Purchase.id)
        .where(Customer.member_id == member_id)
        .order_by(Purchase.occurred_at, Purchase.id)
    )
    return [
        _row(
            one, "source", "external_id", "occurred_at", "currency", "total", "discount",
            "refunded", "status", "country", "codes", "heard_from",
        )
        | {"survey_answer": answer}
        for one, answer in db.session.execute(query)
    ]  # fmt: skip


def _names(member: Member) -> set[str]:
    """Return the names by which shops know a member."""
    query = (
        sa.select(CustomerIdentity.key)
        .join(Customer, Customer.id == CustomerIdentity.customer_id)
        .where(Customer.member_id == member.id)
    )
    return {*db.session.scalars(query), f"email:{member.email_hash}"}


def _visits(ambassador_id: int) -> list[dict[str, Any]]:
    query = (
        sa.select(Click.clicked_at, Click.kind, Link.slug)
        .join(Link, Link.id == Click.link_id)
        .where(Link.ambassador_id == ambassador_id)
        .order_by(Click.clicked_at, Click.id)
    )
    return _rows(query)


def _brought(ambassador_id: int) -> list[dict[str, Any]]:
    """Return the purchases of their list without the order's number, which is a friend's."""
    names = ("occurred_at", "currency", "total", "refunded", "status", "is_new", "is_credited",
             "touch", "reason", "state", "amount")  # fmt: skip
    return [_row(one, *names) for one in earnings.brought(ambassador_id, limit=10**6)]


def _commissions(ambassador_id: int) -> list[dict[str, Any]]:
    query = (
        sa.select(
            Commission.earned_at, Commission.payable_at, Commission.kind, Commission.rate,
            Commission.base, Commission.amount, Commission.currency, Commission.is_active,
            Campaign.name.label("campaign"), Conversion.base.label("converted_from"),
            Conversion.value.label("currency_rate"), Conversion.rate_on, Conversion.source,
        )
        .join(Campaign, Campaign.id == Commission.campaign_id)
        .outerjoin(Conversion, OF_COMMISSION)
        .where(Commission.ambassador_id == ambassador_id)
        .order_by(Commission.id)
    )  # fmt: skip
    return _rows(query)


def _ledger(ambassador_id: int) -> list[dict[str, Any]]:
    query = (
        sa.select(Entry.occurred_at, Entry.kind, Posting.account, Posting.amount, Posting.currency)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Posting.ambassador_id == ambassador_id)
        .order_by(Posting.id)
    )
    return [dict(row._mapping) for row in db.session.execute(query)]


def _audit(names: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    about = [
        sa.and_(AuditLine.object_kind == kind, AuditLine.object_id == str(number))
        for kind, number in names
    ]
    by = [AuditLine.actor == f"user:{number}" for kind, number in names if kind == "user"]
    query = sa.select(AuditLine).where(sa.or_(*about, *by)).order_by(AuditLine.id)
    return [
        _row(one, "occurred_at", "act", "object_kind", "details")
        for one in db.session.scalars(query)
    ]


def _row(thing: object, *names: str) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in names}


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(type(value).__name__)
