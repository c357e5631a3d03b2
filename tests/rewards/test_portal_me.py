"""What is an ambassador's own: profile, payout details, a copy of their data."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts import sessions
from accounts.models import AuditLine, User
from ambassadors.models import Ambassador
from core import clock, jobs
from core.db import db
from core.errors import NotFoundError
from core.outbox import OutboxMessage
from referrals import links
from referrals.models import Click, ClickKind
from rewards import commissions, intake, jobs_privacy, payout_details, person_data
from rewards.models import DataExport, PayoutDetail, PayoutMethod
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    sign_in,
)

IBAN = "CH93 0076 2011 6238 5295 7"


@pytest.fixture
def zoe(app: Flask) -> Ambassador:
    """Zoé, with a code, a link, a visit and a friend's purchase whose hold is over."""
    user = make_user("ambassador", email="zoe@example.com", name="Zoé", locale="fr")
    member = make_member(name="Zoé Martin", email="zoe@example.com", locale="fr")
    ambassador = make_ambassador(member=member, user_id=user.id)
    campaign = make_campaign(rule={"hold_days": 0})
    make_code("ZOE15", ambassador_id=ambassador.id, campaign_id=campaign.id)
    link = links.create(campaign_id=campaign.id, ambassador_id=ambassador.id, slug="zoe")
    db.session.add(
        Click(
            token="visit", link_id=link.id, clicked_at=NOW, kind=ClickKind.VISIT, ip_hash="f" * 64,
            has_consent=True, is_paid_traffic=False, referrer_host="friend.example",
        )
    )  # fmt: skip
    db.session.commit()
    return ambassador


def _earn(total: int) -> None:
    sold = purchase_fact(
        codes=("ZOE15",), total=total, email="secret.friend@example.com", occurred_at=NOW
    )
    intake.take_purchases([sold])
    commissions.release(commissions.due())
    db.session.commit()


def _browser(app: Flask, who: Ambassador) -> FlaskClient:
    client = app.test_client()
    sign_in(client, db.session.get_one(User, who.user_id))
    return client


def test_name_and_language_change_for_pages_and_mails(app: Flask, zoe: Ambassador) -> None:
    browser = _browser(app, zoe)
    answer = browser.post("/portal/me", data={"name": "Zoe M.", "locale": "en"})
    assert answer.status_code == 303
    db.session.expire_all()
    assert (zoe.member.name, zoe.member.locale, zoe.member.email) == (
        "Zoe M.", "en", "zoe@example.com",
    )  # fmt: skip
    assert db.session.get_one(User, zoe.user_id).locale == "en"
    assert "What is yours to decide." in browser.get("/portal/me").text
    assert browser.post("/portal/me", data={"name": "", "locale": "en"}).status_code == 422


def test_my_page_leads_to_the_messages_and_each_page_is_found_under_a_tab(
    app: Flask, zoe: Ambassador
) -> None:
    browser = _browser(app, zoe)
    assert 'href="/portal/notifications"' in browser.get("/portal/me").text
    for path, tab in {
        "notifications": "me", "payouts": "me", "codes": "share", "campaigns": "share",
        "invite": "share", "questions": "purchases", "statements": "me", "invoices": "me",
        "contracts": "me",
    }.items():  # fmt: skip
        page = browser.get(f"/portal/{path}").text
        assert f'href="/portal/{tab}" aria-current="true"' in page, path


def test_payout_details_are_asked_for_only_when_there_is_enough_to_pay(
    app: Flask, zoe: Ambassador
) -> None:
    browser = _browser(app, zoe)
    _earn(19_990)  # earns 19.99 of 20.00
    assert "Where may we send your money?" not in browser.get("/portal/?lang=en").text
    assert "Not needed yet" in browser.get("/portal/me/payout?lang=en").text
    with pytest.raises(payout_details.NotNeededError):
        payout_details.change(zoe, PayoutMethod.BANK, holder="Zoé", number=IBAN)
    db.session.rollback()
    _earn(10)
    assert "Where may we send your money?" in browser.get("/portal/?lang=en").text
    assert 'name="iban"' in browser.get("/portal/me/payout?lang=en").text


def test_an_account_number_is_sealed_and_only_its_end_is_told(
    app: Flask, zoe: Ambassador, capsys: pytest.CaptureFixture[str]
) -> None:
    _earn(30_000)
    browser = _browser(app, zoe)
    data = {"method": "bank", "holder": "Zoé Martin", "iban": IBAN}
    assert browser.post("/portal/me/payout", data=data).status_code == 303
    row = db.session.scalars(sa.select(PayoutDetail)).one()
    whole = IBAN.replace(" ", "")
    assert row.last4 == "2957"
    assert whole not in f"{row.sealed} {row.fingerprint} {row.holder}"
    assert payout_details.account_number(zoe.id) == whole
    assert row.changed_at == NOW
    assert must(payout_details.of(zoe.id)).held_until == NOW + timedelta(hours=72)
    for path in ("/portal/me", "/portal/me/payout"):
        page = browser.get(path, query_string={"lang": "en"}).text
        assert "ending in 2957" in page
        assert "0076" not in page
    line = db.session.scalars(
        sa.select(AuditLine).where(AuditLine.act == "payout_detail.change")
    ).one()
    assert line.details == {"method": "bank", "last4": "2957", "is_first": True}
    mail = db.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.key.startswith("payout_changed:"))
    ).one()
    assert mail.payload["to"] == "zoe@example.com"
    assert "2957" in mail.payload["text"]
    assert "0076" not in str(mail.payload)
    assert "0076" not in "".join(capsys.readouterr())


def test_a_wrong_account_number_is_refused_and_nothing_is_kept(app: Flask, zoe: Ambassador) -> None:
    _earn(30_000)
    data = {"method": "bank", "holder": "Zoé", "iban": IBAN.replace("7", "8")}
    answer = _browser(app, zoe).post("/portal/me/payout", query_string={"lang": "en"}, data=data)
    assert answer.status_code == 422
    assert "This IBAN is not right" in answer.text
    assert payout_details.of(zoe.id) is None


def test_another_secret_opens_no_account_number(app: Flask, zoe: Ambassador) -> None:
    _earn(30_000)
    payout_details.change(zoe, PayoutMethod.BANK, holder="Zoé", number=IBAN)
    before = app.config["SECRET_KEY"]
    app.config["SECRET_KEY"] = "another"
    try:
        assert payout_details.account_number(zoe.id) is None
    finally:
        app.config["SECRET_KEY"] = before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/portal/me/payout"), ("POST", "/portal/me/payout"),
        ("POST", "/portal/me/data/file"), ("POST", "/portal/me/data/file/download"),
        ("GET", "/portal/me/erase"), ("POST", "/portal/me/erase"),
    ],
)  # fmt: skip
def test_dangerous_acts_ask_for_a_fresh_sign_in(
    app: Flask, zoe: Ambassador, method: str, path: str
) -> None:
    browser = _browser(app, zoe)
    with clock.frozen(NOW + sessions.FRESH + timedelta(seconds=1)):
        answer = browser.open(path, method=method)
    assert answer.status_code == 303
    assert "/account/confirm" in must(answer.location)
    assert zoe.member.name == "Zoé Martin"


def test_a_copy_of_my_data_is_made_by_the_clock_and_fetched(app: Flask, zoe: Ambassador) -> None:
    _earn(30_000)
    payout_details.change(zoe, PayoutMethod.BANK, holder="Zoé", number=IBAN)
    db.session.commit()
    browser = _browser(app, zoe)
    for _ in range(2):
        browser.post("/portal/me/data/file")
    assert db.session.scalar(sa.select(sa.func.count(jobs.Job.id))) == 1
    assert browser.post("/portal/me/data/file/download").status_code == 404
    assert jobs_privacy.write_exports() == 1
    assert jobs_privacy.write_exports() == 0
    assert "It can be fetched until" in browser.get("/portal/me/data?lang=en").text
    answer = browser.post("/portal/me/data/file/download")
    assert answer.mimetype == "application/json"
    told = json.loads(answer.text)
    assert told["member"]["name"] == "Zoé Martin"
    assert told["account"]["email"] == "zoe@example.com"
    assert [one["text"] for one in told["codes"]] == ["ZOE15"]
    assert told["visits_of_my_links"][0]["slug"] == "zoe"
    assert told["purchases_brought"][0]["amount"] == 3_000
    assert told["commissions"][0]["amount"] == 3_000
    assert told["payout_details"]["iban"] == IBAN.replace(" ", "")
    assert told["ledger"]
    assert {"payout_detail.change", "privacy.ask"} <= {one["act"] for one in told["audit_log"]}
    for of_others in ("secret", "friend.example", "f" * 64, "order-"):
        assert of_others not in answer.text
    acts = db.session.scalars(sa.select(AuditLine.act).where(AuditLine.act == "privacy.export"))
    assert len(list(acts)) == 1


def test_a_file_is_gone_after_a_week(app: Flask, zoe: Ambassador) -> None:
    person_data.ask(zoe.member_id, by="user:1")
    db.session.commit()
    jobs_privacy.write_exports()
    with clock.frozen(NOW + person_data.KEPT_FOR):
        with pytest.raises(NotFoundError):
            person_data.fetch(zoe.member_id)
        assert jobs_privacy.sweep() == 1
    assert db.session.scalar(sa.select(DataExport.id)) is None
