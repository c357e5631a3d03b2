"""Perks, vouchers and points are gives: after one of them a member may be asked again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors import guard, program
from ambassadors.guard import Spared
from ambassadors.models import Contact, ContactKind
from core import clock, emails
from core.db import db
from rewards import exchanges, points, vouchers
from rewards.models import VoucherKind
from rewards.vouchers import Terms
from tests.factories import make_ambassador, make_campaign, make_member
from tests.rewards.test_exchanges import make_perk

EMAIL = "ana@example.com"


@pytest.fixture
def ana(app: Flask) -> int:
    """An ambassador who has had two asks since the last give, and one more is due."""
    program.set_rules({"asks_per_week": "50"})
    member = make_member(email=EMAIL, email_hash=emails.digest(EMAIL))
    who = make_ambassador(member=member).id
    points.grant(who, 500, reason="to begin with", key="first")
    db.session.execute(sa.delete(Contact))
    for n in range(2):
        assert ask(member.id, f"before {n}") is None
    assert ask(member.id, "too early") is Spared.GIVE_FIRST
    return who


def ask(member_id: int, key: str) -> Spared | None:
    return guard.ask([member_id], what="message", key=key).get(member_id)


def member_of(who: int) -> int:
    return db.session.scalars(sa.select(Contact.member_id).distinct()).one()


def voucher(**terms: object) -> Callable[[int], object]:
    def take(who: int) -> object:
        names = {"kind": VoucherKind.BOX, "name_en": "Box", "name_fr": "Coffret"}
        batch = vouchers.create(Terms(**names | terms))  # type: ignore[arg-type]
        return vouchers.take(vouchers.of_batch(batch.id)[0].id, who)

    return take


def perk(who: int) -> object:
    return exchanges.exchange(who, make_perk().id, seen=100, key="perk")


def perk_of_voucher(who: int) -> object:
    return voucher(perk_id=make_perk().id)(who)


GIVES: dict[str, tuple[Callable[[int], object], str]] = {
    "points": (lambda who: points.grant(who, 50, reason="thanks", key="k"), "points"),
    "perk": (perk, "Un pot"),
    "voucher of points": (voucher(points=10), "Coffret"),
    "voucher of money": (voucher(amount=500), "Coffret"),
    "voucher of a perk": (perk_of_voucher, "Coffret"),
}


@pytest.mark.parametrize("give", GIVES)
def test_a_give_lets_two_more_asks_through(ana: int, give: str) -> None:
    do, said = GIVES[give]
    member_id = member_of(ana)
    do(ana)
    assert guard.balance(member_id) == (2, 1)
    told = sa.select(Contact.what).where(Contact.kind == ContactKind.GIVE)
    assert db.session.scalars(told).one() == said
    assert (ask(member_id, "1"), ask(member_id, "2")) == (None, None)
    assert ask(member_id, "3") is Spared.GIVE_FIRST


def test_what_gives_nothing_of_value_is_no_give(ana: int) -> None:
    voucher(kind=VoucherKind.INVITATION, campaign_id=make_campaign().id)(ana)
    points.grant(ana, -10, reason="counted twice", key="back")
    assert guard.balance(member_of(ana)) == (2, 0)


def test_a_perk_that_is_cancelled_is_no_give_any_more(ana: int) -> None:
    done = exchanges.exchange(ana, make_perk().id, seen=100, key="perk")
    exchanges.cancel(done.id, reason="out of stock")
    assert guard.balance(member_of(ana)) == (2, 0)


def test_the_same_act_twice_is_one_give(ana: int) -> None:
    for _ in range(2):
        points.grant(ana, 50, reason="thanks", key="k")
    assert guard.balance(member_of(ana)) == (2, 1)


def test_a_give_of_long_ago_counts_no_more(ana: int) -> None:
    perk(ana)
    with clock.frozen(clock.now() + guard.SEASON):
        assert guard.balance(member_of(ana)) == (0, 0)
