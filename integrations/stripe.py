"""Stripe's webhooks: is it really Stripe, and what does it say in our words.

One order shows up as a checkout session, a payment intent, an invoice and a
charge, in any order and more than once.  Each event is therefore translated
alone, names every id it knows of the order (`facts.SameOrder`, `aliases`), and
leaves it to the records to find that two events speak of the same one.

Refunds: a refund object is a refund by its own id.  `charge.refunded` also
tells a running total (`facts.RefundedTotal`), which counts only for what the
refund objects do not explain.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import money
from core.errors import DomainError
from integrations import facts
from integrations import stripe_parts as parts
from integrations.fields import Fields, UnreadableError

SOURCE = "stripe"
_CONSENTS = {"opt_in": True, "opt_out": False}  # to promotional mail, asked at the checkout
TOLERANCE = 300  # seconds, before and after


class SignatureError(DomainError):
    """The request was not signed by Stripe with a secret of ours, just now."""

    status = 401
    code = "bad_signature"


@dataclass(frozen=True, slots=True)
class Event:
    """An event's envelope and the object it is about."""

    event_id: str
    kind: str
    created_at: datetime
    is_live: bool
    about: Fields


def verify(body: bytes, header: str | None, secrets: Iterable[str], now: datetime) -> None:
    """Check that Stripe signed these bytes.

    Args:
        body: The request's body, byte for byte.
        header: `Stripe-Signature`: `t=SECONDS,v1=HEX`, several `v1` while a secret
            is rotated; other schemes are ignored.
        secrets: Every secret that is valid now.
        now: Aware; `t` may be 300 s away from it on either side.

    Raises:
        SignatureError: Anything else.

    Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
    """
    stamp, given = _signatures(header)
    if abs(now.timestamp() - int(stamp)) > TOLERANCE:
        raise SignatureError("The signature is not of the last five minutes; check the clock.")
    signed = stamp.encode() + b"." + body
    is_signed = False
    for secret in filter(None, map(str.strip, secrets)):
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        for one in given:
            is_signed |= hmac.compare_digest(expected, one)
    if not is_signed:
        raise SignatureError("The signature does not match; check STRIPE_WEBHOOK_SECRETS.")


def _signatures(header: str | None) -> tuple[str, list[bytes]]:
    if not header or not header.isascii():
        raise SignatureError("Send the header Stripe-Signature.")
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.encode() for name, _, value in parts if name.strip() == "v1"]
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0]) or not given:
        raise SignatureError("Stripe-Signature should be t=SECONDS,v1=SIGNATURE.")
    return stamps[0], given


def envelope(value: Any) -> Event:
    """Return the event of a JSON document.

    Raises:
        UnreadableError: Not an event.
    """
    event = Fields(value)
    if event.text("object") not in {None, "event"}:
        raise UnreadableError("This is not an event of Stripe.")
    return Event(
        event.need_text("id", longest=200), event.need_text("type", longest=100),
        event.need_moment("created"), event.flag("livemode"),
        event.inner("data").inner("object"),
    )  # fmt: skip


def read(event: Event, *, test_counts: bool) -> list[facts.Fact]:
    """Return what an event says in our words; nothing for a kind that is not ours.

    Args:
        event: Its envelope.
        test_counts: Take orders of Stripe's test mode for real ones, as a demo does.

    Raises:
        UnreadableError: A field that we need is not what Stripe documents.
    """
    translate = KINDS.get(event.kind)
    if translate is None:
        return []
    if not event.about.text("id"):
        raise UnreadableError("The event says nothing of its object.")
    is_test = not event.is_live and not test_counts
    return translate(event, is_test)


def _session(event: Event, is_test: bool) -> list[facts.Fact]:
    """Translate a checkout that was completed or whose delayed payment succeeded."""
    session = event.about
    names = parts.names(
        session.ref("payment_intent"), session.ref("invoice"), session.need_text("id")
    )
    order = facts.SameOrder(source=SOURCE, names=names)
    if session.text("mode") == "setup":
        return []
    if session.text("payment_status") not in {"paid", "no_payment_required"}:
        return [order]  # unpaid: `async_payment_succeeded` will say more
    currency = parts.currency(session)
    told = session.inner("total_details")
    total = parts.amount(session.need_whole("amount_total"), currency)
    discount = parts.amount(told.whole("amount_discount") or 0, currency)
    if not total and not discount:
        return [order]  # a trial begins: nobody has bought anything yet
    subscription = session.ref("subscription")
    return [order, facts.Purchase(
        source=SOURCE, external_id=names[0], aliases=names[1:], currency=currency,
        occurred_at=session.moment("created") or event.created_at, total=total, discount=discount,
        tax=parts.amount(told.whole("amount_tax") or 0, currency),
        shipping=parts.amount(told.whole("amount_shipping") or 0, currency),
        customer_external_id=session.ref("customer"), email=parts.session_email(session),
        country=parts.session_country(session), codes=parts.session_codes(session),
        click_token=parts.click_token(session), promotion_codes=parts.promotions(session)[0],
        subscription=subscription, period_index=0 if subscription else None, is_test=is_test,
        accepts_mail=_CONSENTS.get(session.inner("consent").text("promotions") or ""),
    )]  # fmt: skip


def _invoice(event: Event, is_test: bool) -> list[facts.Fact]:
    """Translate an invoice that was paid: a subscription's period, or a single bill."""
    invoice = event.about
    payments = [item.inner("payment") for item in invoice.inner("payments").items("data")]
    intents = [invoice.ref("payment_intent"), *(paid.ref("payment_intent") for paid in payments)]
    charges = [invoice.ref("charge"), *(paid.ref("charge") for paid in payments)]
    names = parts.names(*intents, invoice.need_text("id"), *charges)
    order = facts.SameOrder(source=SOURCE, names=names)
    currency = parts.currency(invoice)
    paid = invoice.need_whole("amount_paid")
    discount = sum(item.whole("amount") or 0 for item in invoice.items("total_discount_amounts"))
    if not paid and not discount:
        return [order]  # a trial, or a bill of nothing
    billed = invoice.whole("total")
    parent = invoice.inner("parent").inner("subscription_details")
    legacy = invoice.inner("subscription_details")
    codes = [invoice.inner("metadata"), parent.inner("metadata"), legacy.inner("metadata")]
    ids, texts = parts.promotions(invoice)
    return [order, facts.Purchase(
        source=SOURCE, external_id=names[0], aliases=names[1:], currency=currency,
        occurred_at=invoice.inner("status_transitions").moment("paid_at") or event.created_at,
        total=parts.amount(paid, currency), discount=parts.amount(discount, currency),
        tax=parts.amount(_part(_invoice_tax(invoice), paid, billed), currency),
        shipping=parts.amount(_part(invoice.whole("amount_shipping") or 0, paid, billed), currency),
        customer_external_id=invoice.ref("customer"),
        email=parts.email(invoice.text("customer_email")),
        country=parts.country(
            invoice.inner("customer_shipping").inner("address"), invoice.inner("customer_address")
        ),
        codes=parts.codes([*texts, *parts.metadata_codes(codes)]), promotion_codes=ids,
        subscription=invoice.ref("subscription") or parent.ref("subscription"),
        period_index=0 if invoice.text("billing_reason") == "subscription_create" else None,
        is_test=is_test,
    )]  # fmt: skip


def _part(amount: int, paid: int, billed: int | None) -> int:
    """Return the part of tax or shipping in what was paid, if a credit balance paid the rest."""
    if not billed or paid >= billed:
        return amount
    return money.divide_half_up(amount * paid, billed)


def _invoice_tax(invoice: Fields) -> int:
    for name in ("total_taxes", "total_tax_amounts"):  # since 2025-03-31, and before
        taxes = invoice.items(name)
        if taxes:
            return sum(tax.whole("amount") or 0 for tax in taxes)
    return invoice.whole("tax") or 0


def _charge(event: Event, is_test: bool) -> list[facts.Fact]:
    """Learn which payment intent and invoice a charge belongs to."""
    charge = event.about
    names = parts.names(charge.ref("payment_intent"), charge.ref("invoice"), charge.need_text("id"))
    return [facts.SameOrder(source=SOURCE, names=names)]


def _charge_refunded(event: Event, is_test: bool) -> list[facts.Fact]:
    """Translate the refunds that a charge lists, then its running total."""
    charge = event.about
    payment = charge.need_text("id")
    order = charge.ref("payment_intent") or payment
    currency = parts.currency(charge)
    found = _charge(event, is_test)
    for item in charge.inner("refunds").items("data"):
        found += _refund_of(item, order, payment)
    total = parts.amount(charge.need_whole("amount_refunded"), currency)
    if total and charge.flag("captured"):  # else an authorization that lapsed: nobody had paid
        found.append(
            facts.RefundedTotal(
                source=SOURCE, payment=payment, order_external_id=order, total=total,
                told_at=event.created_at, currency=currency,
            )
        )  # fmt: skip
    return found


def _refund(event: Event, is_test: bool) -> list[facts.Fact]:
    """Translate a refund that was made, moved on or failed."""
    refund = event.about
    intent, charge = refund.ref("payment_intent"), refund.ref("charge")
    names = parts.names(intent, charge)
    if not names:
        return []
    return [facts.SameOrder(source=SOURCE, names=names), *_refund_of(refund, names[0], charge)]


def _refund_of(refund: Fields, order: str, payment: str | None) -> list[facts.Fact]:
    currency = parts.currency(refund)
    amount = parts.amount(refund.need_whole("amount"), currency)
    if not amount or refund.text("reason") == "expired_uncaptured_charge":
        return []
    is_undone = refund.text("status") in {"failed", "canceled"}
    return [facts.Refund(
        source=SOURCE, external_id=refund.need_text("id"), order_source=SOURCE,
        order_external_id=order, amount=amount, currency=currency, payment=payment,
        occurred_at=refund.need_moment("created"), state="failed" if is_undone else "succeeded",
    )]  # fmt: skip


def _dispute(event: Event, is_test: bool) -> list[facts.Fact]:
    """Translate a dispute: money goes back until it is won.

    An inquiry (`warning_...`) moves no money; nothing is said of it unless
    Stripe withdraws the funds.
    """
    dispute = event.about
    names = parts.names(dispute.ref("payment_intent"), dispute.ref("charge"))
    status = dispute.text("status") or ""
    is_inquiry = status.startswith("warning_") and event.kind != "charge.dispute.funds_withdrawn"
    amount = dispute.need_whole("amount")
    if not names or not amount:
        return []
    order = facts.SameOrder(source=SOURCE, names=names)
    if is_inquiry:
        return [order]
    is_undone = status == "won" or event.kind == "charge.dispute.funds_reinstated"
    currency = parts.currency(dispute)
    return [order, facts.Refund(
        source=SOURCE, external_id=dispute.need_text("id"), order_source=SOURCE,
        order_external_id=names[0], amount=parts.amount(amount, currency), currency=currency,
        kind="dispute", occurred_at=dispute.need_moment("created"),
        state="failed" if is_undone else "succeeded",
    )]  # fmt: skip


def _intent(event: Event, is_test: bool) -> list[facts.Fact]:
    """Learn which charge and invoice a payment intent belongs to."""
    intent = event.about
    names = parts.names(intent.need_text("id"), intent.ref("invoice"), intent.ref("latest_charge"))
    return [facts.SameOrder(source=SOURCE, names=names)]


def _invoice_payment(event: Event, is_test: bool) -> list[facts.Fact]:
    """Learn which payment intent paid an invoice (invoices no longer say since 2025-03-31)."""
    about = event.about
    paid = about.inner("payment")
    names = parts.names(paid.ref("payment_intent"), about.ref("invoice"), paid.ref("charge"))
    return [facts.SameOrder(source=SOURCE, names=names)] if names else []


KINDS: dict[str, Callable[[Event, bool], list[facts.Fact]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "invoice.paid": _invoice,
    "invoice_payment.paid": _invoice_payment,
    "payment_intent.succeeded": _intent,
    "charge.succeeded": _charge,
    "charge.captured": _charge,
    "charge.refunded": _charge_refunded,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
}
