"""The demo brand: the same year every time, told once, and its money adds up."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts import users
from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador, AmbassadorKind
from ambassadors.models_recruiting import Application
from campaigns import campaigns, images
from campaigns.models import Spend
from core.db import db
from demo import brand, costs, story, year
from demo.calendar import Calendar, midnight
from referrals import codes, landings
from referrals.landings import Standing
from referrals.models import Attribution, Click, Purchase, Refund, RefundState
from referrals.models_invitations import Invitation
from rewards.models import Account, EarnedState, Exchange, Posting, PurchaseReward
from rewards.models_missions import MissionTake
from tests.factories import must

TODAY = date(2026, 3, 1)  # where the fixtures' clock stands


@pytest.fixture(scope="module")
def drawn() -> year.Year:
    return year.draw(TODAY)


def count(table: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_the_same_day_draws_the_same_year(drawn: year.Year) -> None:
    assert year.draw(TODAY) == drawn


@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 9, 15), date(2027, 1, 1)])
def test_any_day_draws_a_year_that_ends_on_its_eve(today: date) -> None:
    drawn = year.draw(today)
    instants = [fact.occurred_at for _, fact in drawn.purchases]
    assert midnight(today - timedelta(days=1)) < max(instants) < midnight(today)
    assert drawn.calendar.launch == today.replace(year=today.year - 1, day=1)
    assert 6000 < len(drawn.purchases) < 9000


def test_weeks_cover_the_year_to_the_present_day() -> None:
    weeks = Calendar(TODAY).weeks()
    assert weeks[0] == date(2025, 3, 2)
    assert weeks[-1] == TODAY
    assert all(day.weekday() == 0 for day in weeks[1:-1])


def test_sixty_ambassadors_of_every_kind_have_codes_that_differ(drawn: year.Year) -> None:
    assert len(drawn.allies) == 60
    assert {ally.kind for ally in drawn.allies} == set(AmbassadorKind)
    keys = [codes.require_key(text) for ally in drawn.allies for text in ally.codes.values()]
    assert len(keys) == len(set(keys))
    assert len({ally.email for ally in drawn.allies}) == 60


def test_the_partners_code_gives_a_quarter_off_and_free_shipping_in_two_countries() -> None:
    terms = brand.campaigns(TODAY)[brand.READERS]
    assert [(one.kind.value, one.percent) for one in terms.benefits] == [
        ("percent", 2500), ("free_shipping", None),
    ]  # fmt: skip
    assert len(terms.countries) == 2


def test_the_amounts_of_every_order_are_possible(drawn: year.Year) -> None:
    for _, fact in drawn.purchases:
        assert sum(line.amount for line in fact.lines) == fact.total - fact.shipping
        assert 0 <= fact.tax + fact.shipping <= fact.total


def test_summer_sells_more_than_february(drawn: year.Year) -> None:
    months = Counter(f"{fact.occurred_at:%Y-%m}" for _, fact in drawn.purchases)
    assert months["2025-07"] > 1.5 * months["2026-02"]


def test_the_demo_loads_once_and_its_money_adds_up(app: Flask, drawn: year.Year) -> None:
    run = app.test_cli_runner().invoke
    first = run(args=["demo", "load"])
    assert first.exit_code == 0, first.output
    assert brand.PASSWORD in first.output
    _all_of_it_is_there(drawn)
    _the_ledger_adds_up()
    _everyone_can_sign_in()
    _a_campaign_pays_in_points()
    _there_is_something_to_share()
    before = [count(table) for table in (Purchase, Click, Posting, Spend, AuditLine)]
    second = run(args=["demo", "load"])
    assert second.exit_code == 0
    assert "there already" in second.output
    assert [count(table) for table in (Purchase, Click, Posting, Spend, AuditLine)] == before


def _all_of_it_is_there(drawn: year.Year) -> None:
    last = {fact.external_id: fact for _, fact in drawn.purchases}
    assert count(Purchase) == len(last)
    total = db.session.scalar(sa.select(sa.func.sum(Purchase.total)))
    assert total == sum(fact.total for fact in last.values())
    assert count(Click) == len(drawn.visits)
    assert count(Refund) == len({fact.external_id for _, fact in drawn.refunds})
    assert count(Ambassador) == 60
    spent = db.session.scalar(sa.select(sa.func.sum(Spend.amount)))
    exchanged = db.session.scalar(sa.select(sa.func.sum(Exchange.cost))) or 0
    assert exchanged == 520  # one pot, for points
    rewarded = db.session.scalar(sa.select(sa.func.sum(MissionTake.amount))) or 0
    assert rewarded == 2_000  # one photograph
    told = sum(line.amount for line in costs.lines(drawn.calendar))
    assert spent == told + exchanged + rewarded
    assert count(Application) == 5
    assert count(Invitation) == 3
    parked = sa.select(Refund.id).where(Refund.state == RefundState.PARKED)
    assert db.session.scalars(parked).all() == []


def _the_ledger_adds_up() -> None:
    sums = sa.select(sa.func.sum(Posting.amount)).group_by(Posting.entry_id)
    assert set(db.session.scalars(sums)) == {0}
    balances = {
        row.account: int(row.amount)
        for row in db.session.execute(
            sa.select(Posting.account, sa.func.sum(Posting.amount).label("amount")).group_by(
                Posting.account
            )
        )
    }
    assert balances[Account.PENDING] < 0
    assert balances[Account.PAYABLE] < 0
    assert balances[Account.HELD] < 0, "nothing waits for a person to decide"
    lost = {one["reason"] for row in db.session.scalars(sa.select(Attribution.lost)) for one in row}
    assert {"self_referral", "second_code", "outside_window", "outranked"} <= lost


def _a_campaign_pays_in_points() -> None:
    earned = sa.select(PurchaseReward.state, sa.func.count()).group_by(PurchaseReward.state)
    counts = {row[0]: row[1] for row in db.session.execute(earned)}
    assert counts[EarnedState.GIVEN] + counts.get(EarnedState.WAITING, 0) > 5


def _there_is_something_to_share() -> None:
    kits = {one.slug: images.of_campaign(one.id) for one in campaigns.newest()}
    assert {slug: len(shown) for slug, shown in kits.items() if shown} == {
        brand.FRIENDS: 3, brand.READERS: 2, brand.TASTING: 2,
    }  # fmt: skip
    for one in (one for shown in kits.values() for one in shown):
        assert images.file(f"{one.digest}.{one.kind}")[0].stat().st_size < 60_000
    found = must(landings.find("lea-monnier"))
    assert (found.name, found.standing) == ("Léa", Standing.OPEN)


def _everyone_can_sign_in() -> None:
    roles: set[RoleName] = set()
    for one in story.sign_ins():
        user = users.find(one.email)
        assert users.has_password(user, brand.PASSWORD)
        assert user is not None
        roles |= users.roles_of(user)
    assert roles == set(RoleName)


def test_the_demo_is_refused_beside_real_data(app: Flask) -> None:
    from tests.factories import make_member

    make_member()
    db.session.commit()
    answer = app.test_cli_runner().invoke(args=["demo", "load"])
    assert answer.exit_code == 1
    assert "empty" in answer.output


def test_production_takes_no_demo(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dataclasses.replace(app.extensions["settings"], mode="production")
    monkeypatch.setitem(app.extensions, "settings", settings)
    answer = app.test_cli_runner().invoke(args=["demo", "load"])
    assert answer.exit_code == 1
    assert not story.is_loaded()
