"""Data is kept for its term and not longer; money and its reasons stay as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from core import clock, outbox
from core.changes import FactChange
from core.db import db
from core.outbox import MessageState, OutboxMessage
from integrations import inbox
from integrations.inbox import Delivery, DeliveryState
from referrals import attribution, click_terms
from referrals.models import Attribution, Click, ClickKind, Link
from rewards import intake, jobs_privacy, retention
from tests.conftest import NOW
from tests.factories import make_code, must, purchase_fact

ADDRESSES, CLICKS = retention.LARGE


def click(token: str, at: datetime) -> None:
    link = db.session.scalar(sa.select(Link))
    if link is None:
        code = make_code("ZOE10")
        link = Link(
            slug="zoe", campaign_id=code.campaign_id, ambassador_id=code.ambassador_id,
            destination="https://shop.example", created_at=at,
        )  # fmt: skip
        db.session.add(link)
        db.session.flush()
    db.session.add(
        Click(
            token=token, link_id=link.id, clicked_at=at, kind=ClickKind.VISIT, has_consent=True,
            is_paid_traffic=False, ip_hash="f" * 64, referrer_host="pages.example",
        )
    )  # fmt: skip
    db.session.flush()


def clicks() -> dict[str, tuple[bool, bool]]:
    """Return which clicks are there, and whether each tells an address and an origin."""
    db.session.rollback()
    rows = db.session.execute(sa.select(Click.token, Click.ip_hash, Click.referrer_host))
    return {row.token: (row.ip_hash is not None, row.referrer_host is not None) for row in rows}


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2025, 2, 1, 12, tzinfo=UTC)),
        (datetime(2027, 3, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)),
        (datetime(2026, 1, 15, tzinfo=UTC), datetime(2024, 12, 15, tzinfo=UTC)),
    ],
)
def test_thirteen_months_are_counted_by_the_calendar(
    app: Flask, now: datetime, first: datetime
) -> None:
    click("kept", first)
    click("over", first - timedelta(seconds=1))
    clock.set_now(now)
    jobs_privacy.sweep_all()
    assert set(clicks()) == {"kept"}


def test_an_address_is_forgotten_after_ninety_days_and_an_origin_with_the_click(
    app: Flask,
) -> None:
    edge = NOW - click_terms.ADDRESS_KEPT
    click("new", edge)
    click("old", edge - timedelta(seconds=1))
    assert jobs_privacy.sweep_all()[ADDRESSES] == 1
    assert clicks() == {"new": (True, True), "old": (False, True)}


@pytest.mark.parametrize("token", ["named", "other named", "named other"])
def test_a_click_that_a_purchase_names_stays_as_its_reason_without_address_or_origin(
    app: Flask, token: str
) -> None:
    long_ago = NOW - timedelta(days=500)
    click("named", long_ago)
    click("nobody", long_ago)
    told = purchase_fact(click_token=token, occurred_at=long_ago + timedelta(days=1))
    bought = must(intake.take_purchases([told])[0].purchase_id)
    db.session.commit()
    before = attribution.recorded([bought])
    jobs_privacy.sweep_all()
    assert clicks() == {"named": (False, False)}
    assert attribution.decide([bought]) == attribution.recorded([bought]) == before
    assert db.session.scalar(sa.select(Attribution.click_id)) is not None
    months = set(db.session.scalars(sa.select(FactChange.month).where(FactChange.fact == "clicks")))
    assert months == {f"{long_ago:%Y-%m}"}  # the reports follow


def test_a_dry_run_counts_and_forgets_nothing(app: Flask) -> None:
    click("over", NOW - timedelta(days=500))
    inbox.store("stripe", "evt_1", "invoice.paid", b"{}", is_ours=False)
    db.session.commit()
    clock.set_now(NOW + inbox.BODY_KEPT + timedelta(seconds=1))
    runner = app.test_cli_runner()
    before = clicks()
    trial = runner.invoke(args=["privacy", "sweep", "--dry-run"])
    assert trial.exit_code == 0, trial.output
    assert "       1  clicks that no purchase names" in trial.output
    assert "       1  texts of webhooks that came in" in trial.output
    assert clicks() == before
    assert db.session.scalar(sa.select(Delivery.body)) == b"{}"
    assert db.session.scalar(sa.select(sa.func.count(AuditLine.id))) == 0
    done = runner.invoke(args=["privacy", "sweep"])
    assert "       1  clicks that no purchase names" in done.output
    db.session.rollback()
    assert clicks() == {}
    assert db.session.scalar(sa.select(Delivery.body)) is None
    assert db.session.scalar(sa.select(AuditLine.act)) == "privacy.sweep"


def test_forgetting_twice_forgets_nothing_more(app: Flask) -> None:
    click("over", NOW - timedelta(days=500))
    outbox.enqueue("email", {"to": "ana@example.com"}, key="k")
    db.session.execute(sa.update(OutboxMessage).values(state=MessageState.FAILED))
    db.session.commit()
    clock.set_now(NOW + outbox.FAILED_KEPT + timedelta(seconds=1))
    assert jobs_privacy.sweep_daily() == 3  # the click, its address, and the text of the mail
    assert db.session.scalar(sa.select(OutboxMessage.payload)) == {}
    assert jobs_privacy.sweep_daily() == 0
    assert len(db.session.scalars(sa.select(AuditLine.act)).all()) == 1


def test_more_than_a_batch_is_forgotten(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_privacy, "BATCH_ROWS", 2)
    for number in range(5):
        click(f"c{number}", NOW - timedelta(days=500))
    assert jobs_privacy.sweep_all()[CLICKS] == 5
    assert clicks() == {}


def test_what_waits_is_never_forgotten(app: Flask) -> None:
    inbox.store("stripe", "evt_1", "invoice.paid", b"{}")
    outbox.enqueue("email", {"to": "ana@example.com"}, key="k")
    db.session.commit()
    clock.set_now(NOW + timedelta(days=999))
    assert jobs_privacy.sweep_daily() == 0
    assert db.session.scalar(sa.select(Delivery.state)) is DeliveryState.STORED
