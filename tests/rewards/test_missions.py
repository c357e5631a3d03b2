"""Missions: proven, decided, rewarded once within their limits, and taken back with a reason."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns.models import Spend
from core import clock
from core.db import db
from core.errors import InvalidInputError, NotFoundError
from core.money import POINTS
from rewards import (
    badges,
    contract_meter,
    exchanges,
    intake,
    jobs_missions,
    mission_takes,
    missions,
    purse,
    statements,
    thresholds,
    verify,
)  # fmt: skip
from rewards.mission_takes import ContractNeededError, MissionError
from rewards.models import Entry, OfferStatus
from rewards.models_contracts import ThresholdKind
from rewards.models_missions import Mission, MissionTake, Proof, TakeState
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip
from tests.rewards.test_exchanges import make_perk
from tests.rewards.test_vouchers import CLIENTS, at_once

POST = "https://social.example/p/1"


def make_mission(campaign_id: int | None = None, **overrides: Any) -> Mission:
    """Set a mission that asks for a link and gives 15.00."""
    terms: dict[str, Any] = {
        "campaign_id": campaign_id or make_campaign().id, "name_en": "Show it",
        "name_fr": "Montrez", "text_en": "Publish a photo.", "text_fr": "Publiez une photo.",
        "proof": Proof.CONTENT,
        "amount": 1_500,
    }  # fmt: skip
    return missions.create(missions.Terms(**terms | overrides))


def taking_part(mission: Mission, number: int = 1, **overrides: Any) -> int:
    """Return the id of an ambassador who shares the campaign of a mission."""
    who = make_ambassador(**overrides)
    make_code(f"PART{number}X{mission.id}", campaign_id=mission.campaign_id, ambassador_id=who.id)
    return who.id


def has(who: int, unit: str = "EUR") -> int:
    assert verify.breaches() == []
    return purse.available(who, unit)


def state(take: MissionTake) -> TakeState:
    """Return the state as it is now."""
    db.session.refresh(take)
    return take.state


def test_an_accepted_link_is_paid_once_as_a_bonus(app: Flask) -> None:
    mission = make_mission()
    who = taking_part(mission)
    take = mission_takes.hand_in(mission.id, who, POST)
    assert (take.state, has(who)) == (TakeState.WAITING, 0)
    mission_takes.accept(take.id, by="Inès")
    assert (state(take), has(who)) == (TakeState.DONE, 1_500)
    with pytest.raises(MissionError):
        mission_takes.accept(take.id, by="Inès")
    with pytest.raises(MissionError):
        mission_takes.hand_in(mission.id, who, POST)
    mission_takes.give(mission.id, who, by="Inès")
    assert has(who) == 1_500
    (spent,) = db.session.scalars(sa.select(Spend))
    assert (spent.amount, spent.kind.value) == (1_500, "perks")
    acts = db.session.scalars(sa.select(AuditLine.act).order_by(AuditLine.id))
    assert "mission.give" in list(acts)


def test_a_declined_proof_says_why_and_may_come_again(app: Flask) -> None:
    mission = make_mission()
    who = taking_part(mission)
    take = mission_takes.hand_in(mission.id, who, POST)
    with pytest.raises(InvalidInputError):
        mission_takes.decline(take.id, reason=" ", by="Inès")
    mission_takes.decline(take.id, reason="The mention is missing.", by="Inès")
    assert (state(take), take.reason) == (TakeState.DECLINED, "The mention is missing.")
    again = mission_takes.hand_in(mission.id, who, f"{POST}2")
    assert (again.id, state(take), take.url) == (take.id, TakeState.WAITING, f"{POST}2")
    mission_takes.accept(take.id, by="Inès")
    assert has(who) == 1_500


def test_a_check_in_gives_at_once_with_the_right_code_only(app: Flask) -> None:
    mission = make_mission(proof=Proof.CHECK_IN, code="givre-26", points=40, amount=0)
    who = taking_part(mission)
    with pytest.raises(InvalidInputError):
        mission_takes.hand_in(mission.id, who, "GIVRE-27")
    db.session.commit()
    assert has(who, POINTS) == 0
    mission_takes.hand_in(mission.id, who, "Givre 26")
    assert has(who, POINTS) == 40


def test_a_mission_of_another_campaign_is_not_there(app: Flask) -> None:
    mission = make_mission()
    stranger = make_ambassador().id
    with pytest.raises(NotFoundError):
        mission_takes.hand_in(mission.id, stranger, POST)


@pytest.mark.parametrize(
    "terms",
    [
        {"ends_at": NOW},
        {"starts_at": NOW + timedelta(days=1)},
        {"status": OfferStatus.FROZEN},
        {"takes_limit": 1, "taken": 1},
        {"budget": 2_000, "committed": 1_000},
    ],
)
def test_a_mission_that_is_over_or_used_up_takes_no_proof(
    app: Flask, terms: dict[str, Any]
) -> None:
    mission = make_mission()
    who = taking_part(mission)
    for name, value in terms.items():
        setattr(mission, name, value)
    db.session.flush()
    with pytest.raises(MissionError):
        mission_takes.hand_in(mission.id, who, POST)
    db.session.rollback()


@pytest.mark.parametrize("limits", [{"takes_limit": 3}, {"budget": 5_000}])
def test_fifty_decisions_at_once_and_exactly_three_are_paid(
    app: Flask, limits: dict[str, int]
) -> None:
    mission = make_mission(**limits)
    people = [taking_part(mission, n) for n in range(CLIENTS)]
    takes = [mission_takes.hand_in(mission.id, who, POST).id for who in people]
    ends = at_once(app, [partial(mission_takes.accept, id_, by="Inès") for id_ in takes])
    assert ends == {"done": 3, "MissionError": CLIENTS - 3}
    assert sum(purse.available(who, "EUR") for who in people) == 4_500
    assert verify.breaches() == []


def test_one_proof_accepted_twenty_times_at_once_is_paid_once(app: Flask) -> None:
    mission = make_mission()
    who = taking_part(mission)
    take = mission_takes.hand_in(mission.id, who, POST).id
    ends = at_once(app, [partial(mission_takes.accept, take, by="Inès")] * 20)
    assert ends == {"done": 1, "MissionError": 19}
    assert has(who) == 1_500


def test_what_was_given_is_taken_back_once_with_a_reason(app: Flask) -> None:
    badge = badges.create(name_en="Pioneer", name_fr="Pionnière")
    perk = make_perk(stock=1)
    mission = make_mission(points=60, perk_id=perk.id, badge_id=badge.id)
    who = taking_part(mission)
    take = mission_takes.give(mission.id, who, by="Inès")
    assert (has(who), has(who, POINTS), perk.taken) == (1_500, 60, 1)
    assert [held.badge_id for held in badges.of_ambassador(who)] == [badge.id]
    exchanges.exchange(who, make_perk(price=50).id, seen=50, key="spent")
    mission_takes.reverse(take.id, reason="The photo was bought.", by="Inès")
    assert (has(who), has(who, POINTS)) == (0, 0)  # 50 were spent
    db.session.refresh(perk)
    assert (perk.taken, badges.of_ambassador(who)) == (0, [])
    with pytest.raises(MissionError):
        mission_takes.reverse(take.id, reason="Twice.", by="Inès")
    assert sum(db.session.scalars(sa.select(Spend.amount))) == 520 - 520 + 520


def test_enough_purchases_pay_a_bonus_once_they_can_no_longer_be_returned(app: Flask) -> None:
    mission = make_mission(proof=Proof.PURCHASES, goal=3)
    who = taking_part(mission)
    text = f"PART1X{mission.id}"
    orders = [purchase_fact(codes=(text,)) for _ in range(3)]
    intake.take_purchases(orders)
    intake.take_refunds([refund_fact(orders[0], orders[0].total)])
    db.session.commit()
    assert jobs_missions.give_reached() == 0
    with clock.frozen(NOW + timedelta(days=31)):
        assert jobs_missions.give_reached() == 0  # two are left
        intake.take_purchases([purchase_fact(codes=(text,))])
        db.session.commit()
    with clock.frozen(NOW + timedelta(days=70)):
        assert jobs_missions.give_reached() == 1
        assert jobs_missions.give_reached() == 0
        assert db.session.scalar(sa.select(Mission.taken)) == 1
        assert verify.breaches() == []
        (take,) = mission_takes.of_ambassador(who)
        assert take.state is TakeState.DONE


def test_nothing_is_paid_before_a_contract_that_the_law_asks_for_is_signed(app: Flask) -> None:
    thresholds.add(
        ThresholdKind.CONTRACT, amount="10.00", currency="EUR", effective_from=NOW.date(),
        source="for the test", by="finance",
    )  # fmt: skip
    mission = make_mission()
    who = taking_part(mission)
    mission_takes.give(mission.id, who, by="Inès")
    (reading,) = contract_meter.readings(2026, only=[who])
    assert (reading.pay, reading.level) == (1_500, contract_meter.Level.REACHED)
    other = make_mission(mission.campaign_id)
    take = mission_takes.hand_in(other.id, who, POST)
    db.session.commit()
    with pytest.raises(ContractNeededError):
        mission_takes.accept(take.id, by="Inès")
    db.session.rollback()
    assert (state(take), has(who)) == (TakeState.WAITING, 1_500)


def test_the_statement_names_the_mission(app: Flask) -> None:
    mission = make_mission()
    who = taking_part(mission)
    take = mission_takes.give(mission.id, who, by="Inès")
    mission_takes.reverse(take.id, reason="A mistake.", by="Inès")
    (one,) = statements.of_month(who, "2026-03")
    assert [line.about for line in one.lines] == ["Show it", "Show it"]
    assert one.closing.total == 0
    sources = list(db.session.scalars(sa.select(Entry.source).order_by(Entry.id)))
    assert sources == [f"mission:{take.id}:bonus", f"mission:{take.id}:back"]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"amount": 0}, "/amount"),
        ({"proof": Proof.PURCHASES}, "/goal"),
        ({"proof": Proof.CHECK_IN, "code": "a"}, "/code"),
        ({"text_en": " "}, "/text_en"),
        ({"campaign_id": 999_999}, "/campaign_id"),
        ({"takes_limit": -1}, "/takes_limit"),
        ({"perk_id": 999_999}, "/perk_id"),
        ({"starts_at": NOW, "ends_at": NOW}, "/ends_on"),
    ],
)
def test_terms_that_cannot_be_are_named(app: Flask, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as told:
        make_mission(**terms)
    assert field in {fault.pointer for fault in told.value.faults}


def test_a_mission_that_counts_wrongly_is_found(app: Flask) -> None:
    mission = make_mission()
    mission.taken = 2
    db.session.flush()
    assert [breach.subject for breach in verify.breaches()] == [f"mission {mission.id}"]


def as_ambassador(client: FlaskClient, mission: Mission) -> int:
    user = make_user(RoleName.AMBASSADOR)
    who = taking_part(mission, user_id=user.id)
    sign_in(client, user)
    return who


def test_the_portal_shows_missions_and_takes_a_proof(app: Flask, client: FlaskClient) -> None:
    mission = make_mission()
    who = as_ambassador(client, mission)
    english = {"Accept-Language": "en"}
    assert "Show it" in client.get("/portal/missions", headers=english).text
    address = f"/portal/missions/{mission.id}"
    assert "Publish a photo." in client.get(address, headers=english).text
    wrong = client.post(address, data={"text": "no address"}, headers=english)
    assert (wrong.status_code, "whole address" in wrong.text) == (422, True)
    assert client.post(address, data={"text": POST}).status_code == 303
    assert "the team looks at it" in client.get(address, headers=english).text
    assert client.post(address, data={"text": POST}).status_code == 422
    (take,) = mission_takes.of_ambassador(who)
    mission_takes.decline(take.id, reason="No mention.", by="Inès")
    assert "No mention." in client.get(address, headers=english).text
    assert client.get("/portal/missions/999999").status_code == 404


def test_a_marketer_sets_a_mission_and_decides_its_proofs(app: Flask, client: FlaskClient) -> None:
    campaign = make_campaign()
    badge = badges.create(name_en="Pioneer", name_fr="Pionnière")
    sign_in(client, make_user(RoleName.MARKETER))
    told = {
        "campaign_id": campaign.id, "name_fr": "Montrez", "name_en": "Show it",
        "text_fr": "Publiez.", "text_en": "Publish.", "proof": "content", "amount": "12.50",
        "badge_id": badge.id, "takes_limit": "5", "perk_id": "",
    }  # fmt: skip
    assert client.post("/console/missions/new", data=told | {"amount": "x"}).status_code == 422
    assert client.post("/console/missions/new", data=told).status_code == 303
    mission = must(db.session.scalar(sa.select(Mission)))
    assert (mission.amount, mission.takes_limit) == (1_250, 5)
    first, second = taking_part(mission, 1), taking_part(mission, 2)
    one, two = (mission_takes.hand_in(mission.id, who, POST) for who in (first, second))
    assert "social.example/p/1" in client.get("/console/missions").text
    client.post(f"/console/missions/proofs/{one.id}/accept")
    client.post(f"/console/missions/proofs/{two.id}/decline", data={"reason": "No mention."})
    assert [state(one), state(two)] == [TakeState.DONE, TakeState.DECLINED]
    page = client.get(f"/console/missions/{mission.id}").text
    assert "No mention." in page
    client.post(f"/console/missions/proofs/{one.id}/reverse", data={"reason": "Bought."})
    assert (state(one), has(first)) == (TakeState.REVERSED, 0)
    nobody = client.post(f"/console/missions/{mission.id}", data={"ambassador": "nobody"})
    assert nobody.status_code == 422
    meant = {"ambassador": f"PART2X{mission.id}"}
    given = client.post(f"/console/missions/{mission.id}", data=meant)
    assert (given.status_code, has(second)) == (303, 1_250)
    client.post(f"/console/missions/{mission.id}/freeze")
    db.session.refresh(mission)
    assert mission.status is OfferStatus.FROZEN


def test_a_person_gives_a_badge_and_takes_it_back(app: Flask, client: FlaskClient) -> None:
    mission = make_mission()
    who = taking_part(mission)
    sign_in(client, make_user(RoleName.MARKETER))
    names = {"name_en": "Pioneer", "name_fr": "Pionnière"}
    assert client.post("/console/missions/badges", data=names).status_code == 303
    ((badge, _count),) = badges.everything()
    meant = {"ambassador": f"PART1X{mission.id}"}
    for _twice in range(2):
        client.post(f"/console/missions/badges/{badge.id}/give", data=meant)
    assert [held.badge_id for held in badges.of_ambassador(who)] == [badge.id]
    english = {"Accept-Language": "en"}
    page = client.get(f"/console/ambassadors/{who}", headers=english).text
    assert "Pioneer" in page
    client.post(f"/console/missions/badges/{badge.id}/take-back", data=meant)
    assert badges.of_ambassador(who) == []
