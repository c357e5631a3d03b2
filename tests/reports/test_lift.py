"""A lot leaves some people out; what the others do more is what the invitation causes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors import holdout_size, holdouts
from ambassadors.models_holdouts import Holdout, HoldoutMember
from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError
from referrals.models import Customer, CustomerIdentity
from reports import lift
from reports.estimates import Verdict
from rewards import intake
from tests.factories import make_member, purchase_fact


def _holdout(share: int = 5_000) -> Holdout:
    made = holdouts.create("Box of spring", withheld_share=share)
    db.session.commit()
    return made


def test_a_lot_is_the_same_whenever_it_is_drawn(app: Flask) -> None:
    holdout = _holdout()
    ids = [make_member().id for _ in range(60)]
    first = holdouts.draw(holdout, ids)
    drawn_at = [one.drawn_at for one in holdouts.lots(holdout)]
    with clock.frozen(clock.now() + timedelta(days=3)):
        assert holdouts.draw(holdout, reversed(ids)) == first
    assert [one.drawn_at for one in holdouts.lots(holdout)] == drawn_at
    assert sorted(first.invited + first.withheld) == ids


def test_another_holdout_draws_other_lots(app: Flask) -> None:
    one, other = _holdout(), holdouts.create("Dinner", withheld_share=5_000)
    ids = range(1, 2_001)
    both = [(holdouts.is_withheld(one, n), holdouts.is_withheld(other, n)) for n in ids]
    # each pair of lots a quarter of the time: 500 of 2,000, with a deviation of 19
    assert all(400 < both.count(pair) < 600 for pair in set(both))
    assert len(set(both)) == 4


@pytest.mark.parametrize("share", [500, 2_000, 9_000])
def test_the_share_left_out_is_the_share_asked_for(app: Flask, share: int) -> None:
    holdout = _holdout(share)
    out = sum(holdouts.is_withheld(holdout, n) for n in range(20_000)) / 20_000
    assert abs(out - share / 10_000) < 0.02


def test_a_share_leaves_somebody_on_either_side(app: Flask) -> None:
    for share in (0, 10_000):
        with pytest.raises(InvalidInputError):
            holdouts.create("Box", withheld_share=share)


def test_a_name_is_used_once(app: Flask) -> None:
    _holdout()
    with pytest.raises(ConflictError):
        _holdout()
    with pytest.raises(NotFoundError):
        holdouts.find("nothing")


def _tested(app: Flask) -> Holdout:
    """Draw 120 members who are customers; of those invited, every other buys again."""
    holdout = _holdout()
    members = [make_member() for _ in range(120)]
    before = clock.now() - timedelta(days=40)
    facts = [
        purchase_fact(source="crm", email=None, customer_external_id=f"c-{one.id}",
                      occurred_at=before)
        for one in members
    ]  # fmt: skip
    intake.take_purchases(facts)
    for one in members:
        identity = db.session.get_one(CustomerIdentity, f"id:crm:c-{one.id}")
        db.session.get_one(Customer, identity.customer_id).member_id = one.id
    drawn = holdouts.draw(holdout, [one.id for one in members])
    again = clock.now() + timedelta(days=10)
    with clock.frozen(again):
        later = [
            purchase_fact(source="crm", email=None, customer_external_id=f"c-{number}",
                          occurred_at=again, total=5_000)
            for number in drawn.invited[::2]
        ]  # fmt: skip
        intake.take_purchases(later)
        db.session.commit()
    return holdout


def test_what_invited_people_buy_more_is_the_lift(app: Flask) -> None:
    holdout = _tested(app)
    with clock.frozen(clock.now() + timedelta(days=95)):
        found = lift.read(holdout)
    assert found.invited.people + found.withheld.people == 120
    assert (found.withheld.buyers, found.withheld.net) == (0, 0)
    assert found.invited.buyers == (found.invited.people + 1) // 2
    assert found.buying.value == pytest.approx(found.invited.buyers / found.invited.people)
    assert found.net.value == pytest.approx(found.invited.net)
    assert found.verdict is Verdict.HIGHER


def test_nothing_is_told_before_the_days_are_over(app: Flask) -> None:
    holdout = _tested(app)
    with clock.frozen(clock.now() + timedelta(days=89)):
        found = lift.read(holdout)
    assert (found.waiting, found.invited.people, found.verdict) == (120, 0, Verdict.NOT_ENOUGH)


def test_few_people_are_not_enough(app: Flask) -> None:
    holdout = _holdout()
    holdouts.draw(holdout, [make_member().id for _ in range(20)])
    db.session.commit()
    with clock.frozen(clock.now() + timedelta(days=95)):
        assert lift.read(holdout).verdict is Verdict.NOT_ENOUGH


def test_newcombes_interval_is_that_of_his_paper() -> None:
    # Newcombe 1998, table II, example (a): 56/70 less 48/80
    sides = [lift.Side(people=n, buyers=k, net=0) for n, k in ((70, 56), (80, 48))]
    found = lift._buying(*sides)
    assert found.low == pytest.approx(0.0524, abs=5e-5)
    assert found.high == pytest.approx(0.3339, abs=5e-5)


def test_the_sample_size_gives_the_promised_power() -> None:
    number = holdout_size.needed(0.20, 0.10, 0.5)
    assert number == 581  # by hand: 7.849 * (0.21 + 0.16) / 0.01 = 290.4 on each side
    rng = np.random.default_rng(4)
    half = (number + 1) // 2
    seen = 0
    for one, other in zip(rng.binomial(half, 0.3, 400), rng.binomial(half, 0.2, 400), strict=True):
        sides = [lift.Side(people=half, buyers=int(k), net=0) for k in (one, other)]
        seen += (lift._buying(*sides).low or 0) > 0
    assert 0.74 < seen / 400 < 0.86


@pytest.mark.parametrize(("base", "more", "share"), [(0, 0.1, 0.5), (0.9, 0.2, 0.5), (0.2, 0, 0.5)])
def test_a_sample_size_needs_shares_that_can_be(base: float, more: float, share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holdout_size.needed(base, more, share)


def test_commands_create_draw_and_show(app: Flask, tmp_path: Path) -> None:
    ids = [make_member().id for _ in range(40)]
    db.session.commit()
    runner, out = app.test_cli_runner(), tmp_path / "invite.csv"
    assert runner.invoke(args=["holdout", "create", "Box", "--share", "50"]).exit_code == 0
    done = runner.invoke(args=["holdout", "draw", "Box", "--out", str(out)])
    assert done.exit_code == 0, done.output
    invited = {int(line) for line in out.read_text().splitlines()[1:]}
    withheld = set(db.session.scalars(
        sa.select(HoldoutMember.member_id).where(HoldoutMember.is_withheld)
    ))  # fmt: skip
    assert invited | withheld == set(ids)
    assert not invited & withheld
    shown = runner.invoke(args=["lift", "show", "Box"])
    assert "verdict: not enough data" in shown.output
    assert "40 people wait" in shown.output
    told = runner.invoke(args=["lift", "needed", "--base", "20", "--lift", "10", "--share", "50"])
    assert told.output.startswith("581 people")
    assert runner.invoke(args=["lift", "show", "Nothing"]).exit_code == 1
