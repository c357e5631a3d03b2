"""Perks: stock, limits and balances hold to the last one, and a cancelled one is given back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador
from campaigns.models import Spend
from core import clock, outbox
from core.db import db
from core.errors import InvalidInputError
from core.money import POINTS
from core.outbox import MessageState, OutboxMessage
from referrals import codes
from referrals.models import Code, CodeStatus
from rewards import exchanges, intake, jobs_perks, perks, points, purse, verify, vouchers
from rewards.commissions import due, release
from rewards.models import Exchange, ExchangeState, OfferStatus, Perk, PerkKind, VoucherKind
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_user,
    must,
    purchase_fact,
    sign_in,
)  # fmt: skip
from tests.rewards.test_vouchers import CLIENTS, at_once, made


def make_perk(**overrides: Any) -> Perk:
    """Add a product for 100 points that costs 5.20."""
    terms: dict[str, Any] = {
        "kind": PerkKind.PRODUCT, "name_en": "A pot", "name_fr": "Un pot", "price": 100,
        "cost": 520,
    }  # fmt: skip
    return perks.create(perks.Terms(**terms | overrides))


def rich(count: int = 1_000) -> int:
    """Return the id of an ambassador with points."""
    who = make_ambassador().id
    points.grant(who, count, reason="for the test", key=f"rich:{who}")
    return who


def take(who: int, perk: Perk, key: str = "once", **overrides: Any) -> Exchange:
    given: dict[str, Any] = {"seen": perk.price, "key": f"{who}:{key}"}
    return exchanges.exchange(who, perk.id, **given | overrides)


def state(done: Exchange) -> ExchangeState:
    """Return the state as it is now."""
    return done.state


def earn(who: int) -> None:
    """Let an ambassador earn 10.00 that is payable."""
    code = make_code(f"EARN{who}", ambassador_id=who)
    intake.take_purchases([purchase_fact(codes=(code.text,))])
    with clock.frozen(NOW + timedelta(days=31)):
        release(due())


@pytest.fixture
def with_stripe(app: Flask) -> Iterator[None]:
    settings = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(settings, mode="demo")
    yield
    app.extensions["settings"] = settings


def test_fifty_people_at_a_perk_with_five_in_stock_and_exactly_five_get_it(app: Flask) -> None:
    perk = make_perk(stock=5)
    people = [rich() for _ in range(CLIENTS)]
    id_ = perk.id
    ends = at_once(
        app,
        [partial(exchanges.exchange, w, id_, seen=100, key=f"{w}") for w in people],
    )
    assert ends == {"done": 5, "GoneError": CLIENTS - 5}
    db.session.expire_all()
    assert db.session.get_one(Perk, id_).taken == 5
    assert sum(purse.available(who, POINTS) for who in people) == CLIENTS * 1_000 - 500
    assert verify.breaches() == []


def test_fifty_taps_of_one_person_never_spend_more_points_than_there_are(app: Flask) -> None:
    who, id_ = rich(350), make_perk().id
    ends = at_once(
        app,
        [partial(exchanges.exchange, who, id_, seen=100, key=f"k{n}") for n in range(CLIENTS)],
    )
    assert ends == {"done": 3, "TooLittleError": CLIENTS - 3}
    assert purse.available(who, POINTS) == 50
    assert verify.breaches() == []


def test_one_confirmation_sent_fifty_times_is_one_exchange(app: Flask) -> None:
    who, id_ = rich(), make_perk().id
    ends = at_once(app, [lambda: exchanges.exchange(who, id_, seen=100, key="same")] * CLIENTS)
    assert ends == {"done": CLIENTS}
    assert purse.available(who, POINTS) == 900


def test_a_person_gets_as_many_as_one_person_can(app: Flask) -> None:
    who, id_ = rich(), make_perk(per_person=2).id
    ends = at_once(
        app, [partial(exchanges.exchange, who, id_, seen=100, key=f"k{n}") for n in range(10)]
    )
    assert ends == {"done": 2, "GoneError": 8}
    assert verify.breaches() == []


def test_money_that_is_payable_buys_a_perk_and_never_goes_below_zero(app: Flask) -> None:
    who = make_ambassador().id
    perk = make_perk(price=600, unit="EUR")
    with pytest.raises(exchanges.TooLittleError):
        take(who, perk)
    db.session.rollback()
    who = make_ambassador().id
    perk = make_perk(price=600, unit="EUR")
    earn(who)
    take(who, perk)
    with pytest.raises(exchanges.TooLittleError):
        take(who, perk, "twice")
    db.session.rollback()
    assert verify.breaches() == []


def test_parallel_exchanges_never_spend_money_twice(app: Flask) -> None:
    who = make_ambassador().id
    earn(who)
    id_ = make_perk(price=600, unit="EUR").id
    ends = at_once(
        app, [partial(exchanges.exchange, who, id_, seen=600, key=f"k{n}") for n in range(20)]
    )
    assert ends == {"done": 1, "TooLittleError": 19}
    assert purse.available(who, "EUR") == 400
    assert db.session.scalars(sa.select(Spend)).all() == []  # it was a cost when it was earned
    assert verify.breaches() == []


def test_a_cancelled_exchange_is_given_back_once(app: Flask) -> None:
    who, perk = rich(), make_perk(stock=1, per_person=1)
    done_id = take(who, perk).id
    ends = at_once(app, [lambda: exchanges.cancel(done_id, reason="broken")] * 20)
    assert ends == {"done": 1, "ExchangeError": 19}
    assert purse.available(who, POINTS) == 1_000
    db.session.expire_all()
    assert db.session.get_one(Perk, perk.id).taken == 0
    assert sum(db.session.scalars(sa.select(Spend.amount))) == 0
    take(who, perk, "again")
    acts = db.session.scalars(sa.select(AuditLine.act).where(AuditLine.act.like("perk.%"))).all()
    assert sorted(acts) == ["perk.cancel", "perk.create", "perk.exchange", "perk.exchange"]
    assert verify.breaches() == []


def test_a_changed_price_is_not_taken_unseen(app: Flask) -> None:
    with pytest.raises(exchanges.GoneError, match="price"):
        take(rich(), make_perk(), seen=90)


@pytest.mark.parametrize(
    "overrides",
    [{"starts_at": NOW + timedelta(seconds=1)}, {"ends_at": NOW}, {"status": OfferStatus.FROZEN}],
)
def test_what_is_not_offered_now_cannot_be_taken(app: Flask, overrides: dict[str, Any]) -> None:
    perk = make_perk()
    for name, value in overrides.items():
        setattr(perk, name, value)
    db.session.flush()
    who = rich()
    assert perks.offered(who) == []
    with pytest.raises(exchanges.GoneError):
        take(who, perk)


def test_a_reward_code_is_a_promo_code_of_the_shop_that_works_once(app: Flask) -> None:
    perk = make_perk(kind=PerkKind.REWARD_CODE, campaign_id=make_campaign().id, code_days=30)
    done = take(rich(), perk)
    code = db.session.get_one(Code, done.code_id)
    assert state(done) is ExchangeState.DONE
    assert (code.uses_limit, code.ambassador_id, len(code.key)) == (1, None, 12)
    assert code.ends_at == NOW + timedelta(days=30)
    (sold,) = intake.take_purchases([purchase_fact(codes=(code.text,))])
    assert sold.problem is None
    with pytest.raises(exchanges.ExchangeError, match="used"):
        exchanges.cancel(done.id, reason="late")
    db.session.rollback()
    assert verify.breaches() == []


def test_a_reward_code_is_prepared_at_stripe_and_stopped_there_when_it_is_cancelled(
    app: Flask, with_stripe: None
) -> None:
    perk = make_perk(kind=PerkKind.REWARD_CODE, campaign_id=make_campaign().id)
    done = take(rich(), perk)
    db.session.commit()
    assert state(done) is ExchangeState.PREPARING
    assert jobs_perks.prepare_codes() == 1
    assert jobs_perks.prepare_codes() == 0
    db.session.expire_all()
    assert state(done) is ExchangeState.DONE
    code = db.session.get_one(Code, done.code_id)
    assert must(code.stripe_promotion_code).startswith("promo_demo_")
    exchanges.cancel(done.id, reason="by mistake")
    db.session.commit()
    assert code.status is CodeStatus.FROZEN
    assert jobs_perks.prepare_codes() == 1
    sent = db.session.scalars(sa.select(OutboxMessage.key)).all()
    assert sorted(sent) == [f"promotion-code:{code.id}", f"promotion-code:{code.id}:stop"]


def test_a_code_cancelled_while_it_was_prepared_is_stopped_at_stripe_after(
    app: Flask, with_stripe: None
) -> None:
    perk = make_perk(kind=PerkKind.REWARD_CODE, campaign_id=make_campaign().id)
    done = take(rich(), perk)
    exchanges.cancel(done.id, reason="by mistake")
    db.session.commit()
    assert jobs_perks.prepare_codes() == 2
    assert state(done) is ExchangeState.CANCELLED
    assert set(db.session.scalars(sa.select(OutboxMessage.state))) == {MessageState.SENT}


def test_a_worker_killed_after_stripe_answered_asks_again_under_the_same_key(
    app: Flask, with_stripe: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    perk = make_perk(kind=PerkKind.REWARD_CODE, campaign_id=make_campaign().id)
    done = take(rich(), perk)
    db.session.commit()
    with monkeypatch.context() as patched:
        patched.setattr(exchanges, "ready", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        assert jobs_perks.prepare_codes() == 0
    db.session.expire_all()
    assert state(done) is ExchangeState.PREPARING
    with clock.frozen(NOW + outbox.LEASE):
        assert jobs_perks.prepare_codes() == 1
    db.session.expire_all()
    assert state(done) is ExchangeState.DONE


def test_a_voucher_can_give_a_perk_as_long_as_there_are_some(app: Flask) -> None:
    perk = make_perk(stock=1)
    box = made(points=0, perk_id=perk.id, kind=VoucherKind.BOX, count=2)
    first, second = vouchers.of_batch(box.batch_id)
    take_ = vouchers.take(first.id, make_ambassador().id)
    done = db.session.get_one(Exchange, take_.exchange_id)
    assert (done.price, done.state) == (0, ExchangeState.WAITING)
    exchanges.hand_over(done.id)
    assert state(done) is ExchangeState.DONE
    db.session.commit()
    with pytest.raises(exchanges.GoneError):
        vouchers.take(second.id, make_ambassador().id)
    db.session.rollback()
    db.session.expire_all()
    assert db.session.get_one(type(second), second.id).taken == 0
    assert verify.breaches() == []


def test_a_perk_that_cannot_be_is_refused_with_the_field(app: Flask) -> None:
    newcomers = make_campaign(new_customers_only=True).id
    for overrides, field in (
        ({"price": 0}, "/price"), ({"name_en": " "}, "/name_en"), ({"unit": "USD"}, "/unit"),
        ({"stock": 0}, "/stock"), ({"kind": PerkKind.REWARD_CODE}, "/campaign_id"),
        ({"kind": PerkKind.REWARD_CODE, "campaign_id": newcomers}, "/campaign_id"),
        ({"starts_at": NOW, "ends_at": NOW}, "/ends_on"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError) as refused:
            make_perk(**overrides)
        assert [fault.pointer for fault in refused.value.faults] == [field]


def test_stock_never_falls_below_what_was_taken(app: Flask) -> None:
    perk = make_perk(stock=5)
    who = rich()
    for n in range(2):
        take(who, perk, str(n))
    terms = perks.Terms(kind=PerkKind.PRODUCT, name_en="A", name_fr="B", price=100, stock=1)
    with pytest.raises(perks.PerkError):
        perks.change(perk, terms)
    perks.change(perk, dataclasses.replace(terms, stock=2))
    with pytest.raises(exchanges.GoneError):
        take(who, perk, "third")


def test_verify_names_an_exchange_without_its_entry_and_a_wrong_stock(app: Flask) -> None:
    who, perk = rich(), make_perk(stock=5)
    take(who, perk)
    db.session.execute(sa.update(Perk).values(taken=4))
    db.session.add(
        Exchange(key="made-up", perk_id=perk.id, ambassador_id=who, price=7, unit=POINTS, cost=0,
                 cost_currency="EUR", state=ExchangeState.DONE, created_at=NOW)
    )  # fmt: skip
    db.session.flush()
    found = [str(one) for one in verify.breaches()]
    assert any("M10: perk" in one and "counts 4 taken and has 2" in one for one in found)
    assert any("M7" in one and "points_spent" in one for one in found)
    assert codes.DEFAULT_PATTERN.count("#") >= vouchers.LEAST_SYMBOLS


def test_who_took_a_perk_that_cannot_be_served_gets_word_and_the_price_back(
    client: FlaskClient,
) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    who, perk = rich(), make_perk()
    member = db.session.get_one(Ambassador, who).member
    member.email, member.locale = "zoe@example.com", "en"
    done = take(who, perk)
    db.session.commit()
    path = f"/console/perks/exchanges/{done.id}/cancel"
    for status in (303, 409):  # the second time it is cancelled already
        assert client.post(path, data={"reason": "Broken in the van"}).status_code == status
    (mail,) = db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
    assert mail.payload["to"] == "zoe@example.com"
    assert "100 points" in mail.payload["text"]
    assert "van" not in mail.payload["text"], "the reason is the team's"


def test_an_experience_has_a_date_a_place_and_seats_that_hold(app: Flask) -> None:
    with pytest.raises(InvalidInputError) as told:
        make_perk(kind=PerkKind.EXPERIENCE)
    assert {one.pointer for one in told.value.faults} == {"/happens_at", "/place", "/stock"}
    at = NOW + timedelta(days=10)
    id_ = make_perk(kind=PerkKind.EXPERIENCE, happens_at=at, place="Lausanne", stock=2).id
    people = [rich() for _ in range(6)]
    ends = at_once(app, [partial(exchanges.exchange, w, id_, seen=100, key=f"{w}") for w in people])
    assert ends == {"done": 2, "GoneError": 4}
    assert verify.breaches() == []


def test_early_access_opens_its_page_to_who_has_it_in_its_time(
    app: Flask, client: FlaskClient
) -> None:
    user = make_user(RoleName.AMBASSADOR)
    who = make_ambassador(user_id=user.id).id
    points.grant(who, 500, reason="for the test", key="early")
    link = "https://shop.example/first"
    opens = NOW + timedelta(days=1)
    perk = make_perk(
        kind=PerkKind.EARLY_ACCESS, link=link, happens_at=opens, closes_at=opens + timedelta(days=7)
    )
    done = take(who, perk).id
    sign_in(client, user)
    assert link not in client.get("/portal/redeem").text
    for days, is_open in ((0, False), (2, True), (9, False)):
        with clock.frozen(NOW + timedelta(days=days)):
            sign_in(client, user)
            page = client.get(f"/portal/redeem/exchanges/{done}").text
            assert (link in page) is is_open
    with pytest.raises(InvalidInputError):
        make_perk(kind=PerkKind.EARLY_ACCESS, link="javascript:alert(1)")


def test_the_form_of_a_perk_keeps_its_hour_and_its_link(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    told = {
        "kind": "experience", "name_fr": "Un matin", "name_en": "A morning", "price": "400",
        "unit": "PTS", "stock": "8", "happens_at": "2026-06-01T09:30", "place": "Lausanne",
        "campaign_id": "",
    }  # fmt: skip
    assert client.post("/console/perks/new", data=told).status_code == 303
    perk = must(db.session.scalar(sa.select(Perk)))
    assert must(perk.happens_at).isoformat() == "2026-06-01T07:30:00+00:00"
    page = client.get(f"/console/perks/{perk.id}/edit").text
    assert 'value="2026-06-01T09:30"' in page
    assert client.post("/console/perks/new", data=told | {"happens_at": "soon"}).status_code == 422
