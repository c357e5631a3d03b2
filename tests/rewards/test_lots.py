"""Points that expire: the oldest are spent first, each is told of, and none is lost twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import RoleName, Scope
from ambassadors import program
from ambassadors.models import Ambassador, ContactChoice
from campaigns.models import Campaign
from core import clock
from core.db import db
from core.money import POINTS
from core.outbox import OutboxMessage
from integrations import facts
from referrals.models import RefundState
from rewards import exchanges, intake, jobs_points, ledger, lots, points, purse, verify
from rewards.ledger import Draft
from rewards.lots import Lot, Move
from rewards.models import Account, Entry, EntryKind
from rewards.models_points import PointsTerm
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_key,
    make_member,
    make_user,
    must,
    refund_fact,
    sign_in,
)  # fmt: skip
from tests.rewards.test_exchanges import make_perk
from tests.rewards.test_purchase_rewards import buy, earning
from tests.rewards.test_vouchers import at_once

_keys = count(1)


def lasting(months: int = 6) -> None:
    program.set_rules({"points_months": str(months), "timezone": "Europe/Paris"})


def grant(who: int, number: int) -> None:
    points.grant(who, number, reason="for the test", key=f"lots:{next(_keys)}")


def spend(who: int, price: int) -> int:
    perk = make_perk(price=price)
    return exchanges.exchange(who, perk.id, seen=price, key=f"lots:{next(_keys)}").id


def has(who: int) -> int:
    assert verify.breaches() == []
    return purse.available(who, POINTS)


def later(days: int) -> datetime:
    return NOW + timedelta(days=days)


def member_of_post(**overrides: Any) -> Ambassador:
    member = make_member(name="Léa", email="lea@post.example", locale="en", **overrides)
    return make_ambassador(member=member)


def mails() -> list[dict[str, Any]]:
    query = sa.select(OutboxMessage.payload).where(OutboxMessage.kind == "email")
    return list(db.session.scalars(query.order_by(OutboxMessage.id)))


def test_points_can_be_spent_until_the_same_day_months_later_and_are_gone_after_it(
    app: Flask,
) -> None:
    lasting(6)
    who = make_ambassador().id
    grant(who, 120)  # on 1 March 2026
    db.session.commit()
    assert lots.expiring(who) == [(date(2026, 9, 1), 120)]
    with clock.frozen(datetime.fromisoformat("2026-09-01T23:59:59+02:00")):
        assert jobs_points.expire_points() == 0
    with clock.frozen(datetime.fromisoformat("2026-09-02T00:00:00+02:00")):
        assert jobs_points.expire_points() == 120
        assert jobs_points.expire_points() == 0
        assert has(who) == 0
    entry = db.session.scalars(sa.select(Entry).where(Entry.kind == EntryKind.EXPIRY)).one()
    assert entry.occurred_at == datetime.fromisoformat("2026-09-02T00:00:00+02:00")


def test_the_rule_of_the_day_is_frozen_and_takes_nothing_from_older_points(app: Flask) -> None:
    who = make_ambassador().id
    grant(who, 10)  # for ever
    lasting(2)
    grant(who, 20)
    lasting(12)
    grant(who, 30)
    db.session.commit()
    assert lots.expiring(who) == [(date(2026, 5, 1), 20), (date(2027, 3, 1), 30)]
    with clock.frozen(later(100)):
        assert jobs_points.expire_points() == 20
        assert has(who) == 40


def test_a_campaign_says_how_long_its_points_last(app: Flask) -> None:
    lasting(6)
    code = earning()
    campaign = db.session.get_one(Campaign, code.campaign_id)
    campaign.points_months = 1
    buy()
    campaign.points_months = 0
    buy()
    who = must(code.ambassador_id)
    assert lots.expiring(who) == [(date(2026, 4, 1), 50)]
    assert has(who) == 100


def test_the_oldest_points_are_spent_first(app: Flask) -> None:
    lasting(1)
    who = make_ambassador().id
    grant(who, 100)
    with clock.frozen(later(10)):
        grant(who, 100)
        spend(who, 130)
        assert lots.expiring(who) == [(date(2026, 4, 11), 70)]
        db.session.commit()
    with clock.frozen(later(35)):  # nothing is left of the first
        assert jobs_points.expire_points() == 0
    with clock.frozen(later(45)):
        assert jobs_points.expire_points() == 70
        assert has(who) == 0


def test_points_that_are_over_buy_nothing_even_before_the_clock_came(app: Flask) -> None:
    lasting(1)
    who = make_ambassador().id
    grant(who, 100)
    with clock.frozen(later(40)), pytest.raises(exchanges.TooLittleError):
        spend(who, 100)
    db.session.rollback()


def test_a_refund_of_points_that_expired_takes_nothing_more(app: Flask) -> None:
    lasting(1)
    code = earning(amount=100)
    who, one = must(code.ambassador_id), buy()
    spend(who, 30)
    db.session.commit()
    with clock.frozen(later(40)):
        assert jobs_points.expire_points() == 70
        intake.take_refunds([refund_fact(one, one.total // 2)])
        assert has(who) == 0  # 50 of those that expired
        intake.take_refunds([refund_fact(one, one.total - one.total // 2)])
        assert has(who) == -30  # 20 more, and the 30 that were spent
        grant(who, 50)
        assert (has(who), lots.expiring(who)) == (20, [(date(2026, 5, 10), 20)])


def test_a_refund_that_failed_gives_points_again_with_a_term_of_their_own(app: Flask) -> None:
    lasting(1)
    code = earning(amount=100)
    who, one = must(code.ambassador_id), buy()
    db.session.commit()
    with clock.frozen(later(40)):
        jobs_points.expire_points()
        refund = refund_fact(one, one.total)
        intake.take_refunds([refund])
        intake.take_refunds([_failed(refund)])
        assert has(who) == 100
        assert lots.expiring(who) == [(date(2026, 5, 10), 100)]


def _failed(refund: facts.Refund) -> facts.Refund:
    return dataclasses.replace(refund, state=RefundState.FAILED)


def test_a_cancelled_exchange_gives_points_back_that_last_anew(app: Flask) -> None:
    lasting(1)
    who = make_ambassador().id
    grant(who, 100)
    done = spend(who, 100)
    with clock.frozen(later(40)):
        exchanges.cancel(done, reason="broken")
        db.session.commit()
        assert jobs_points.expire_points() == 0
        assert (has(who), lots.expiring(who)) == (100, [(date(2026, 5, 10), 100)])


def test_many_clocks_at_once_take_points_once(app: Flask) -> None:
    lasting(1)
    who = make_ambassador().id
    grant(who, 100)
    db.session.commit()

    def expire() -> None:
        with clock.frozen(later(40)):
            lots.expire(who)

    assert at_once(app, [expire] * 8) == {"done": 8}
    assert has(who) == 0


def test_each_lot_is_told_of_a_month_and_a_week_before_once(app: Flask) -> None:
    lasting(3)
    who = member_of_post().id
    grant(who, 120)
    db.session.commit()
    for days, told in ((50, 0), (63, 1), (64, 1), (80, 1), (86, 2), (90, 2)):
        with clock.frozen(later(days)):
            jobs_points.tell_of_expiry()
            assert len(mails()) == told, days
    first, last = mails()
    assert first["subject"] == "120 points expire on 1 June 2026"
    assert "last reminder" not in first["text"]
    assert "last reminder" in last["text"]


def test_who_earns_every_day_gets_one_mail_for_what_goes_soon_after(app: Flask) -> None:
    lasting(3)
    who = member_of_post().id
    for day in range(10):
        with clock.frozen(later(day)):
            grant(who, 10)
    db.session.commit()
    for day in range(62, 80):
        with clock.frozen(later(day)):
            jobs_points.tell_of_expiry()
    (mail,) = mails()
    assert mail["subject"] == "100 points expire soon"


def test_spent_points_are_not_told_of_and_a_snooze_holds_the_first_mail_only(app: Flask) -> None:
    lasting(1)
    spender, snoozer = (
        member_of_post().id,
        make_ambassador(member=make_member(email="sam@post.example")),
    )
    grant(spender, 50)
    spend(spender, 50)
    grant(snoozer.id, 50)
    choice = ContactChoice(member_id=snoozer.member_id, snoozed_until=later(300))
    db.session.add(choice)
    db.session.commit()
    with clock.frozen(later(5)):
        assert jobs_points.tell_of_expiry() == 0
    with clock.frozen(later(27)):
        assert jobs_points.tell_of_expiry() == 1
    assert [mail["to"] for mail in mails()] == ["sam@post.example"]


def test_the_portal_the_command_and_the_api_say_when_points_expire(
    app: Flask, client: FlaskClient
) -> None:
    lasting(6)
    user = make_user(RoleName.AMBASSADOR)
    me = make_ambassador(member=make_member(external_id="lea"), user_id=user.id)
    grant(me.id, 120)
    sign_in(client, user)
    page = client.get("/portal/redeem", headers={"Accept-Language": "en"}).text
    assert "120 points expire on 1 September 2026." in page
    answer = client.get(f"/api/v1/ambassadors/{me.id}/points", headers=make_key(Scope.READ)).json
    assert answer == {
        "ambassador": me.id, "balance": 120,
        "lots": [{"points": 120, "expires_at": "2026-09-01T22:00:00+00:00"}],
    }  # fmt: skip
    nowhere = client.get("/api/v1/ambassadors/999999/points", headers=make_key(Scope.READ))
    assert nowhere.status_code == 404
    told = app.test_cli_runner().invoke(args=["points", "show", "lea"])
    assert told.output == "120 points\n  120 until 2026-09-01\n"
    nobody = app.test_cli_runner().invoke(args=["points", "show", "nobody"])
    assert (nobody.exit_code, "No ambassador" in nobody.output) == (1, True)


def test_a_wrong_expiry_is_found(app: Flask) -> None:
    lasting(1)
    who = make_ambassador().id
    grant(who, 100)
    db.session.commit()
    with clock.frozen(later(40)):
        jobs_points.expire_points()
    ledger.post([Draft(
        kind=EntryKind.EXPIRY, source="points-expiry:0", occurred_at=NOW,
        legs=ledger.move(5, POINTS, debit=Account.POINTS, credit=Account.POINTS_EXPIRED,
                         ambassador_id=who),
    )])  # fmt: skip
    told = {breach.subject for breach in verify.breaches()}
    assert "entry points-expiry:0" in told


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(1, 50), st.sampled_from([None, 1, 2, 3])),
        st.tuples(st.just("take"), st.integers(1, 80), st.sampled_from([None, 1, 2, 3])),
        st.tuples(st.just("expire"), st.integers(0, 5), st.none()),
    ),
    max_size=25,
)


def _left(moves: list[Move]) -> tuple[list[Lot], int]:
    found = lots.fold(moves)
    return found, sum(move.points for move in moves)


@given(MOVES)
def test_lots_add_up_to_the_balance_or_to_nothing_below_it(told: list[Any]) -> None:
    moves: list[Move] = []
    for number, (act, amount, purchase) in enumerate(told):
        if act == "give":
            moves.append(Move(number, amount, purchase))
        elif act == "take":
            moves.append(Move(number, -amount, purchase))
        else:
            left = [lot for lot in lots.fold(moves) if lot.left]
            if amount < len(left):
                gone = left[amount]
                moves.append(Move(number, -gone.left, gone.purchase_id, gone.entry_id))
        found, balance = _left(moves)
        assert all(lot.left >= 0 for lot in found)
        assert sum(lot.left for lot in found) == max(balance, 0)


@settings(
    max_examples=5, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["buy", "grant", "spend", "refund", "cancel", "clock"]),
            st.integers(1, 90),
        ),
        min_size=4, max_size=12,
    )
)  # fmt: skip
def test_whatever_happens_nobody_loses_a_point_twice(app: Flask, acts: list[Any]) -> None:
    """What was given, is not over and was not refunded, less all that was spent, is left."""
    lasting(1)
    text = f"LOT{next(_keys)}X"
    code = earning(text, amount=60)
    who = must(code.ambassador_id)
    world = _World(who, text)
    for number, (act, size) in enumerate(acts):
        with clock.frozen(later(9 * number)):
            world.do(act, size)
            db.session.commit()
            jobs_points.expire_points()
            balance = purse.available(who, POINTS)
            assert balance >= world.least()
            left = sum(lot.left for lot in lots.of_ambassador(who))
            assert left == max(balance, 0)
            overdue = sa.select(PointsTerm).where(
                PointsTerm.over_at.is_(None), PointsTerm.expires_at <= clock.now()
            )
            assert db.session.scalars(overdue).all() == []
    assert verify.breaches() == []


class _World:
    """What was done, and the least that the rules leave."""

    def __init__(self, who: int, text: str) -> None:
        self.who, self.text = who, text
        self.bought: list[facts.Purchase] = []
        self.given: dict[object, tuple[int, datetime]] = {}  # points and when they end
        self.spent: list[tuple[int, int]] = []
        self.do_by: dict[str, Callable[[int], None]] = {
            "buy": self.buy, "grant": self.grant, "spend": self.spend, "refund": self.refund,
            "cancel": self.cancel, "clock": lambda size: None,
        }  # fmt: skip

    def do(self, act: str, size: int) -> None:
        self.do_by[act](size)

    def buy(self, size: int) -> None:
        one = buy(self.text)
        self.bought.append(one)
        self.given[one.external_id] = 60, lots.end(clock.now(), 1)

    def grant(self, size: int) -> None:
        grant(self.who, size)
        self.given[len(self.given)] = size, lots.end(clock.now(), 1)

    def spend(self, size: int) -> None:
        if purse.available(self.who, POINTS) >= size:
            self.spent.append((spend(self.who, size), size))

    def refund(self, size: int) -> None:
        if self.bought:
            one = self.bought.pop(0)
            intake.take_refunds([refund_fact(one, one.total)])
            del self.given[one.external_id]

    def cancel(self, size: int) -> None:
        if self.spent:
            exchanges.cancel(self.spent.pop()[0], reason="broken")

    def least(self) -> int:
        """Return what is left if all that was spent had come from points that still count."""
        lives = sum(number for number, ends in self.given.values() if ends > clock.now())
        return lives - sum(size for _id, size in self.spent)
