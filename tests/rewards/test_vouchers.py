"""Vouchers: each gives once what it stands for, whoever taps twice or at the same time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from campaigns.models import CampaignStatus, Spend
from core import clock
from core.db import db, retrying
from core.errors import DomainError, InvalidInputError
from core.money import POINTS
from referrals import codes, given_codes
from referrals.models import Code, Link
from rewards import points, purse, verify, vouchers
from rewards.models import Voucher, VoucherBatch, VoucherKind, VoucherTake
from tests.conftest import NOW
from tests.factories import make_ambassador, make_campaign, make_member

CLIENTS = 50


def made(text: str = "", *, takes_limit: int | None = 1, count: int = 1,
         pattern: str = codes.DEFAULT_PATTERN, **overrides: Any) -> Voucher:  # fmt: skip
    """Make vouchers that give 40 points, and return the first."""
    terms: dict[str, Any] = {
        "kind": VoucherKind.REWARD,
        "name_en": "Thanks",
        "name_fr": "Merci",
        "points": 40,
    }
    batch = vouchers.create(
        vouchers.Terms(**terms | overrides), text=text, takes_limit=takes_limit, count=count,
        pattern=pattern,
    )  # fmt: skip
    return vouchers.of_batch(batch.id)[0]


def _commit(act: Callable[[], object]) -> None:
    act()
    db.session.commit()


def at_once(app: Flask, acts: list[Callable[[], object]], *, now: datetime = NOW) -> Counter[str]:
    """Do all acts at the same moment, each in a transaction of its own; count how they ended."""
    db.session.commit()
    start = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        with app.app_context(), clock.frozen(now):
            start.wait()
            for _ in range(30):
                try:
                    retrying(functools.partial(_commit, act))
                except DomainError as error:
                    db.session.rollback()
                    return type(error).__name__
                except sa.exc.OperationalError:  # busy: the page answers 503, one tries again
                    db.session.rollback()
                else:
                    return "done"
                finally:
                    db.session.remove()
            return "busy"

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(pool.map(one, acts))


def test_fifty_people_at_one_voucher_at_once_and_exactly_one_gets_it(app: Flask) -> None:
    voucher_id = made().id
    people = [make_ambassador().id for _ in range(CLIENTS)]
    ends = at_once(app, [functools.partial(vouchers.take, voucher_id, who) for who in people])
    assert ends == {"done": 1, "NoVoucherError": CLIENTS - 1}
    db.session.expire_all()
    assert db.session.get_one(Voucher, voucher_id).taken == 1
    assert sum(purse.available(who, POINTS) for who in people) == 40
    assert verify.breaches() == []


def test_one_person_who_taps_fifty_times_gets_it_once(app: Flask) -> None:
    voucher_id = made("EVENING", takes_limit=10).id
    who = make_ambassador().id
    ends = at_once(app, [lambda: vouchers.take(voucher_id, who)] * CLIENTS)
    assert ends == {"done": CLIENTS}
    db.session.expire_all()
    assert db.session.get_one(Voucher, voucher_id).taken == 1
    assert purse.available(who, POINTS) == 40
    assert verify.breaches() == []


def test_a_person_takes_only_as_many_of_a_set_as_it_allows(app: Flask) -> None:
    first = made(count=3, per_person=2)
    ids = [one.id for one in vouchers.of_batch(first.batch_id)]
    who = make_ambassador().id
    ends = at_once(app, [functools.partial(vouchers.take, id_, who) for id_ in ids])
    assert ends == {"done": 2, "HadYoursError": 1}
    assert purse.available(who, POINTS) == 80
    assert sum(one.taken for one in vouchers.of_batch(first.batch_id)) == 2
    assert verify.breaches() == []


def test_an_amount_goes_to_the_balance_and_into_the_cost_of_perks(app: Flask) -> None:
    voucher = made(points=0, amount=1_250)
    who = make_ambassador().id
    take = vouchers.take(voucher.id, who)
    assert purse.available(who, "EUR") == 1_250
    assert purse.available(who, POINTS) == 0
    spent = db.session.scalars(sa.select(Spend)).one()
    assert (spent.amount, spent.kind.value, spent.channel) == (1_250, "perks", "community")
    assert take.voucher.batch.currency == "EUR"
    assert verify.breaches() == []


def test_an_invitation_gives_a_code_and_a_link_in_its_campaign_once(app: Flask) -> None:
    campaign = make_campaign()
    who = make_ambassador()
    for _ in range(2):
        voucher = made("COME-" + str(_), takes_limit=5, points=0, campaign_id=campaign.id)
        vouchers.take(voucher.id, who.id)
    own = db.session.scalars(sa.select(Code).where(Code.ambassador_id == who.id)).all()
    links = db.session.scalars(sa.select(Link).where(Link.ambassador_id == who.id)).all()
    assert [one.campaign_id for one in own] == [campaign.id]
    assert [one.campaign_id for one in links] == [campaign.id]


@pytest.mark.parametrize("name", ["Zoé", "Ольга", "Nazi", "O"])
def test_people_of_any_name_can_join(app: Flask, name: str) -> None:
    who = make_ambassador(member=make_member(name=name))
    given_codes.on_joining([who.id], make_campaign())
    (code,) = codes.of_ambassador(who.id)
    assert codes.require_key(code.text) == code.key


def test_what_cannot_be_taken_is_told_in_one_sentence(app: Flask) -> None:
    who = make_ambassador().id
    ended = make_campaign(status=CampaignStatus.ENDED)
    frozen, stopped, used, open_ = (made(takes_limit=2) for _ in range(4))
    vouchers.freeze_one(frozen.id, reason="leaked")
    vouchers.freeze(stopped.batch, reason="leaked")
    used.taken = 2
    over = made("OVER-EVENT", takes_limit=None, ends_at=NOW)
    early = made("EARLY-EVENT", takes_limit=None, starts_at=NOW + timedelta(seconds=1))
    gone = made("GONE-CAMPAIGN", takes_limit=None)
    db.session.flush()
    db.session.expire_all()
    said = set()
    for text in (frozen.text, stopped.text, used.text, over.text, early.text, "nothing", "\0", ""):
        with pytest.raises(vouchers.NoVoucherError) as refused:
            vouchers.check(text, who)
        said.add(refused.value.detail)
    assert len(said) == 1
    assert vouchers.check(open_.text.lower().replace("-", " "), who).voucher.id == open_.id
    assert vouchers.check(gone.text, who).take_id is None
    with pytest.raises(InvalidInputError):
        made("INTO-ENDED", takes_limit=5, points=0, campaign_id=ended.id)
    for one in (frozen, stopped, over, early):
        with pytest.raises(vouchers.NoVoucherError):
            vouchers.take(one.id, who)


def test_a_voucher_taken_by_me_stays_mine_after_it_is_over(app: Flask) -> None:
    voucher = made("WORKSHOP", takes_limit=5, ends_at=NOW + timedelta(hours=1))
    who = make_ambassador().id
    take = vouchers.take(voucher.id, who)
    with clock.frozen(NOW + timedelta(days=1)):
        assert vouchers.check("workshop", who).take_id == take.id
        assert vouchers.take(voucher.id, who).id == take.id
    assert purse.available(who, POINTS) == 40


def test_a_single_use_voucher_with_value_cannot_be_guessed(app: Flask) -> None:
    with pytest.raises(InvalidInputError, match="at random"):
        made("PEAR")
    with pytest.raises(InvalidInputError, match="12 #"):
        made(pattern="BOX-####-####")
    with pytest.raises(InvalidInputError):
        made(count=10_001)
    assert len(codes.fold(made().text)) >= 12


def test_ten_thousand_vouchers_are_made_at_once_all_different(app: Flask) -> None:
    first = made(count=10_000, pattern="BOX-############")
    texts = {one.text for one in vouchers.of_batch(first.batch_id, limit=20_000)}
    assert len(texts) == 10_000
    assert all(text.startswith("BOX-") for text in texts)


def test_a_text_that_exists_is_refused(app: Flask) -> None:
    made("WORKSHOP", takes_limit=5)
    with pytest.raises(codes.CodeTakenError):
        made("work shop", takes_limit=5)


def test_suspended_people_take_nothing(app: Flask) -> None:
    voucher = made()
    who = make_ambassador(status="suspended").id
    with pytest.raises(purse.RestingError):
        vouchers.take(voucher.id, who)


def test_points_are_given_with_a_reason_that_the_audit_log_keeps(app: Flask) -> None:
    who = make_ambassador().id
    for _ in range(2):
        points.grant(who, 100, reason="answered newcomers", key="a")
    assert purse.available(who, POINTS) == 100
    points.grant(who, -30, reason="counted twice", key="b")
    assert purse.available(who, POINTS) == 70
    with pytest.raises(points.TooFewPointsError):
        points.grant(who, -71, reason="too much", key="c")
    with pytest.raises(InvalidInputError):
        points.grant(who, 10, reason="  ", key="d")
    query = sa.select(AuditLine).where(AuditLine.act == "points.grant").order_by(AuditLine.id)
    lines = db.session.scalars(query).all()
    assert [line.details["points"] for line in lines] == [100, -30]
    assert verify.breaches() == []


def test_the_database_refuses_to_change_what_vouchers_gave(app: Flask) -> None:
    voucher = made()
    vouchers.take(voucher.id, make_ambassador().id)
    db.session.commit()
    for statement in (
        sa.delete(VoucherTake), sa.update(VoucherBatch).values(points=1), sa.delete(Voucher),
    ):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError):
            db.session.execute(statement)
        db.session.rollback()


def test_verify_names_points_and_vouchers_that_do_not_add_up(app: Flask) -> None:
    voucher = made(takes_limit=3)
    who = make_ambassador().id
    vouchers.take(voucher.id, who)
    voucher.taken = 2
    points.post_given(who, 5, source="made-up")
    db.session.flush()
    found = [str(one) for one in verify.breaches()]
    assert any("M10: voucher" in one and "counts 2 taken and has 1" in one for one in found)
    assert any("M7" in one and "has 45 PTS on points_given" in one for one in found)
