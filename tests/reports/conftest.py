"""What the tests of the reports share: a program in London, and the shop's orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from ambassadors import program
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Code
from rewards import intake
from tests.factories import make_ambassador, make_campaign, make_code, make_member, purchase_fact

Buy = Callable[..., facts.Purchase]


@pytest.fixture
def london(app: Flask) -> Flask:
    """A program in pounds whose months are London's."""
    program.set_rules({"currency": "GBP", "timezone": "Europe/London"})
    db.session.commit()
    return app


@pytest.fixture
def zoe(london: Flask) -> Code:
    """Zoé's code ZOE10: 10 % of net, no hold."""
    return give_zoe_a_code()


def give_zoe_a_code() -> Code:
    """Make Zoé's code in a program of pounds, and commit."""
    campaign = make_campaign(slug="spring", currency="GBP", rule={"hold_days": 0})
    member = make_member(external_id="crm-7", name="Zoé Martin")
    owner = make_ambassador(member=member, enrolled_at=clock.parse_instant("2020-01-01T00:00:00Z"))
    code = make_code("ZOE10", campaign_id=campaign.id, ambassador_id=owner.id)
    db.session.commit()
    return code


def buy(at: str, total: int, **overrides: Any) -> facts.Purchase:
    """Take a purchase of London's shop at an instant with its offset, and commit."""
    moment = datetime.fromisoformat(at)
    fact = purchase_fact(occurred_at=moment, total=total, currency="GBP", **overrides)
    (outcome,) = intake.take_purchases([fact])
    assert outcome.problem is None
    db.session.commit()
    return fact
