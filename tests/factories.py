"""Makers of rows and facts: a test names only what it is about."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any, TypeVar

from flask.testing import FlaskClient

from accounts import keys, security, sessions, users
from accounts.models import RoleName, Scope, User
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from campaigns.models import (
    Benefit,
    BenefitKind,
    Campaign,
    CampaignStatus,
    Objective,
    RewardKind,
    RewardRule,
)
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Code, CodeStatus

_numbers = itertools.count(1)

T = TypeVar("T")


def must(value: T | None) -> T:
    """Return what has to be there."""
    assert value is not None
    return value


def make_member(**overrides: Any) -> Member:
    """Add a member."""
    n = next(_numbers)
    values = {"name": f"Member {n}", "joined_on": date(2026, 1, 1), "created_at": clock.now()}
    member = Member(**values | overrides)
    db.session.add(member)
    db.session.flush()
    return member


def make_ambassador(**overrides: Any) -> Ambassador:
    """Add an active ambassador with a member of their own."""
    values = {
        "kind": AmbassadorKind.CUSTOMER,
        "status": AmbassadorStatus.ACTIVE,
        "enrolled_at": clock.now(),
    }
    if "member" not in overrides:
        values["member"] = make_member()
    ambassador = Ambassador(**values | overrides)
    db.session.add(ambassador)
    db.session.flush()
    return ambassador


def make_campaign(*, rule: dict[str, Any] | None = None, **overrides: Any) -> Campaign:
    """Add a running campaign: 15 % for the friend, 10 % of net for the ambassador, 30 days held."""
    n = next(_numbers)
    values = {
        "slug": f"campaign-{n}", "name": f"Campaign {n}", "objective": Objective.ACQUISITION,
        "status": CampaignStatus.RUNNING, "countries": [], "currencies": [], "products": [],
        "new_customers_only": False, "refund_frees_use": False, "currency": "EUR",
        "committed": 0, "created_at": clock.now(),
    }  # fmt: skip
    campaign = Campaign(**values | overrides)
    campaign.benefits = [Benefit(position=0, kind=BenefitKind.PERCENT, percent=1500)]
    terms = {
        "version": 1, "kind": RewardKind.PERCENT, "rate": 1000, "include_tax": False,
        "include_shipping": False, "before_discount": False, "hold_days": 30,
        "new_customers_only": False, "created_at": clock.now(),
    }  # fmt: skip
    campaign.rules = [RewardRule(**terms | (rule or {}))]
    db.session.add(campaign)
    db.session.flush()
    return campaign


def make_code(text: str, **overrides: Any) -> Code:
    """Add an active code, with a campaign and an owner of its own unless given."""
    values: dict[str, Any] = {
        "key": text.upper().replace("-", ""), "text": text, "status": CodeStatus.ACTIVE,
        "used": 0, "created_at": clock.now(),
    }  # fmt: skip
    if "campaign_id" not in overrides:
        values["campaign_id"] = make_campaign().id
    if "ambassador_id" not in overrides:
        values["ambassador_id"] = make_ambassador().id
    code = Code(**values | overrides)
    db.session.add(code)
    db.session.flush()
    return code


def purchase_fact(**overrides: Any) -> facts.Purchase:
    """Return an order of 100.00 EUR by a new customer."""
    n = next(_numbers)
    values: dict[str, Any] = {
        "source": "api", "external_id": f"order-{n}", "occurred_at": clock.now(),
        "currency": "EUR", "total": 10_000, "email": f"friend{n}@example.com",
    }  # fmt: skip
    return facts.Purchase(**values | overrides)


def refund_fact(purchase: facts.Purchase, amount: int, **overrides: Any) -> facts.Refund:
    """Return a refund of a purchase."""
    values: dict[str, Any] = {
        "source": purchase.source, "external_id": f"refund-{next(_numbers)}",
        "order_source": purchase.source, "order_external_id": purchase.external_id,
        "amount": amount, "occurred_at": clock.now(),
    }  # fmt: skip
    return facts.Refund(**values | overrides)


PASSWORD = "correct horse battery"


def make_user(role: RoleName | str = RoleName.MARKETER, **overrides: Any) -> User:
    """Add a person with a role who can sign in with `PASSWORD`."""
    n = next(_numbers)
    values = {"email": f"person{n}@example.com", "name": f"Person {n}", "password": PASSWORD}
    values |= overrides
    password = values.pop("password")
    user = users.create(values.pop("email"), roles={RoleName(role)}, **values)
    if password:
        users.set_password(user, password)
    return user


def sign_in(client: FlaskClient, user: User) -> User:
    """Give a browser a session of this person, and commit."""
    with client.session_transaction() as cookie:
        cookie[security.TOKEN] = sessions.begin(user.id)
        cookie["_user_id"] = user.fs_uniquifier
    db.session.commit()
    return user


def make_key(*scopes: Scope | str) -> dict[str, str]:
    """Add an API key and return the header that carries it; commits."""
    secret = keys.create("test", frozenset(map(Scope, scopes)))
    db.session.commit()
    return {"Authorization": f"Bearer {secret}"}
