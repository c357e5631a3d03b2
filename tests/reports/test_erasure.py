"""M13: an erasure takes the person away and changes no balance, no report, no earlier decision.

It stands with the reports because they are what must not change.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine, SignIn, User
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from core import clock, emails
from core.db import db
from core.errors import ConflictError, NotFoundError
from core.outbox import OutboxMessage
from referrals import attribution, codes, customers
from referrals.models import Code, CodeStatus, CustomerIdentity, Purchase
from reports import catalogue, checks
from rewards import erasure, intake, ledger, person_data, questions, verify
from rewards.models import QuestionKind
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)

ZOE = "zoe.martin@example.com"


@pytest.fixture
def zoe(app: Flask) -> Ambassador:
    """Zoé: an account, a code with a limit, friends, a refund, purchases of her own."""
    user = make_user("ambassador", email=ZOE, name="Zoé")
    member = make_member(name="Zoé Martin", email=ZOE, email_hash=emails.digest(ZOE),
                         external_id="crm-7", country="CH", locale="fr")  # fmt: skip
    ambassador = make_ambassador(member=member, user_id=user.id)
    campaign = make_campaign(uses_per_customer=1)
    make_code("ZOE15", ambassador_id=ambassador.id, campaign_id=campaign.id)
    make_code("ANA15")
    sold = purchase_fact(codes=("ZOE15",))
    intake.take_purchases(
        [
            sold, purchase_fact(codes=("ZOE15",)), purchase_fact(email=ZOE),
            purchase_fact(email=ZOE, codes=("ZOE15",)), purchase_fact(email=ZOE, codes=("ANA15",)),
        ]
    )  # fmt: skip
    intake.take_refunds([refund_fact(sold, 2_500)])
    customers.link_members()
    db.session.commit()
    return db.session.get_one(Ambassador, ambassador.id)


def _figures() -> dict[str, Any]:
    """Return every figure of the three reports, without the words that name somebody."""
    found: dict[str, Any] = {}
    for name in ("acquisition", "codes", "cac"):
        report = catalogue.make(name, {"from": "2026-02", "to": "2026-03", "currency": "EUR"})
        rows = [
            {key: value for key, value in _row(row).items() if key != "ambassador"}
            for row in report.rows
        ]
        found[name] = (rows, _row(report.totals))
    return found


def _row(row: Any) -> dict[str, Any]:
    if isinstance(row, dict):
        return dict(row)
    return {name: getattr(row, name) for name in getattr(row, "__slots__", ())}


def _decisions() -> dict[int, dict[str, Any]]:
    return attribution.decide(list(db.session.scalars(sa.select(Purchase.id))))


def test_no_balance_no_report_and_no_decision_changes(zoe: Ambassador) -> None:
    before = (_figures(), ledger.balances(zoe.id), _decisions())
    assert before[0]["codes"][0]
    with clock.frozen(NOW + timedelta(days=1)):
        erasure.erase(zoe.member)
        db.session.commit()
    db.session.expire_all()
    assert (_figures(), ledger.balances(zoe.id), _decisions()) == before
    assert verify.breaches() == []
    assert checks.totals_equal_ledger() == []
    ids = list(db.session.scalars(sa.select(Purchase.id)))
    assert intake.decide_again(ids) == set()


def test_nothing_says_any_more_who_it_was(zoe: Ambassador) -> None:
    digest = emails.digest(ZOE)
    erasure.erase(zoe.member)
    db.session.commit()
    db.session.expire_all()
    user = db.session.get_one(User, zoe.user_id)
    assert (zoe.member.name, zoe.member.email, zoe.member.external_id) == (
        f"#{zoe.member_id}", None, None,
    )  # fmt: skip
    assert zoe.member.country is None
    assert zoe.member.email_hash != digest
    assert (user.name, user.password, user.active) == ("", None, False)
    assert "zoe" not in user.email
    for column in (Purchase.customer_key, Member.email_hash):
        assert db.session.scalar(sa.select(column).where(column == digest)) is None
    assert db.session.get(CustomerIdentity, f"email:{digest}") is None
    with pytest.raises(NotFoundError):
        erasure.erase_address(ZOE)


def test_codes_stop_stay_used_and_are_never_given_again(zoe: Ambassador) -> None:
    used = db.session.scalars(sa.select(Code.used).where(Code.text == "ZOE15")).one()
    erasure.erase(zoe.member)
    db.session.commit()
    db.session.expire_all()
    code = db.session.scalars(sa.select(Code).where(Code.text == "ZOE15")).one()
    assert (code.status, code.used, code.ambassador_id) == (CodeStatus.FROZEN, used, zoe.id)
    assert zoe.status is AmbassadorStatus.LEFT
    with pytest.raises(ConflictError):
        codes.create("zoé-15", campaign_id=code.campaign_id, ambassador_id=make_ambassador().id)


def test_the_same_person_later_is_a_new_customer_and_a_new_member(zoe: Ambassador) -> None:
    erasure.erase(zoe.member)
    intake.take_purchases([purchase_fact(email=ZOE, external_id="later")])
    db.session.commit()
    one = db.session.scalars(sa.select(Purchase).where(Purchase.external_id == "later")).one()
    others = sa.select(sa.func.count()).where(Purchase.customer_id == one.customer_id)
    assert db.session.scalar(others) == 1


def test_what_was_said_is_emptied_and_waiting_mails_are_taken_back(zoe: Ambassador) -> None:
    brought = must(db.session.scalar(sa.select(Purchase.id).order_by(Purchase.id)))
    questions.ask(zoe.id, brought, QuestionKind.QUESTION, "My neighbour Jo bought it")
    number = questions.of_purchases(zoe.id, [brought])[brought].id
    questions.answer(number, "Dear Zoé, yes.", by="user:1")
    person_data.ask(zoe.member_id, by="user:1")
    erasure.erase(zoe.member)
    db.session.commit()
    db.session.expire_all()
    said = questions.get(number)
    assert (said.text, said.answer) == ("", "")
    keys = list(db.session.scalars(sa.select(OutboxMessage.key)))
    assert [key for key in keys if not key.startswith("data_erased:")] == []
    assert person_data.known(zoe.member_id) is None
    line = db.session.scalars(sa.select(AuditLine).where(AuditLine.act == "privacy.erase")).one()
    assert (line.object_kind, line.details) == ("member", {})


def test_a_colleague_keeps_their_account_without_the_ambassadors_role(zoe: Ambassador) -> None:
    from accounts import users
    from accounts.models import RoleName

    user = db.session.get_one(User, zoe.user_id)
    users.set_roles(user, {RoleName.AMBASSADOR, RoleName.MARKETER})
    erasure.erase(zoe.member)
    db.session.commit()
    assert users.roles_of(user) == {RoleName.MARKETER}
    assert user.email == ZOE
    assert zoe.user_id is None


def test_the_portal_erases_and_signs_out(app: Flask, zoe: Ambassador) -> None:
    browser = app.test_client()
    sign_in(browser, db.session.get_one(User, zoe.user_id))
    assert "still yours" in browser.get("/portal/me/erase?lang=en").text
    assert browser.post("/portal/me/erase").status_code == 422
    assert browser.post("/portal/me/erase", data={"is_sure": "y"}).status_code == 303
    db.session.expire_all()
    assert zoe.member.email is None
    assert browser.get("/portal/").status_code == 302
    assert db.session.scalar(sa.select(SignIn.id).where(SignIn.ended_at.is_(None))) is None


def test_the_operator_exports_and_erases_by_address(app: Flask, zoe: Ambassador) -> None:
    run = app.test_cli_runner()
    db.session.commit()
    told = run.invoke(args=["privacy", "export", "Zoe.Martin+x@example.com"])
    assert '"name": "Zoé Martin"' in told.output, told.output
    assert run.invoke(args=["privacy", "export", "nobody@example.com"]).exit_code == 1
    gone = run.invoke(args=["privacy", "erase", ZOE, "--yes"])
    assert "The member is erased." in gone.output
    assert run.invoke(args=["privacy", "erase", ZOE, "--yes"]).exit_code == 1


def test_a_customer_who_is_no_member_is_erased_too(app: Flask) -> None:
    intake.take_purchases([purchase_fact(email="guest@example.com")])
    db.session.commit()
    assert erasure.erase_address("guest@example.com") is False
    assert db.session.scalar(sa.select(Purchase.customer_key)) != emails.digest("guest@example.com")
