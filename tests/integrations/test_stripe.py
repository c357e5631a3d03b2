"""What is Stripe's is accepted, what is not is refused; events become our facts."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations import facts, stripe
from integrations.fields import UnreadableError
from tests import stripe_events as say

KNOWN_BODY, KNOWN_AT = b'{"id":"evt_1"}', 1_700_000_000
KNOWN = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def facts_of(kind: str, about: dict[str, Any], **overrides: Any) -> list[facts.Fact]:
    said = say.event(kind, about, **overrides)
    return stripe.read(stripe.envelope(said), test_counts=False)


def purchase_of(kind: str, about: dict[str, Any], **overrides: Any) -> facts.Purchase:
    (found,) = [f for f in facts_of(kind, about, **overrides) if isinstance(f, facts.Purchase)]
    return found


def refunds_of(kind: str, about: dict[str, Any]) -> list[facts.Refund]:
    return [f for f in facts_of(kind, about) if isinstance(f, facts.Refund)]


def test_the_known_answer_is_accepted() -> None:
    stripe.verify(KNOWN_BODY, f"t={KNOWN_AT},v1={KNOWN}", ["whsec_test"], at(KNOWN_AT))


@pytest.mark.parametrize("seconds", [-300, -299, 299, 300])
def test_five_minutes_on_both_sides_are_accepted(seconds: int) -> None:
    stripe.verify(KNOWN_BODY, f"t={KNOWN_AT},v1={KNOWN}", ["whsec_test"], at(KNOWN_AT + seconds))


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_older_and_future_signatures_are_refused(seconds: int) -> None:
    with pytest.raises(stripe.SignatureError):
        stripe.verify(
            KNOWN_BODY, f"t={KNOWN_AT},v1={KNOWN}", ["whsec_test"], at(KNOWN_AT + seconds)
        )


def test_a_fraction_of_a_second_past_the_tolerance_is_refused() -> None:
    late = at(KNOWN_AT + 300) + timedelta(milliseconds=1)
    with pytest.raises(stripe.SignatureError):
        stripe.verify(KNOWN_BODY, f"t={KNOWN_AT},v1={KNOWN}", ["whsec_test"], late)


@pytest.mark.parametrize("secrets", [("whsec_new", "whsec_test"), ("whsec_test", "whsec_old")])
def test_two_secrets_are_valid_at_once(secrets: tuple[str, str]) -> None:
    stripe.verify(KNOWN_BODY, f"t={KNOWN_AT},v1={KNOWN}", secrets, at(KNOWN_AT))


@pytest.mark.parametrize(
    "header",
    [
        f"t={KNOWN_AT},v1={'0' * 64},v1={KNOWN}",
        f"t={KNOWN_AT},v1={KNOWN},v0={'0' * 64}",
        f"v1={KNOWN},t={KNOWN_AT}",
    ],
)
def test_any_v1_that_matches_is_enough(header: str) -> None:
    stripe.verify(KNOWN_BODY, header, ["whsec_test"], at(KNOWN_AT))


@pytest.mark.parametrize(
    "header",
    [
        None, "", "t", "t=", "v1=", f"v1={KNOWN}", f"t={KNOWN_AT}", f"t={KNOWN_AT},v0={KNOWN}",
        f"t={KNOWN_AT},v1={KNOWN[:-1]}", f"t={KNOWN_AT},v1={KNOWN.upper()}",
        f"t={KNOWN_AT}.0,v1={KNOWN}", f"t=+{KNOWN_AT},v1={KNOWN}", f"t=-1,v1={KNOWN}",
        f"t={'9' * 400},v1={KNOWN}", f"t=NaN,v1={KNOWN}", f"t=1e9,v1={KNOWN}",
        f"t={KNOWN_AT},t={KNOWN_AT},v1={KNOWN}", f"t={KNOWN_AT},v1=é", f"t=١٧٠٠٠٠٠٠٠٠,v1={KNOWN}",
        f"t={KNOWN_AT},v1=\ud800", f"t={KNOWN_AT} ,v1={KNOWN}", f"t={KNOWN_AT};v1={KNOWN}",
    ],
)  # fmt: skip
def test_a_malformed_header_is_refused(header: str | None) -> None:
    with pytest.raises(stripe.SignatureError):
        stripe.verify(KNOWN_BODY, header, ["whsec_test"], at(KNOWN_AT))


def test_an_empty_secret_signs_nothing() -> None:
    header = say.signature(KNOWN_BODY, at=KNOWN_AT, secret="")
    with pytest.raises(stripe.SignatureError):
        stripe.verify(KNOWN_BODY, header, ["", " "], at(KNOWN_AT))


def test_a_body_that_is_not_text_can_be_signed_and_refused_without_a_crash() -> None:
    body = b"\xff\xfe\x00"
    stripe.verify(body, say.signature(body, at=KNOWN_AT), ["whsec_test"], at(KNOWN_AT))
    with pytest.raises(stripe.SignatureError):
        stripe.verify(
            body + b"\xff", say.signature(body, at=KNOWN_AT), ["whsec_test"], at(KNOWN_AT)
        )


def test_every_shared_vector_is_accepted_or_refused_as_it_says(shared_data: Path) -> None:
    folder = shared_data / "webhooks"
    vectors = json.loads((folder / "signature_vectors.json").read_text())
    checked = 0
    for vector in (v for v in vectors if v["provider"] == "stripe"):
        body = (folder / vector["body_file"]).read_bytes()
        header = vector["headers"]["Stripe-Signature"]
        now = at(1_760_003_601 if "replayed" in vector["note"] else int(header[2:12]))
        try:
            stripe.verify(body, header, [vector["secret"]], now)
            is_accepted = True
        except stripe.SignatureError:
            is_accepted = False
        assert is_accepted is vector["valid"], vector["note"]
        checked += 1
    assert checked == 10


def test_every_shared_body_becomes_the_facts_it_tells(shared_data: Path) -> None:
    said = {
        path.name[:2]: stripe.envelope(json.loads(path.read_bytes()))
        for path in (shared_data / "webhooks" / "stripe").glob("*.json")
    }
    read = {number: stripe.read(event, test_counts=True) for number, event in said.items()}
    order, bought = read["01"]
    assert isinstance(order, facts.SameOrder)
    assert order.names == ("pi_fixture_0001", "cs_test_fixture_0001")
    assert isinstance(bought, facts.Purchase)
    assert (bought.total, bought.discount, bought.tax, bought.shipping) == (9000, 1000, 0, 0)
    assert (bought.currency, bought.country) == ("EUR", "FR")
    assert bought.codes == ("AMB007",)
    assert bought.promotion_codes == ("promo_fixture_AMB007",)
    assert bought.email == "jenny.rosen@example.com"
    assert not bought.is_test
    _, total = read["03"]
    assert isinstance(total, facts.RefundedTotal)
    assert (total.payment, total.order_external_id, total.total) == (
        "ch_fixture_0001", "pi_fixture_0001", 9000
    )  # fmt: skip
    _, renewal = read["04"]
    assert isinstance(renewal, facts.Purchase)
    assert (renewal.external_id, renewal.total, renewal.currency) == (
        "in_fixture_0001",
        2900,
        "USD",
    )
    assert [type(fact) for fact in read["05"]] == [facts.SameOrder]  # an inquiry moves no money
    assert read["06"] == []
    assert read["09"] == [
        facts.SameOrder(source="stripe", names=("pi_fixture_0001", "ch_fixture_0001"))
    ]


def test_test_mode_is_marked_unless_it_counts() -> None:
    said = say.event("checkout.session.completed", say.session(), livemode=False)
    marked, counted = (
        stripe.read(stripe.envelope(said), test_counts=counts)[1] for counts in (False, True)
    )
    assert isinstance(marked, facts.Purchase)
    assert marked.is_test
    assert replace(marked, is_test=False) == counted


@pytest.mark.parametrize(
    ("ids", "external_id", "aliases"),
    [
        ({}, "pi_1", ("cs_1",)),
        ({"invoice": "in_1"}, "pi_1", ("in_1", "cs_1")),
        ({"payment_intent": None, "invoice": "in_1"}, "in_1", ("cs_1",)),
        ({"payment_intent": None}, "cs_1", ()),
        ({"payment_intent": {"id": "pi_9"}, "invoice": {"id": "in_9"}}, "pi_9", ("in_9", "cs_1")),
    ],
)
def test_an_order_goes_by_its_payment_then_invoice_then_session(
    ids: dict[str, Any], external_id: str, aliases: tuple[str, ...]
) -> None:
    found = purchase_of("checkout.session.completed", say.session(**ids))
    assert (found.external_id, found.aliases) == (external_id, aliases)


def test_an_unpaid_checkout_waits_for_its_payment() -> None:
    unpaid = say.session(payment_status="unpaid")
    assert [type(f) for f in facts_of("checkout.session.completed", unpaid)] == [facts.SameOrder]
    assert purchase_of("checkout.session.async_payment_succeeded", say.session()).total == 9000


@pytest.mark.parametrize(
    ("about", "codes", "promotions"),
    [
        ({"client_reference_id": None}, (), ()),
        ({"metadata": {"referral_code": "ANA", "promo_code": "BEA"}}, ("ANA", "BEA", "ZOE10"), ()),
        ({"metadata": {"code": "zoe10"}}, ("zoe10",), ()),
        ({"metadata": {"promo_code": "ANA, BEA"}}, ("ANA", "BEA", "ZOE10"), ()),
        ({"discounts": [{"promotion_code": "promo_1"}]}, ("ZOE10",), ("promo_1",)),
        (
            {"discounts": [{"promotion_code": {"id": "promo_1", "code": "ANA"}}]},
            ("ANA", "ZOE10"),
            ("promo_1",),
        ),
        ({"discounts": ["di_1"], "client_reference_id": "cart/17?x=é"}, (), ()),
    ],
)
def test_codes_come_from_discounts_then_metadata_then_the_reference(
    about: dict[str, Any], codes: tuple[str, ...], promotions: tuple[str, ...]
) -> None:
    found = purchase_of("checkout.session.completed", say.session(**about))
    assert (found.codes, found.promotion_codes) == (codes, promotions)


def test_the_reference_may_be_a_click() -> None:
    token = "aB3-_xYz0123456789abcd"
    found = purchase_of("checkout.session.completed", say.session(client_reference_id=token))
    assert (found.click_token, found.codes) == (token, ())
    told = say.session(metadata={"click_id": token})
    assert purchase_of("checkout.session.completed", told).click_token == token


@pytest.mark.parametrize(
    ("currency", "told", "total"),
    [
        ("jpy", 9000, 9000),
        ("kwd", 9000, 9000),
        ("isk", 9000, 90),
        ("ugx", 50, 1),
        ("mga", 90, 9000),
    ],
)
def test_amounts_follow_the_decimals_of_each_currency(currency: str, told: int, total: int) -> None:
    about = say.session(currency=currency, amount_total=told, total_details=None)
    assert purchase_of("checkout.session.completed", about).total == total


def test_a_trial_is_not_a_purchase_and_a_gift_is() -> None:
    nothing = {"amount_discount": 0, "amount_tax": 0, "amount_shipping": 0}
    free = {"payment_status": "no_payment_required", "amount_total": 0, "payment_intent": None}
    trial = say.session(**free, total_details=nothing)
    assert [type(f) for f in facts_of("checkout.session.completed", trial)] == [facts.SameOrder]
    assert purchase_of("checkout.session.completed", say.session(**free)).total == 0
    assert [type(f) for f in facts_of("invoice.paid", say.invoice(amount_paid=0))] == [
        facts.SameOrder
    ]


def test_a_subscription_is_known_by_its_id_and_its_first_period() -> None:
    first = purchase_of("invoice.paid", say.invoice(billing_reason="subscription_create"))
    later = purchase_of("invoice.paid", say.invoice())
    checkout = purchase_of("checkout.session.completed", say.session(subscription="sub_1"))
    assert (first.subscription, first.period_index) == ("sub_1", 0)
    assert (later.subscription, later.period_index) == ("sub_1", None)
    assert (checkout.subscription, checkout.period_index) == ("sub_1", 0)


def test_invoices_of_older_versions_tell_the_same() -> None:
    old = say.invoice(
        parent=None, subscription="sub_1", payment_intent="pi_1", charge="ch_1", tax=400,
        subscription_details={"metadata": {"code": "ANA"}},
    )  # fmt: skip
    found = purchase_of("invoice.paid", old)
    assert (found.external_id, found.aliases) == ("pi_1", ("in_1", "ch_1"))
    assert (found.tax, found.subscription, found.codes) == (400, "sub_1", ("ANA",))


def test_what_a_credit_balance_paid_takes_its_part_of_the_tax() -> None:
    found = purchase_of(
        "invoice.paid",
        say.invoice(total=1000, amount_paid=500, total_taxes=[{"amount": 167}], amount_shipping=80),
    )
    assert (found.total, found.tax, found.shipping) == (500, 84, 40)


def test_refunds_listed_by_a_charge_come_with_its_running_total() -> None:
    about = say.charge(
        amount_refunded=5000, refunds={"data": [say.refund(2000), say.refund(3000, id="re_2")]}
    )
    names, first, second, total = facts_of("charge.refunded", about)
    assert isinstance(names, facts.SameOrder)
    assert isinstance(first, facts.Refund)
    assert isinstance(second, facts.Refund)
    assert (first.external_id, first.amount, first.order_external_id) == ("re_1", 2000, "pi_1")
    assert second.external_id == "re_2"
    assert isinstance(total, facts.RefundedTotal)
    assert total.total == 5000


def test_an_authorization_that_lapsed_is_no_refund() -> None:
    about = say.charge(captured=False, amount_refunded=9000)
    assert [type(f) for f in facts_of("charge.refunded", about)] == [facts.SameOrder]
    lapsed = say.refund(reason="expired_uncaptured_charge")
    assert refunds_of("refund.created", lapsed) == []


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", "succeeded"), ("pending", "succeeded"), ("requires_action", "succeeded"),
        ("failed", "failed"), ("canceled", "failed"),
    ],
)  # fmt: skip
def test_a_refund_counts_until_it_fails(status: str, state: str) -> None:
    (found,) = refunds_of("refund.updated", say.refund(status=status))
    assert (found.state, found.payment) == (state, "ch_1")


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("created", "needs_response", "succeeded"),
        ("created", "warning_needs_response", None),
        ("created", "warning_under_review", None),
        ("closed", "warning_closed", None),
        ("closed", "lost", "succeeded"),
        ("closed", "won", "failed"),
        ("funds_withdrawn", "warning_needs_response", "succeeded"),
        ("funds_withdrawn", "needs_response", "succeeded"),
        ("funds_reinstated", "won", "failed"),
        ("funds_reinstated", "under_review", "failed"),
    ],
)
def test_a_dispute_takes_money_until_it_is_won(kind: str, status: str, state: str | None) -> None:
    found = refunds_of(f"charge.dispute.{kind}", say.dispute(status=status, payment_intent=None))
    assert [one.state for one in found] == ([state] if state else [])
    assert [(one.kind, one.order_external_id) for one in found] == (
        [("dispute", "ch_1")] if state else []
    )


def test_a_newer_invoice_is_tied_to_its_payment_by_an_event_of_its_own() -> None:
    about = {
        "id": "inpay_1", "invoice": "in_1",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    }  # fmt: skip
    assert facts_of("invoice_payment.paid", about) == [
        facts.SameOrder(source="stripe", names=("pi_1", "in_1"))
    ]


def test_kinds_that_are_not_ours_say_nothing() -> None:
    assert facts_of("customer.created", {"id": "cus_1"}) == []


WRONG: list[Any] = [None, True, -1, 1.5, 10**30, "x", [], {}, [[]], {"id": 7}]
READ = {
    "checkout.session.completed": (
        say.session,
        ["id", "mode", "payment_status", "created", "currency", "amount_total", "payment_intent",
         "invoice", "subscription", "customer", "metadata", "total_details", "customer_details",
         "client_reference_id", "discounts"],
    ),
    "invoice.paid": (
        say.invoice,
        ["id", "currency", "amount_paid", "total", "amount_shipping", "customer", "metadata",
         "customer_email", "billing_reason", "total_discount_amounts", "parent", "payments",
         "status_transitions", "total_taxes", "subscription", "discounts", "customer_address"],
    ),
    "charge.refunded": (
        say.charge, ["id", "currency", "captured", "amount_refunded", "payment_intent", "refunds"]
    ),
    "refund.created": (
        say.refund,
        ["id", "currency", "amount", "charge", "payment_intent", "status", "created", "reason"],
    ),
    "charge.dispute.created": (
        say.dispute, ["id", "currency", "amount", "charge", "payment_intent", "status", "created"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_any_field_of_another_type_is_read_or_refused_and_never_crashes(kind: str) -> None:
    make, fields = READ[kind]
    for field in fields:
        for value in WRONG:
            with contextlib.suppress(UnreadableError):
                facts_of(kind, make(**{field: value}))


@pytest.mark.parametrize("said", [None, [], "x", 7, {}, {"id": "evt_1"}, {"id": 7, "type": "x"}])
def test_what_is_not_an_event_is_refused(said: Any) -> None:
    with pytest.raises(UnreadableError):
        stripe.envelope(said)
