"""Pages of thresholds and contracts, for the team and for the ambassador who signs."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador
from core.db import db
from core.outbox import OutboxMessage
from rewards.models_contracts import Contract, Threshold
from tests.factories import make_user, sign_in
from tests.rewards.test_payouts import earner, later, rules

__all__ = ["rules"]


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    """A browser in which a marketer is signed in."""
    browser = app.test_client()
    sign_in(browser, make_user(RoleName.MARKETER))
    return browser


def portal_of(app: Flask, who: int) -> FlaskClient:
    """Return a browser in which an ambassador is signed in."""
    user = make_user(RoleName.AMBASSADOR)
    db.session.get_one(Ambassador, who).user_id = user.id
    browser = app.test_client()
    sign_in(browser, user)
    return browser


def the_contract() -> Contract:
    return db.session.scalars(sa.select(Contract)).one()


def test_a_contract_goes_from_the_meter_to_the_signature(app: Flask, staff: FlaskClient) -> None:
    who = earner(1_000_000)
    mine = portal_of(app, who)
    page = staff.get("/console/contracts?lang=en").text
    assert "needs a contract" in page
    assert "1,000.00" in page
    told = {"ambassador_id": str(who), "objective": "acquisition", "year": "2026"}
    where = staff.post("/console/contracts", data=told).headers["Location"]
    staff.post(f"{where}/remind")
    assert db.session.scalar(sa.select(sa.func.count(OutboxMessage.id))) == 2
    made = the_contract()
    assert made.text[:30] in staff.get(f"{where}?lang=en").text.replace("&#39;", "'")
    path = f"/portal/contracts/{made.id}"
    assert path in mine.get("/portal/?lang=en").text
    with later():
        mine = portal_of(app, who)
        assert "Once you have signed it" in mine.get("/portal/payouts?lang=en").text
    mine = portal_of(app, who)
    assert made.text_hash in mine.get(path).text
    assert mine.post(path, data={"seen": made.text_hash, "name": ""}).status_code == 422
    assert mine.post(path, data={"seen": "old", "name": "Zoé Martin"}).status_code == 409
    done = mine.post(path, data={"seen": made.text_hash, "name": "Zoé Martin"})
    assert done.status_code == 303
    assert "Zoé Martin" in mine.get(path).text
    assert path not in mine.get("/portal/").text
    assert path in mine.get("/portal/contracts").text
    with later():
        mine = portal_of(app, who)
        assert "Once you have signed it" not in mine.get("/portal/payouts?lang=en").text
    acts = set(db.session.scalars(sa.select(AuditLine.act)))
    assert {"contract.prepare", "contract.remind", "contract.sign"} <= acts


def test_nobody_reads_or_signs_the_contract_of_another(app: Flask, staff: FlaskClient) -> None:
    who = earner(1_000_000)
    told = {"ambassador_id": str(who), "objective": "acquisition", "year": "2026"}
    staff.post("/console/contracts", data=told)
    made = the_contract()
    other = portal_of(app, earner(5_000))
    path = f"/portal/contracts/{made.id}"
    assert other.get(path).status_code == 404
    answer = other.post(path, data={"seen": made.text_hash, "name": "Zoé Martin"})
    assert answer.status_code == 404
    db.session.refresh(made)
    assert made.signed_at is None


@pytest.mark.parametrize(
    "told",
    [{}, {"ambassador_id": "x"}, {"ambassador_id": "999999"}, {"objective": "nothing"},
     {"year": "1999"}, {"year": "x"}],
)  # fmt: skip
def test_a_form_that_was_tampered_with_writes_no_contract(
    app: Flask, staff: FlaskClient, told: dict[str, str]
) -> None:
    good = {"ambassador_id": str(earner()), "objective": "acquisition", "year": "2026"}
    answer = staff.post("/console/contracts", data=good | told if told else {})
    assert answer.status_code == 303
    assert db.session.scalars(sa.select(Contract)).all() == []


def test_the_words_get_a_new_version_and_name_what_is_wrong(app: Flask, staff: FlaskClient) -> None:
    page = staff.get("/console/contracts/template?lang=en").text
    assert "Version 1" in page
    wrong = staff.post("/console/contracts/template?lang=en",
                       data={"text_en": "Hello {nobody}", "text_fr": "Bonjour"})  # fmt: skip
    assert wrong.status_code == 422
    assert "There is no variable {nobody}." in wrong.text
    needed = "{brand} {ambassador} {objective} {from} {until} {pay}"
    staff.post("/console/contracts/template", data={"text_en": needed, "text_fr": needed})
    assert "Version 2" in staff.get("/console/contracts/template?lang=en").text


def test_finance_adds_a_threshold_and_marketing_reads_it(app: Flask, staff: FlaskClient) -> None:
    told = {"kind": "contract", "effective_from": "2027-01-01", "amount": "1200", "currency": "EUR",
            "source": "a new law"}  # fmt: skip
    path = "/console/settings/thresholds"
    assert staff.post(path, data=told).status_code == 403
    finance = app.test_client()
    sign_in(finance, make_user(RoleName.FINANCE))
    assert finance.post(path, data=told).status_code == 303
    assert finance.post(path, data=told).status_code == 422
    assert finance.post(path, data=told | {"amount": "x"}).status_code == 422
    assert "a new law" in staff.get(path).text
    added = db.session.scalars(sa.select(Threshold).where(Threshold.recorded_by != "")).one()
    assert (added.amount, added.recorded_by[:5]) == (120_000, "user:")
