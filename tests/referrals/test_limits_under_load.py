"""Limits, budgets and counts per customer hold to the last one when many come at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask

from core.db import db
from referrals.models import Code, Refund
from rewards import jobs, ledger, verify
from rewards.models import Account, Commission
from tests.factories import make_campaign, make_code, make_key

CLIENTS = 50
ROUNDS = 20
BUSY, MOST_TRIES = 503, 30


def at_once(app: Flask, calls: list[tuple[str, dict[str, Any]]], key: dict[str, str]) -> list[Any]:
    """Send all calls at the same moment, each over a connection of its own; retry while busy."""
    db.session.commit()  # no lock of the test itself is in the way
    start = Barrier(len(calls))

    def send(call: tuple[str, dict[str, Any]]) -> Any:
        path, body = call
        with app.app_context():
            client = app.test_client()
            start.wait()
            for _ in range(MOST_TRIES):
                answer = client.post(path, json=body, headers=key)
                if answer.status_code != BUSY:
                    break
                assert "Retry-After" in answer.headers
            db.session.remove()
            return answer

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(send, calls))


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def order(number: object, **overrides: Any) -> dict[str, Any]:
    return {
        "external_id": f"order-{number}", "occurred_at": "2026-03-01T12:00:00Z",
        "currency": "EUR", "total": 10_000, "codes": ["ZOE10"],
    } | overrides  # fmt: skip


def redemption(number: object, **overrides: Any) -> dict[str, Any]:
    return {"order": f"order-{number}", "currency": "EUR", "subtotal": 10_000} | overrides


def test_fifty_clients_on_a_code_with_ten_uses_left_get_exactly_ten(app: Flask) -> None:
    key = make_key("codes")
    for number in range(ROUNDS):
        code = make_code(f"LAST-{number:02}", uses_limit=13, used=0)
        path = f"/api/v1/codes/last-{number:02}/redemptions"
        for i in range(3):
            body = redemption(f"{number}-before-{i}")
            assert app.test_client().post(path, json=body, headers=key).status_code == 201
        answers = at_once(app, [(path, redemption(f"{number}-{i}")) for i in range(CLIENTS)], key)
        assert statuses(answers) == {201: 10, 409: CLIENTS - 10}
        refused = {a.get_json()["type"] for a in answers if a.status_code == 409}
        assert refused == {"urn:cercle:problem:limit_reached"}
        db.session.expire_all()
        assert db.session.get_one(Code, code.id).used == 13
    assert verify.breaches() == []


def test_one_order_sent_fifty_times_at_once_takes_one_use(app: Flask) -> None:
    key = make_key("codes")
    code = make_code("ZOE10", uses_limit=1)
    db.session.commit()
    path = "/api/v1/codes/ZOE10/redemptions"
    answers = at_once(app, [(path, redemption(1))] * CLIENTS, key)
    assert statuses(answers) == {201: CLIENTS}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    db.session.expire_all()
    assert db.session.get_one(Code, code.id).used == 1


def test_one_customer_with_fifty_orders_gets_the_uses_of_one_customer(app: Flask) -> None:
    key = make_key("codes")
    make_code("ZOE10", uses_per_customer=3)
    db.session.commit()
    spellings = ["ana@gmail.com", "A.N.A@gmail.com", "ana+shop@googlemail.com", "Ana@Gmail.com"]
    path = "/api/v1/codes/ZOE10/redemptions"
    bodies = [redemption(i, customer={"email": spellings[i % 4]}) for i in range(CLIENTS)]
    answers = at_once(app, [(path, body) for body in bodies], key)
    assert statuses(answers) == {201: 3, 409: CLIENTS - 3}
    assert verify.breaches() == []


def test_fifty_purchases_at_once_never_pass_the_budget(app: Flask) -> None:
    key = make_key("purchases")
    campaign = make_campaign(budget=12_345)
    code = make_code("ZOE10", campaign_id=campaign.id)
    owner = code.ambassador_id or 0
    answers = at_once(app, [("/api/v1/purchases", order(i)) for i in range(CLIENTS)], key)
    assert statuses(answers) == {201: CLIENTS}
    db.session.expire_all()
    assert campaign.committed == 12_345
    assert sum(db.session.scalars(db.select(Commission.amount))) == 12_345
    assert ledger.balances(owner)["EUR"][Account.PENDING] == 12_345
    assert verify.breaches() == []


def test_fifty_purchases_at_once_on_a_limited_code_credit_as_many_as_the_limit(app: Flask) -> None:
    key = make_key("purchases")
    make_code("ZOE10", uses_limit=7)
    db.session.commit()
    answers = at_once(app, [("/api/v1/purchases", order(i)) for i in range(CLIENTS)], key)
    credits = Counter(one.get_json()["attribution"]["reason"] for one in answers)
    assert credits == {"code_used": 7, "none": CLIENTS - 7}
    assert verify.breaches() == []


def test_fifty_orders_of_one_new_customer_at_once_make_one_customer(app: Flask) -> None:
    key = make_key("purchases")
    make_code("ZOE10")
    db.session.commit()

    by_email, by_id = {"email": "ana@example.com"}, {"external_id": "7"}
    who = [by_email, by_id, by_email | by_id]
    calls = [("/api/v1/purchases", order(i, customer=who[i % 3])) for i in range(CLIENTS)]
    answers = at_once(app, calls, key)
    assert statuses(answers) == {201: CLIENTS}
    people = db.session.scalars(db.text("SELECT count(DISTINCT customer_id) FROM purchase")).one()
    firsts = db.session.scalars(db.text("SELECT count(first_purchase_id) FROM customer")).one()
    assert (people, firsts) == (1, 1)
    assert verify.breaches() == []


def test_one_purchase_sent_fifty_times_at_once_pays_once(app: Flask) -> None:
    key = make_key("purchases")
    code = make_code("ZOE10")
    owner = code.ambassador_id or 0
    answers = at_once(app, [("/api/v1/purchases", order(1))] * CLIENTS, key)
    assert statuses(answers) == {201: 1, 200: CLIENTS - 1}
    assert ledger.balances(owner)["EUR"][Account.PENDING] == 1_000


def test_refunds_at_once_never_give_back_more_than_was_charged(app: Flask) -> None:
    key = make_key("purchases")
    make_code("ZOE10")
    db.session.commit()
    app.test_client().post("/api/v1/purchases", json=order(1), headers=key)
    answers = at_once(app, [("/api/v1/refunds", refund(i, 3_000)) for i in range(20)], key)
    assert statuses(answers) == {201: 3, 422: 17}
    assert verify.breaches() == []


def test_the_same_refund_at_once_is_recorded_once_before_and_after_its_order(app: Flask) -> None:
    key = make_key("purchases")
    answers = at_once(app, [("/api/v1/refunds", refund(1, 3_000))] * 20, key)
    assert statuses(answers) == {202: 20}
    assert db.session.query(Refund).count() == 1
    app.test_client().post("/api/v1/purchases", json=order(1), headers=key)
    answers = at_once(app, [("/api/v1/refunds", refund(2, 3_000))] * 20, key)
    assert statuses(answers) == {201: 1, 200: 19}
    assert db.session.query(Refund).count() == 2
    assert verify.breaches() == []


def test_purchases_refunds_and_redemptions_that_cross_never_fail(app: Flask) -> None:
    """Deadlocks are found by the database and the work is done again."""
    key = make_key("purchases", "codes")
    for name in ("ZOE10", "ANA10"):
        make_code(name, uses_limit=500, uses_per_customer=500)
    db.session.commit()
    calls: list[tuple[str, dict[str, Any]]] = []
    for i in range(12):
        who = {"email": f"friend{i % 3}@example.com", "external_id": str(i % 2)}
        names = ["ZOE10", "ANA10"][:: 1 if i % 2 else -1]
        batch = [order(j, codes=names, customer=who) for j in (i, (i + 1) % 12, i + 100)]
        calls.append(("/api/v1/purchases/batch", {"purchases": batch[:: 1 if i % 2 else -1]}))
        calls.append(("/api/v1/refunds", refund(i, 1_000, of=i)))
        calls.append(("/api/v1/codes/ZOE10/redemptions", redemption(i, customer=who)))
    answers = at_once(app, calls, key)
    assert set(statuses(answers)) <= {200, 201, 202}
    jobs.apply_parked_refunds()
    assert verify.breaches() == []


def refund(number: int, amount: int, *, of: int = 1) -> dict[str, Any]:
    return {
        "external_id": f"refund-{number}", "purchase": {"external_id": f"order-{of}"},
        "amount": amount, "occurred_at": "2026-03-01T13:00:00Z",
    }  # fmt: skip
