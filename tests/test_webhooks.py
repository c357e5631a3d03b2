"""What comes in is stored once, takes effect once, and is never lost."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import webhooks
from accounts import jobs as accounts_jobs
from accounts.models import AuditLine
from core import clock
from core.db import db, is_sqlite
from integrations import inbox
from integrations.inbox import Delivery, DeliveryState
from referrals.models import OrderAlias, Purchase, Refund, RefundState
from rewards import intake, shop_events
from rewards.models import Account, Commission, Posting
from tests import stripe_events as say
from tests.core.test_strict_json import HOSTILE
from tests.factories import make_code, make_user, purchase_fact, sign_in

Said = dict[str, Any]
HOSTILE_BODIES = HOSTILE | {
    "a list": b"[]",
    "a text": b'"evt_1"',
    "a number": b"7",
    "null": b"null",
    "an empty object": b"{}",
    "no id": b'{"type": "invoice.paid", "created": 1}',
    "no kind": b'{"id": "evt_1", "created": 1}',
    "no time": b'{"id": "evt_1", "type": "invoice.paid"}',
    "id is a number": b'{"id": 1, "type": "invoice.paid", "created": 1}',
    "id is long": b'{"id": "' + b"e" * 201 + b'", "type": "invoice.paid", "created": 1}',
    "kind is a list": b'{"id": "evt_1", "type": [], "created": 1}',
    "kind is long": b'{"id": "evt_1", "type": "' + b"x" * 101 + b'", "created": 1}',
    "time is a text": b'{"id": "evt_1", "type": "x", "created": "now"}',
    "time is beyond 2200": b'{"id": "evt_1", "type": "x", "created": 99999999999}',
    "livemode is a text": b'{"id": "evt_1", "type": "x", "created": 1, "livemode": "no"}',
    "data is a list": b'{"id": "evt_1", "type": "x", "created": 1, "data": [1]}',
    "object is a text": b'{"id": "evt_1", "type": "x", "created": 1, "data": {"object": "x"}}',
    "another kind of thing": b'{"id": "x", "object": "charge", "type": "x", "created": 1}',
}


@pytest.fixture(autouse=True)
def code(app: Flask) -> None:
    make_code("ZOE10")
    db.session.commit()


def deliveries() -> list[Delivery]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Delivery).order_by(Delivery.id)))


def purchases() -> list[Purchase]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Purchase).order_by(Purchase.id)))


def owed() -> int:
    """Return what ambassadors have earned and not lost again."""
    db.session.rollback()
    query = sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0)).where(
        Posting.account != Account.EXPENSE
    )
    return -int(db.session.scalar(query) or 0)


def settled() -> tuple[list[tuple[int, int, list[str]]], int, int]:
    """Return what any order of the same events has to come to."""
    bought = [(one.total, one.refunded, sorted(one.codes)) for one in purchases()]
    live = sum(
        refund.amount
        for refund in db.session.scalars(sa.select(Refund))
        if refund.state is RefundState.APPLIED
    )
    return bought, live, owed()


def tell(client: FlaskClient, events: Sequence[Said]) -> None:
    for said in events:
        assert say.deliver(client, said).status_code == 200
    failed = [one.note for one in deliveries() if one.state is DeliveryState.FAILED]
    assert not failed


def checkout(**overrides: Any) -> Said:
    return say.event("checkout.session.completed", say.session(**overrides))


def test_a_checkout_becomes_a_purchase_credited_to_the_code(client: FlaskClient) -> None:
    tell(client, [checkout()])
    (bought,) = purchases()
    assert (bought.source, bought.external_id, bought.total) == ("stripe", "pi_1", 9000)
    assert db.session.scalar(sa.select(Commission.amount)) == 900
    (stored,) = deliveries()
    assert (stored.state, stored.attempts) == (DeliveryState.PROCESSED, 1)
    assert json.loads(stored.body or b"")["id"] == stored.event_id


def test_a_promotion_code_is_found_by_stripes_id(client: FlaskClient) -> None:
    make_code("BEA10", stripe_promotion_code="promo_1")
    tell(
        client,
        [checkout(client_reference_id=None, discounts=[{"promotion_code": "promo_1"}])],
    )
    assert owed() == 900


def test_the_same_event_again_changes_nothing(client: FlaskClient) -> None:
    said = checkout()
    first, second = say.deliver(client, said), say.deliver(client, said)
    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json, second.json) == (
        {"received": True, "duplicate": False},
        {"received": True, "duplicate": True},
    )
    assert len(deliveries()) == len(purchases()) == 1
    assert owed() == 900


def test_one_order_is_one_purchase_however_many_events_tell_it(client: FlaskClient) -> None:
    tell(
        client,
        [
            say.event("charge.succeeded", say.charge()),
            say.event("invoice.paid", say.invoice(amount_paid=9000, total=9000)),
            checkout(invoice="in_1"),
            say.event("checkout.session.async_payment_succeeded", say.session(invoice="in_1")),
            say.event("payment_intent.succeeded", {"id": "pi_1", "latest_charge": "ch_1"}),
        ],
    )
    (bought,) = purchases()
    assert bought.external_id == "in_1"
    assert owed() == 900
    aliases = db.session.execute(sa.select(OrderAlias.alias, OrderAlias.external_id)).all()
    assert {alias for alias, _ in aliases} == {"pi_1", "in_1", "cs_1", "ch_1"}
    assert {leads_to for _, leads_to in aliases} == {"in_1"}


REFUND_STORIES: dict[str, list[Said]] = {
    "a full refund told twice": [
        say.event("charge.refunded", say.charge(amount_refunded=9000)),
        say.event("refund.created", say.refund(9000)),
    ],
    "two refunds, each told twice": [
        say.event("refund.created", say.refund(2000, created=say.NOW)),
        say.event("charge.refunded", say.charge(amount_refunded=2000), created=say.NOW + 1),
        say.event("refund.created", say.refund(3000, id="re_2", created=say.NOW + 50)),
        say.event("charge.refunded", say.charge(amount_refunded=5000), created=say.NOW + 51),
    ],
    "two refunds told by totals only": [
        say.event("charge.refunded", say.charge(amount_refunded=2000), created=say.NOW),
        say.event("charge.refunded", say.charge(amount_refunded=5000), created=say.NOW + 50),
    ],
    "one refund told by id, one by the total only": [
        say.event("refund.created", say.refund(2000)),
        say.event("charge.refunded", say.charge(amount_refunded=5000), created=say.NOW + 50),
    ],
    "a refund told again beside a total that holds more": [
        say.event("refund.created", say.refund(2000)),
        say.event("charge.refunded", say.charge(amount_refunded=5000), created=say.NOW + 50),
        say.event("refund.updated", say.refund(2000), created=say.NOW + 90),
    ],
    "a refund after the total, told by id only": [
        say.event("charge.refunded", say.charge(amount_refunded=2000), created=say.NOW),
        say.event("refund.created", say.refund(3000, id="re_2", created=say.NOW + 50)),
    ],
    "a refund that failed": [
        say.event("refund.created", say.refund(9000, status="pending")),
        say.event("charge.refunded", say.charge(amount_refunded=9000), created=say.NOW + 1),
        say.event("refund.failed", say.refund(9000, status="failed"), created=say.NOW + 90),
    ],
    "a dispute that was lost": [
        say.event("charge.dispute.created", say.dispute(payment_intent=None)),
        say.event("charge.dispute.funds_withdrawn", say.dispute(payment_intent=None)),
        say.event("charge.dispute.closed", say.dispute(payment_intent=None, status="lost")),
        say.event("charge.succeeded", say.charge()),
    ],
    "a dispute that was won": [
        say.event("charge.dispute.created", say.dispute()),
        say.event("charge.dispute.funds_reinstated", say.dispute(status="won")),
        say.event("charge.dispute.closed", say.dispute(status="won")),
    ],
    "an inquiry": [
        say.event("charge.dispute.created", say.dispute(status="warning_needs_response")),
        say.event("charge.dispute.closed", say.dispute(status="warning_closed")),
    ],
}
GONE = dict(zip(REFUND_STORIES, [9000, 5000, 5000, 5000, 5000, 5000, 0, 9000, 0, 0], strict=True))


def orders_of(story: str) -> Iterator[tuple[Said, ...]]:
    """Return every order of a story's events, or a spread of 12 where there are more."""
    every = list(itertools.permutations([checkout(), *REFUND_STORIES[story]]))
    return iter(every[:: max(1, len(every) // 12)])


@pytest.mark.parametrize("story", REFUND_STORIES)
def test_events_in_any_order_come_to_the_same(app: Flask, client: FlaskClient, story: str) -> None:
    gone = GONE[story]
    expected = ([(9000, gone, ["ZOE10"])], gone, 900 - gone // 10)
    for number, events in enumerate(orders_of(story)):
        told = json.loads(
            json.dumps(events)
            .replace("evt_", f"evt_{number}_")
            .replace('_1"', f'_1_{number}"')
            .replace('_2"', f'_2_{number}"')
        )
        before = owed()
        tell(client, told)
        bought, live, _ = settled()
        assert bought[number : number + 1] == expected[0], [one["type"] for one in told]
        assert live == gone * (number + 1), [one["type"] for one in told]
        assert owed() - before == expected[2], [one["type"] for one in told]


def test_a_refund_before_its_order_is_parked_and_applied_when_it_comes(
    client: FlaskClient,
) -> None:
    tell(client, [say.event("refund.created", say.refund(3000))])
    assert db.session.scalar(sa.select(Refund.state)) is RefundState.PARKED
    tell(client, [checkout()])
    assert settled() == ([(9000, 3000, ["ZOE10"])], 3000, 600)


def test_a_total_older_than_the_latest_says_nothing_new(client: FlaskClient) -> None:
    later = say.event("charge.refunded", say.charge(amount_refunded=3000), created=say.NOW + 50)
    older = say.event("charge.refunded", say.charge(amount_refunded=4000), created=say.NOW)
    tell(client, [checkout(), later, older])  # 1,000 of the 4,000 had come back in between
    assert settled() == ([(9000, 3000, ["ZOE10"])], 3000, 600)


def test_the_inbox_page_shows_what_failed_and_replays_it(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(shop_events, "take", lambda told: 1 / 0)
        say.deliver(client, checkout())
    (kept,) = deliveries()
    sign_in(client, make_user("admin"))
    page = client.get("/console/inbox?state=failed")
    assert kept.event_id in page.text
    assert "ZeroDivisionError" in page.text
    assert client.post(f"/console/inbox/{kept.id}/replay").status_code == 302
    assert owed() == 900
    assert client.post("/console/inbox/999/replay").status_code == 404
    assert "Nothing here" in client.get("/console/inbox?state=failed&lang=en").text


def test_bodies_of_old_deliveries_are_forgotten_unless_their_effect_waits(
    client: FlaskClient,
) -> None:
    say.deliver(client, checkout())
    stored = inbox.store("stripe", "evt_waits", "invoice.paid", b"{}")
    db.session.commit()
    assert accounts_jobs.sweep() == 0
    clock.set_now(clock.now() + inbox.BODY_KEPT + timedelta(seconds=1))
    assert accounts_jobs.sweep() == 1
    assert [one.id for one in deliveries() if one.body is not None] == [stored]


def test_an_order_that_waited_for_its_payment_comes_with_the_payment(client: FlaskClient) -> None:
    tell(client, [checkout(payment_status="unpaid")])
    assert purchases() == []
    tell(client, [say.event("checkout.session.async_payment_succeeded", say.session())])
    assert owed() == 900


def test_a_file_that_calls_a_known_order_by_another_name_does_not_double_it(
    client: FlaskClient,
) -> None:
    renewal = say.invoice(metadata={"code": "ZOE10"})
    paid = {"id": "inpay_1", "invoice": "in_1", "payment": {"payment_intent": "pi_1"}}
    tell(client, [say.event("invoice_payment.paid", paid), say.event("invoice.paid", renewal)])
    line = purchase_fact(source="stripe", external_id="pi_1", total=2900)
    (outcome,) = intake.take_purchases([line], on_other_facts="keep")
    db.session.commit()
    assert outcome.state == "unchanged"
    assert [one.total for one in purchases()] == [2900]


def at_once(app: Flask, bodies: Sequence[Said]) -> list[int]:
    """Deliver events at the same instant, each on a connection of its own."""
    db.session.commit()
    start = threading.Barrier(len(bodies))
    statuses: list[int] = []

    def post(said: Said) -> None:
        start.wait()
        statuses.append(say.deliver(FlaskClient(app), said).status_code)

    threads = [threading.Thread(target=post, args=(said,)) for said in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def make_up() -> None:
    """Let the clock apply what had to wait for another."""
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        webhooks.apply_waiting()
    db.session.rollback()


def test_one_event_delivered_eight_times_at_once_has_one_effect(app: Flask) -> None:
    assert at_once(app, [checkout()] * 8) == [200] * 8
    make_up()
    assert len(deliveries()) == len(purchases()) == 1
    assert owed() == 900


@pytest.mark.parametrize("turn", range(3))
def test_events_of_one_order_told_at_once_in_different_names_are_one_order(
    app: Flask, turn: int
) -> None:
    events = [
        checkout(invoice="in_1"),
        say.event("invoice.paid", say.invoice(amount_paid=9000, total=9000)),
        say.event("charge.succeeded", say.charge()),
        say.event("charge.refunded", say.charge(amount_refunded=5000), created=say.NOW + 1),
        say.event("refund.created", say.refund(5000)),
    ]
    assert at_once(app, events) == [200] * 5
    make_up()
    assert settled() == ([(9000, 5000, ["ZOE10"])], 5000, 400)


def test_kinds_that_are_not_ours_are_stored_as_ignored(client: FlaskClient) -> None:
    assert say.deliver(client, say.event("customer.created", {"id": "cus_1"})).status_code == 200
    assert [one.state for one in deliveries()] == [DeliveryState.IGNORED]


@pytest.mark.parametrize(
    ("mode", "state", "count"),
    [("production", DeliveryState.IGNORED, 0), ("test", DeliveryState.PROCESSED, 1)],
)
def test_test_mode_counts_everywhere_but_in_production(
    app: Flask,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    state: DeliveryState,
    count: int,
) -> None:
    settings = dataclasses.replace(app.extensions["settings"], mode=mode)
    monkeypatch.setitem(app.extensions, "settings", settings)
    say.deliver(client, {**checkout(), "livemode": False})
    assert [one.state for one in deliveries()] == [state]
    assert len(purchases()) == count


def test_nothing_is_written_before_the_signature_holds(client: FlaskClient) -> None:
    body = json.dumps(checkout()).encode()
    for header in (
        say.signature(body, secret="whsec_other"),
        say.signature(body + b" "),
        say.signature(body, at=say.NOW - 301),
        say.signature(body, at=say.NOW + 301),
        "t=1,v1=é",
        "",
    ):
        answer = say.deliver(client, body, **{"Stripe-Signature": header})
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
    assert client.post("/webhooks/stripe", data=body).status_code == 401
    assert deliveries() == []


def test_refused_signatures_are_counted(client: FlaskClient) -> None:
    def refused() -> float:
        lines = client.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith("cercle_webhooks_refused_total{")]
        return float(found[0].split()[-1]) if found else 0

    before = refused()
    say.deliver(client, checkout(), **{"Stripe-Signature": "t=1,v1=0"})
    assert refused() == before + 1


def test_without_a_secret_the_door_is_shut_and_says_so(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(app.extensions["settings"], stripe_webhook_secrets=("",))
    monkeypatch.setitem(app.extensions, "settings", settings)
    body = b"{}"
    forged = say.signature(body, secret="")
    answer = say.deliver(client, body, **{"Stripe-Signature": forged})
    assert answer.status_code == 503
    assert "STRIPE_WEBHOOK_SECRETS" in answer.text


def test_the_door_needs_no_form_token(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert say.deliver(client, checkout()).status_code == 200
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_every_shared_vector_is_answered_as_it_says(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    settings = dataclasses.replace(
        app.extensions["settings"], stripe_webhook_secrets=("whsec_fixture_0001",)
    )
    monkeypatch.setitem(app.extensions, "settings", settings)
    make_code("AMB007")
    folder = shared_data / "webhooks"
    vectors = json.loads((folder / "signature_vectors.json").read_text())
    for vector in (v for v in vectors if v["provider"] == "stripe"):
        header = vector["headers"]["Stripe-Signature"]
        seconds = 1_760_003_601 if "replayed" in vector["note"] else int(header[2:12])
        with clock.frozen(clock.parse_instant("1970-01-01T00:00:00Z") + timedelta(seconds=seconds)):
            answer = say.deliver(
                client, (folder / vector["body_file"]).read_bytes(), **{"Stripe-Signature": header}
            )
        assert answer.status_code == (200 if vector["valid"] else 401), vector["note"]
    assert [one.note for one in deliveries() if one.state is DeliveryState.FAILED] == []
    order, renewal = purchases()
    assert (order.total, order.refunded, order.codes[0]) == (9000, 9000, "AMB007")
    assert (renewal.total, renewal.currency) == (2900, "USD")
    assert owed() == 0


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_a_signed_body_that_cannot_be_read_is_refused_and_leaves_nothing(
    client: FlaskClient, body: bytes
) -> None:
    answer = say.deliver(client, body)
    assert 400 <= answer.status_code < 500
    assert answer.mimetype == "application/problem+json"
    assert deliveries() == []


def test_bodies_over_two_megabytes_are_refused(client: FlaskClient) -> None:
    assert say.deliver(client, b" " * (2 * 1024 * 1024 + 1)).status_code == 413
    packed = gzip.compress(b"0" * 50_000_000)
    assert say.deliver(client, packed, **{"Content-Encoding": "gzip"}).status_code == 400
    assert deliveries() == []


ODD_FIELDS = {
    "total is a text": {"amount_total": "9000"},
    "total is a fraction": {"amount_total": 90.5},
    "total is true": {"amount_total": True},
    "total is missing": {"amount_total": None},
    "total is below zero": {"amount_total": -1},
    "total is huge": {"amount_total": 10**40},
    "currency is unknown": {"currency": "zzz"},
    "currency is a list": {"currency": ["eur"]},
    "currency is long": {"currency": "eur" * 1000},
    "created is huge": {"created": 10**14},
    "created is a text": {"created": "now"},
    "payment is a list": {"payment_intent": ["pi_1"]},
    "payment is long": {"payment_intent": "p" * 5001},
    "payment has a line break": {"payment_intent": "pi\n1"},
    "session is a number": {"id": 7},
    "details are a list": {"customer_details": []},
    "address is a text": {"customer_details": {"address": "Paris"}},
    "discounts are an object": {"discounts": {"promotion_code": "x"}},
    "promotion is a number": {"discounts": [{"promotion_code": 7}]},
    "metadata is a text": {"metadata": "ZOE10"},
    "metadata holds a list": {"metadata": {"code": ["ZOE10"]}},
    "tax is more than the total": {"total_details": {"amount_tax": 9001}},
}


@pytest.mark.parametrize("about", ODD_FIELDS.values(), ids=ODD_FIELDS.keys())
def test_an_event_with_a_wrong_field_is_kept_as_failed(client: FlaskClient, about: Said) -> None:
    assert say.deliver(client, checkout(**about)).status_code == 200
    (kept,) = deliveries()
    assert (kept.state, kept.attempts) == (DeliveryState.FAILED, 1)
    assert kept.note
    assert purchases() == []


HARMLESS = {
    "address misspelt": {"customer_details": {"email": "no address"}},
    "country misspelt": {"customer_details": {"address": {"country": "France"}}},
    "reference long": {"client_reference_id": "x" * 200},
    "reference in Arabic": {"client_reference_id": "رمز"},
    "fields we do not know": {"brand_new": {"deep": [1]}, "wallet_options": None},
    "garbage shipping cost": {"shipping_cost": {"amount_total": 10**30}},
}


@pytest.mark.parametrize("about", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_we_can_do_without_costs_no_order(client: FlaskClient, about: Said) -> None:
    tell(client, [checkout(**about)])
    assert [one.total for one in purchases()] == [9000]


def test_a_delivery_survives_the_crash_of_its_effect_and_can_be_replayed(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(told: object) -> None:
        db.session.execute(sa.insert(OrderAlias).values(source="x", alias="y", external_id="z"))
        raise RuntimeError("no more memory")

    with monkeypatch.context() as broken:
        broken.setattr(shop_events, "take", crash)
        assert say.deliver(client, checkout()).status_code == 200
    (kept,) = deliveries()
    assert kept.state is DeliveryState.FAILED
    assert kept.note == "RuntimeError, on our side; see the log."
    assert db.session.scalar(sa.select(OrderAlias.alias)) is None  # nothing half done
    runner = app.test_cli_runner()
    listed = runner.invoke(args=["inbox", "list", "--state", "failed"])
    assert kept.event_id in listed.output
    replayed = runner.invoke(args=["inbox", "replay", str(kept.id)])
    assert (replayed.exit_code, owed()) == (0, 900), replayed.output
    assert db.session.scalar(sa.select(AuditLine.act)) == "inbox.replay"
    again = runner.invoke(args=["inbox", "replay", str(kept.id)])
    assert (again.exit_code, owed(), len(purchases())) == (0, 900, 1)
    assert runner.invoke(args=["inbox", "replay", "999"]).exit_code == 1


def test_the_clock_makes_up_for_a_process_that_died_before_the_effect(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dead:
        dead.setattr(webhooks, "apply", lambda delivery_id: None)
        say.deliver(client, checkout())
    assert [one.state for one in deliveries()] == [DeliveryState.STORED]
    assert webhooks.apply_waiting() == 0  # it may still be at work
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert webhooks.apply_waiting() == 1
        assert webhooks.apply_waiting() == 0
    assert owed() == 900


class CrossedError(Exception):
    """What PostgreSQL says when a row came between reading and writing."""

    sqlstate = "23505"


@pytest.mark.parametrize(
    "error",
    [
        sa.exc.OperationalError("BEGIN", {}, Exception("database is locked")),
        sa.exc.IntegrityError("INSERT", {}, CrossedError()),
    ],
    ids=["locked", "crossed"],
)
def test_a_busy_database_leaves_the_effect_to_the_clock(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def busy(told: object) -> None:
        raise error

    with monkeypatch.context() as locked:
        locked.setattr(shop_events, "take", busy)
        assert say.deliver(client, checkout()).status_code == 200
    assert [one.state for one in deliveries()] == [DeliveryState.STORED]
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert webhooks.apply_waiting() == 1
    assert owed() == 900


def test_a_locked_database_is_answered_with_a_503_in_time(app: Flask, client: FlaskClient) -> None:
    db.session.commit()
    with db.engine.connect() as other:
        if is_sqlite():
            other.execute(sa.text("SELECT 1"))  # our hook begins the transaction for writing
        else:
            other.exec_driver_sql("LOCK TABLE inbox_delivery")
        began = time.monotonic()
        answer = say.deliver(client, checkout())
        took = time.monotonic() - began
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert took < 3.5
    assert deliveries() == []
