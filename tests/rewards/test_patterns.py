"""What many orders say together holds what is pending, with evidence, until a person decides."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorKind
from core import clock
from core.db import db
from core.emails import digest
from integrations import facts
from referrals.models import Attribution, Click, ClickKind, Link, Purchase, Suspicion
from rewards import intake, jobs, ledger, patterns, payout_details, verify, wording
from rewards.models import Account, Entry, EntryKind, PayoutMethod
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    sign_in,
)  # fmt: skip

_numbers = itertools.count(1)


def zoe(**overrides: Any) -> int:
    """Make Zoé an ambassador with a code and a link, and return her number."""
    owner = make_ambassador(member=make_member(name="Zoé"), **overrides)
    code = make_code("ZOE10", ambassador_id=owner.id)
    db.session.add(
        Link(
            slug="zoe", campaign_id=code.campaign_id, ambassador_id=owner.id,
            destination="https://shop.example", created_at=clock.now(),
        )
    )  # fmt: skip
    db.session.flush()
    return owner.id


def buys(*instants: datetime, **overrides: Any) -> list[int]:
    """Take an order with Zoé's code at each instant."""
    told = [
        purchase_fact(**{"codes": ("ZOE10",), "occurred_at": at} | overrides) for at in instants
    ]
    return [must(one.purchase_id) for one in intake.take_purchases(told)]


def every(minutes: int, times: int, *, since: datetime = NOW) -> list[datetime]:
    """Return instants in equal steps."""
    return [since + timedelta(minutes=minutes * n) for n in range(times)]


def click(address: str | None, at: datetime = NOW) -> str:
    """Add a visit to Zoé's link and return its token."""
    token = f"t-{next(_numbers)}"
    link_id = db.session.scalars(sa.select(Link.id)).one()
    db.session.add(
        Click(
            token=token, link_id=link_id, clicked_at=at, kind=ClickKind.VISIT, has_consent=True,
            is_paid_traffic=False, ip_hash=address,
        )
    )  # fmt: skip
    db.session.flush()
    return token


def held() -> dict[int, str]:
    """Return what holds each purchase that is held."""
    query = sa.select(Attribution.purchase_id, Attribution.suspicion)
    rows = db.session.execute(query.where(Attribution.suspicion.is_not(None)))
    return {row.purchase_id: row.suspicion for row in rows}


def evidence() -> list[dict[str, Any]]:
    return list(db.session.scalars(sa.select(Suspicion.evidence).order_by(Suspicion.purchase_id)))


def owed(owner_id: int) -> tuple[int, int, int]:
    """Return what is pending, held and payable."""
    of = ledger.balances(owner_id)["EUR"]
    return of.get(Account.PENDING, 0), of.get(Account.HELD, 0), of.get(Account.PAYABLE, 0)


def test_an_hour_is_full_at_both_of_its_ends_and_the_fullest_one_counts() -> None:
    times = every(30, 4)  # 0:00, 0:30, 1:00, 1:30
    assert patterns.bursts(times, 3) == [(0, 3), (0, 3), (0, 3), (1, 4)]
    assert patterns.bursts(times, 4) == [None] * 4
    assert patterns.bursts([*times, times[-1]], 3)[2:] == [(1, 5)] * 3
    assert patterns.bursts([], 3) == []


def test_many_orders_within_an_hour_are_held_and_the_others_are_not(app: Flask) -> None:
    program.set_rules({"velocity_orders": "4"})
    owner_id = zoe()
    calm = buys(*every(25, 3, since=NOW - timedelta(hours=6)))
    burst = buys(*every(10, 5))
    assert jobs.look_for_suspicions() == 5
    assert held() == dict.fromkeys(burst, "velocity")
    assert not set(calm) & set(held())
    assert owed(owner_id) == (3_000, 5_000, 0)
    assert evidence() == [{"count": 5, "since": int(NOW.timestamp())}] * 5
    kinds = db.session.scalars(sa.select(Entry.kind).where(Entry.kind == EntryKind.HOLD)).all()
    assert len(kinds) == 5
    assert verify.breaches() == []


def test_looking_twice_finds_and_posts_nothing_more(app: Flask) -> None:
    program.set_rules({"velocity_orders": "3"})
    owner_id = zoe()
    buys(*every(1, 3))
    jobs.look_for_suspicions()
    entries = db.session.scalar(sa.select(sa.func.count()).select_from(Entry))
    assert jobs.look_for_suspicions() == 0
    intake.decide_again(held())
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Entry)) == entries
    with clock.frozen(NOW + timedelta(days=40)):
        jobs.release_holds()
    assert owed(owner_id) == (0, 3_000, 0), "what is held does not become payable by itself"


def test_a_decision_ends_the_hold_and_the_same_signal_does_not_hold_it_again(app: Flask) -> None:
    program.set_rules({"velocity_orders": "3"})
    owner_id = zoe()
    first, *_ = buys(*every(1, 3))
    jobs.look_for_suspicions()
    intake.override(first, owner_id, reason="She told her choir.")
    assert owed(owner_id) == (1_000, 2_000, 0)
    (late,) = buys(NOW + timedelta(minutes=4))
    assert jobs.look_for_suspicions() == 1
    assert late in held()
    assert first not in held()
    intake.decide_again([first])
    assert owed(owner_id) == (1_000, 3_000, 0)
    assert len(evidence()) == 4, "the evidence stays after the decision"
    assert verify.breaches() == []


@pytest.mark.parametrize("reason", ["off", "partner", "renewals"])
def test_what_is_no_velocity(app: Flask, reason: str) -> None:
    program.set_rules({"velocity_orders": "0" if reason == "off" else "3"})
    kind = AmbassadorKind.PARTNER if reason == "partner" else AmbassadorKind.CUSTOMER
    owner_id = zoe(kind=kind)
    for n in range(4):
        if reason == "renewals":
            buys(NOW - timedelta(days=n + 1), subscription=f"s{n}")
        buys(NOW, subscription=f"s{n}")
    assert jobs.look_for_suspicions() == 0
    assert owed(owner_id)[1] == 0


def test_what_is_payable_already_stays(app: Flask) -> None:
    program.set_rules({"velocity_orders": "3"})
    owner_id = zoe()
    buys(*every(1, 3, since=NOW - timedelta(days=31)))
    assert jobs.look_for_suspicions() == 0
    assert owed(owner_id) == (0, 0, 3_000)


def test_a_refund_of_a_held_order_takes_back_what_is_held(app: Flask) -> None:
    program.set_rules({"velocity_orders": "3"})
    owner_id = zoe()
    first, *_ = buys(*every(1, 3))
    jobs.look_for_suspicions()
    told = db.session.get_one(Purchase, first)
    refund = {
        "source": "api", "external_id": "r", "order_source": told.source, "amount": 10_000,
        "order_external_id": told.external_id, "occurred_at": NOW,
    }  # fmt: skip
    intake.take_refunds([facts.Refund(**refund)])  # type: ignore[arg-type]
    assert owed(owner_id) == (0, 2_000, 0)
    intake.take_refunds([facts.Refund(**refund, state="failed")])  # type: ignore[arg-type]
    assert owed(owner_id) == (0, 3_000, 0), "it comes back to where a person has to decide"
    assert verify.breaches() == []


def test_many_customers_behind_one_address_are_held(app: Flask) -> None:
    program.set_rules({"shared_ip_customers": "3"})
    owner_id = zoe()
    home, other = "a" * 64, "b" * 64
    far = buys(NOW + timedelta(hours=9), click_token=click(other), codes=())
    first = [
        *buys(NOW + timedelta(hours=2), click_token=click(home), codes=()),
        *buys(NOW + timedelta(hours=4), click_token=click(home)),
        *buys(NOW + timedelta(hours=6), click_token=f"gone {click(home)}", codes=()),
    ]
    assert jobs.look_for_suspicions() == 3
    assert held() == dict.fromkeys(first, "shared_ip")
    assert not set(far) & set(held())
    since = int((NOW + timedelta(hours=2)).timestamp())
    assert evidence() == [{"count": 3, "orders": 3, "since": since}] * 3
    assert owed(owner_id) == (1_000, 3_000, 0)
    assert verify.breaches() == []


def test_one_customer_who_buys_often_at_home_is_not_held(app: Flask) -> None:
    program.set_rules({"shared_ip_customers": "3"})
    zoe()
    for n in range(6):
        buys(NOW + timedelta(days=n), click_token=click("a" * 64), email="ana@example.com")
    for n in range(6):
        buys(NOW + timedelta(days=n), click_token=click(None))
    assert jobs.look_for_suspicions() == 0


def year_of_visits(*, without: int, of: int) -> None:
    """Add past orders with Zoé's code, some of them without a visit before."""
    start = NOW - timedelta(days=100)
    for n in range(of):
        at = start + timedelta(days=n)
        buys(at, click_token=None if n < without else click(None, at))


def test_a_code_that_loses_its_clicks_is_held(app: Flask) -> None:
    owner_id = zoe()
    year_of_visits(without=3, of=40)
    with_click = buys(NOW - timedelta(days=1), click_token=click(None, NOW - timedelta(days=1)))
    bare = buys(*every(-60 * 11, 8, since=NOW - timedelta(hours=1)))
    assert jobs.look_for_suspicions() == 8
    assert held() == dict.fromkeys(bare, "no_click")
    assert not set(with_click) & set(held())
    (seen, *_) = evidence()
    since = int((NOW - timedelta(days=7)).timestamp())
    assert seen == {"recent": 9, "without": 8, "past": 40, "past_without": 3, "since": since}
    assert owed(owner_id)[1] == 8_000
    assert verify.breaches() == []


@pytest.mark.parametrize(
    ("without", "of", "lately"),
    [(40, 40, 20), (20, 40, 8), (0, 29, 20), (3, 40, 4)],
    ids=["never a click", "half of them", "too short a past", "too few lately"],
)
def test_no_verdict_without_a_change_or_without_data(
    app: Flask, without: int, of: int, lately: int
) -> None:
    zoe()
    year_of_visits(without=without, of=of)
    buys(*every(-60 * 7, lately, since=NOW - timedelta(hours=1)))
    assert jobs.look_for_suspicions() == 0


def test_the_chance_is_a_probability_and_falls_with_what_is_seen() -> None:
    assert patterns.chance_of(5, 0, 30, 2) == pytest.approx(1)
    assert patterns.chance_of(1, 1, 30, 2) == pytest.approx(3 / 32)  # Laplace's rule of succession
    falling = [patterns.chance_of(10, seen, 40, 3) for seen in range(11)]
    assert falling == sorted(falling, reverse=True)


def test_staff_read_the_evidence_in_both_languages(app: Flask, client: FlaskClient) -> None:
    program.set_rules({"velocity_orders": "3", "timezone": "UTC"})
    sign_in(client, make_user())
    owner_id = zoe()
    first, *_ = buys(*every(1, 3))
    db.session.commit()
    jobs.look_for_suspicions()
    told = db.session.get_one(Purchase, first)
    path = f"/console/purchases/{told.source}/{told.external_id}"
    english = "3 purchases came through this ambassador within one hour"
    french = "3 achats sont venus par cet ambassadeur en une heure"
    for page in ("/console", "/console/purchases?narrow=held", path):
        joined = "&" if "?" in page else "?"
        assert english in client.get(f"{page}{joined}lang=en").text, page
        assert french in client.get(f"{page}{joined}lang=fr").text, page
    assert "Put on hold" in client.get(f"{path}?lang=en").text
    intake.override(first, owner_id, reason="She told her choir.")
    page = client.get(f"{path}?lang=en").text
    assert "What was looked at" in page
    assert "On hold" not in page


ALI = "ali@example.com"
IBAN, OTHER_IBAN = "CH9300762011623852957", "FR7630006000011234567890189"


def paid_to(ambassador: Ambassador, number: str) -> None:
    """Write where an ambassador is paid, as if there were something to pay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payout_details, "is_needed", lambda _id: True)
        payout_details.change(ambassador, PayoutMethod.BANK, holder="A B", number=number)


@pytest.mark.parametrize(("number", "is_held"), [(IBAN, True), (OTHER_IBAN, False)])
def test_a_buyer_who_is_paid_to_the_same_account_is_held(
    app: Flask, number: str, *, is_held: bool
) -> None:
    owner = db.session.get_one(Ambassador, zoe())
    friend = make_ambassador(
        member=make_member(
            name="Ali", email="ali@example.com", email_hash=digest("ali@example.com")
        )
    )
    bought = buys(NOW, email=ALI)
    jobs.link_members()
    assert jobs.look_for_suspicions() == 0
    paid_to(owner, IBAN)
    paid_to(friend, number)
    assert jobs.look_for_suspicions() == int(is_held)
    assert jobs.look_for_suspicions() == 0
    assert held() == (dict.fromkeys(bought, "account") if is_held else {})
    if is_held:
        (seen,) = evidence()
        assert seen["buyer"] == friend.id
        said = wording.suspicions("account", {"account": seen})
        assert said == ["Who bought is an ambassador too, and is paid to the same account."]


def test_a_buyer_with_the_address_the_ambassador_signs_in_with_is_held(app: Flask) -> None:
    user = make_user("ambassador", email="zoe.private@example.com")
    owner_id = zoe(user_id=user.id)
    own = buys(NOW, email="Zoe.Private+shop@example.com")
    buys(NOW, email="friend@example.com")
    assert jobs.look_for_suspicions() == 1
    assert held() == dict.fromkeys(own, "account")
    assert owed(owner_id) == (1_000, 1_000, 0)
    said = wording.suspicions("account", {"account": evidence()[0]})
    assert said == ["It was bought with the e-mail address that this ambassador signs in with."]
