"""What was stopped for a while stays stopped for the orders of that while."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from ambassadors import enrolment
from ambassadors.models import Ambassador
from campaigns import campaigns
from campaigns.models import Campaign
from core import clock
from core.db import db
from integrations import facts
from referrals import links
from referrals.models import Click, ClickKind, Code
from rewards import credits, intake, verify
from tests.conftest import NOW
from tests.factories import make_code, purchase_fact

HOUR = timedelta(hours=1)


@pytest.fixture
def code(app: Flask) -> Code:
    return make_code("ZOE10")


def reason_of(fact: facts.Purchase) -> str:
    (outcome,) = intake.take_purchases([fact])
    assert outcome.purchase_id is not None
    decided = credits.describe([outcome.purchase_id])[outcome.purchase_id].attribution
    assert decided is not None
    return str(decided.lost[0]["reason"] if decided.lost else decided.reason)


def stop_and_go_on(code: Code, what: str) -> None:
    """Stop the ambassador or the campaign at NOW + 1 h, and go on at NOW + 3 h."""
    ambassador = db.session.get_one(Ambassador, code.ambassador_id)
    campaign = db.session.get_one(Campaign, code.campaign_id)
    with clock.frozen(NOW + HOUR):
        enrolment.suspend(ambassador, reason="a question") if what == "ambassador" else (
            campaigns.pause(campaign)
        )
    with clock.frozen(NOW + 3 * HOUR):
        enrolment.reactivate(ambassador) if what == "ambassador" else campaigns.start(campaign)


@pytest.mark.parametrize(
    ("what", "why"),
    [("ambassador", "ambassador_not_active"), ("campaign", "campaign_not_running")],
)
def test_an_order_of_the_break_earns_nothing_also_when_it_comes_late(
    code: Code, what: str, why: str
) -> None:
    stop_and_go_on(code, what)
    with clock.frozen(NOW + 4 * HOUR):
        hours = {hour: purchase_fact(codes=("ZOE10",), occurred_at=NOW + hour * HOUR)
                 for hour in (0, 2, 4)}  # fmt: skip
        assert [reason_of(fact) for fact in hours.values()] == ["code_used", why, "code_used"]
        assert verify.breaches() == []


def test_a_campaign_that_was_paused_and_then_ended_did_not_run_in_between(code: Code) -> None:
    campaign = db.session.get_one(Campaign, code.campaign_id)
    with clock.frozen(NOW + HOUR):
        campaigns.pause(campaign)
    with clock.frozen(NOW + 3 * HOUR):
        campaigns.end(campaign)
        late = purchase_fact(codes=("ZOE10",), occurred_at=NOW + 2 * HOUR)
        assert reason_of(late) == "campaign_not_running"


def test_a_link_of_a_paused_campaign_earns_nothing(code: Code) -> None:
    assert code.ambassador_id is not None
    link = links.create(campaign_id=code.campaign_id, ambassador_id=code.ambassador_id)
    db.session.add(
        Click(token="t" * 32, link_id=link.id, clicked_at=NOW, kind=ClickKind.VISIT,
              has_consent=True, is_paid_traffic=False)
    )  # fmt: skip
    campaigns.pause(db.session.get_one(Campaign, code.campaign_id))
    assert reason_of(purchase_fact(click_token="t" * 32)) == "campaign_not_running"
