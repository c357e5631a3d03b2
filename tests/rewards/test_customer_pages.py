"""The marketers' pages of customers: who bought, how they came, what they agreed to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import choices
from core import emails
from core.db import db
from integrations import facts
from referrals import purchases, survey
from referrals.models import Purchase
from referrals.models_survey import ToldBy
from rewards import erasure, intake
from tests import queries
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip

LIST = "/console/customers?lang=en"


@pytest.fixture
def marketer(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def _buy(email: str, *codes: str, **overrides: object) -> facts.Purchase:
    fact = purchase_fact(email=email, codes=codes, **overrides)
    intake.take_purchases([fact])
    db.session.commit()
    return fact


def _customer(fact: facts.Purchase) -> int:
    known: Purchase = must(purchases.find(fact.source, fact.external_id))
    return must(known.customer_id)


def _shown(marketer: FlaskClient, query: str, ids: dict[str, int]) -> set[str]:
    page = marketer.get(f"{LIST}&{query}").text
    return {name for name, id_ in ids.items() if f'/console/customers/{id_}"' in page}


def test_customers_are_found_by_address_order_shop_id_and_name(marketer: FlaskClient) -> None:
    make_code("ZOE15", ambassador_id=make_ambassador().id)
    lea = make_member(name="Léa Monnier", email="lea@example.com",
                      email_hash=emails.digest("lea@example.com"))  # fmt: skip
    ids = {
        "lea": _customer(_buy("lea@example.com", external_id="O-1")),
        "tom": _customer(_buy("tom@example.com", "ZOE15", customer_external_id="c-77")),
        "ida": _customer(_buy("ida@example.com")),
    }
    for query, shown in {
        "": {"lea", "tom", "ida"},
        "q=tom%2Bshop@example.com": {"tom"},
        "q=tom@example": set(),
        "q=O-1": {"lea"},
        "q=c-77": {"tom"},
        "q=monnier": {"lea"},
        "q=%25": set(),
        "q=%00": {"lea", "tom", "ida"},
        "narrow=members": {"lea"},
        "narrow=brought": {"tom"},
        "narrow=erased": set(),
    }.items():
        assert _shown(marketer, query, ids) == shown, query
    erasure.erase(lea)
    erasure.erase_address("ida@example.com")
    db.session.commit()
    assert _shown(marketer, "narrow=erased", ids) == {"lea", "ida"}


def test_a_page_tells_orders_first_credit_with_its_why_and_consents(marketer: FlaskClient) -> None:
    owner = make_ambassador(member=make_member(name="Zoé Martin"))
    make_code("ZOE15", ambassador_id=owner.id)
    member = make_member(name="Tom Weber", email="tom@example.com",
                         email_hash=emails.digest("tom@example.com"))  # fmt: skip
    first = _buy("tom@example.com", "ZOE15", accepts_mail=True, country="CH",
                 occurred_at=NOW - timedelta(days=9), customer_external_id="c-77")  # fmt: skip
    second = _buy("tom@example.com", total=4_000)
    intake.take_refunds([refund_fact(second, 1_000)])
    known: Purchase = must(purchases.find(first.source, first.external_id))
    survey.answer(known.id, "friend or family", ToldBy.API)
    choices.unsubscribe(member)
    db.session.commit()
    page = marketer.get(f"/console/customers/{_customer(first)}?lang=en").text
    for text in (
        first.external_id, second.external_id, "Zoé Martin", "ZOE15", "Tom Weber",
        "The code was entered at the checkout.", "friend or family", "may be written to",
        "unsubscribed from messages to members", "api:c-77", "EUR\xa010.00 refunded",
    ):  # fmt: skip
        assert text in page, text
    assert marketer.get("/console/customers/999999").status_code == 404


def test_an_erased_customer_is_shown_as_such_and_without_an_address(marketer: FlaskClient) -> None:
    fact = _buy("tom@example.com", accepts_mail=True)
    path = f"/console/customers/{_customer(fact)}?lang=en"
    assert "tom@example.com" in marketer.get(path).text
    erasure.erase_address("tom@example.com")
    db.session.commit()
    page = marketer.get(path).text
    assert "asked to be erased" in page
    assert "tom@example.com" not in page
    assert fact.external_id in page


def test_only_marketing_and_administration_see_customers(client: FlaskClient) -> None:
    path = f"/console/customers/{_customer(_buy('tom@example.com'))}"
    sign_in(client, make_user(RoleName.FINANCE))
    assert {client.get(one).status_code for one in (path, "/console/customers")} == {403}
    assert 'href="/console/customers' not in client.get("/console/purchases").text


def test_the_pages_ask_the_database_as_often_for_many(marketer: FlaskClient) -> None:
    make_code("ZOE15", ambassador_id=make_ambassador().id)
    address = {"email": "tom@example.com", "email_hash": emails.digest("tom@example.com")}
    make_ambassador(member=make_member(**address))
    others = [purchase_fact(email=f"c{n}@example.com", codes=("ZOE15",)) for n in range(55)]
    toms = [
        purchase_fact(email="tom@example.com", external_id=f"T-{n:02}", accepts_mail=True,
                      occurred_at=NOW - timedelta(minutes=n + 1))
        for n in range(55)
    ]  # fmt: skip
    intake.take_purchases([*others, *toms])
    db.session.commit()
    fact, last = others[0], toms[0]
    for path in ("/console/customers?lang=en", f"/console/customers/{_customer(last)}?lang=en"):
        with queries.counted() as seen:
            page = marketer.get(path).text
        assert len(seen) <= queries.MOST, path + "\n" + "\n".join(seen)
        assert "before=" in page
    before = page.split("before=")[1].split('"')[0].split("&")[0]
    more = marketer.get(f"/console/customers/{_customer(last)}?before={before}").text
    assert ">T-50</a>" in more
    assert ">T-49</a>" not in more
    assert fact.external_id not in more
