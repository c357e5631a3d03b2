"""The wizard: drafts that lose nothing, templates, previews, and a launch that happens once."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors import choices, circles, segments
from ambassadors.models import AmbassadorKind, AmbassadorStatus
from campaigns import briefs, campaigns, terms
from campaigns.forms_wizard import STEPS
from campaigns.models import (
    Brief,
    Campaign,
    CampaignStatus,
    Draft,
    Format,
    Mention,
    Period,
    RewardKind,
)  # fmt: skip
from campaigns.terms import Buyer, Case, Tier
from core import clock
from core.db import db
from referrals.models import Code
from rewards import estimates, intake, launches, verify
from rewards.models import Commission
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
)  # fmt: skip
from tests.rewards.test_exchanges import make_perk


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def begin(staff: FlaskClient, pattern: str = "partner") -> str:
    """Begin a draft and return the address of its steps."""
    answer = staff.post("/console/wizard", data={"pattern": pattern})
    assert answer.status_code == 302
    return str(answer.location).rpartition("/")[0]


def send(staff: FlaskClient, path: str, go: str = "next", **told: Any) -> Any:
    """Send a step as the page shows it, with some fields written otherwise."""
    db.session.rollback()
    step = path.rpartition("/")[2]
    token = path.split("/")[3]
    answers = db.session.scalars(sa.select(Draft.answers).where(Draft.token == token)).one()
    shown = {name: answers[name] for name in STEPS[step] if name in answers}
    return staff.post(f"{path}?lang=en", data=shown | told | {"go": go})


def through(staff: FlaskClient, base: str, **told: dict[str, Any]) -> Any:
    """Walk through the steps and launch."""
    for step in ("goal", "audience", "benefit", "reward", "budget", "brief"):
        answer = send(staff, f"{base}/{step}", **told.get(step, {}))
        assert answer.status_code == 302, (step, answer.text)
    return staff.post(f"{base}/launch?lang=en")


def test_a_partner_code_is_launched_from_its_template(app: Flask, staff: FlaskClient) -> None:
    partner = make_ambassador(kind=AmbassadorKind.PARTNER)
    base = begin(staff)
    answer = through(
        staff, base, goal={"name": "Thé & lecteurs"},
        brief={"code": "readers25", "owner": str(partner.id)},
    )  # fmt: skip
    assert answer.location == "/console/campaigns/the-lecteurs", answer.text
    db.session.rollback()
    campaign = campaigns.get("the-lecteurs")
    told = terms.of(campaign)
    assert campaign.status is CampaignStatus.RUNNING
    assert told.countries == ("US", "GB")
    assert told.benefits == (terms.benefit("25%", "EUR"), terms.benefit("free_shipping", "EUR"))
    code = db.session.scalars(sa.select(Code)).one()
    assert (code.key, code.campaign_id, code.ambassador_id) == (
        "READERS25", campaign.id, partner.id,
    )  # fmt: skip
    acts = set(db.session.scalars(sa.select(AuditLine.act)))
    assert {"campaign.create", "campaign.start", "code.create"} <= acts
    assert must(db.session.get(Brief, campaign.id)).audience["kinds"] == ["partner"]


def test_launching_twice_makes_one_campaign(app: Flask, staff: FlaskClient) -> None:
    base = begin(staff)
    first = through(staff, base, goal={"name": "Readers"}, brief={"code": "READERS25"})
    again = staff.post(f"{base}/launch")
    assert first.location == again.location == "/console/campaigns/readers"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Campaign)) == 1
    assert staff.get(f"{base}/goal").location == "/console/campaigns/readers"
    assert staff.post(f"{base}/discard").status_code == 409


def test_nothing_typed_is_lost_at_any_step(app: Flask, staff: FlaskClient) -> None:
    base = begin(staff, "member")
    answer = send(staff, f"{base}/reward", "save", rate="ten", tier_start1="x", hold_days="14")
    assert answer.location == "/console/wizard"
    assert "Drafts" in staff.get("/console/wizard?lang=en").text
    page = staff.get(f"{base}/reward?lang=en").text
    assert 'value="ten"' in page
    assert 'value="x"' in page
    wrong = send(staff, f"{base}/budget", ends_on="soon", budget="5000")
    assert wrong.status_code == 422
    assert 'value="soon"' in staff.get(f"{base}/budget").text
    assert 'value="5000"' in staff.get(f"{base}/budget").text


def test_the_key_enter_goes_on_and_does_not_leave_the_wizard(staff: FlaskClient) -> None:
    base = begin(staff, "member")
    for step in ("goal", "benefit", "reward", "budget", "brief"):
        page = staff.get(f"{base}/{step}").text
        form = page[page.index('<form class="panel stack-lg"') :]
        first = re.search(r'name="go" value="(\w+)"', form)  # a browser presses the first one
        assert must(first)[1] == "next", step


def test_a_fault_in_french_has_its_thin_space(staff: FlaskClient) -> None:
    base = begin(staff, "partner")
    staff.get("/console/wizard?lang=fr")
    answer = staff.post(f"{base}/goal?lang=fr", data={"objective": "", "name": "", "go": "next"})
    assert answer.status_code == 422
    assert "Nom\u202f: Ce champ est nécessaire." in answer.text


@pytest.mark.parametrize(
    ("step", "field", "text", "said"),
    [
        ("goal", "name", "", "This field is needed."),
        ("goal", "objective", "", "Choose what the campaign is for."),
        ("audience", "audience_countries", "Suisse", "Write country codes"),
        ("benefit", "percent", "120", "Write a percentage from 0 to 100"),
        ("benefit", "amount", "5", "not both"),
        ("reward", "rate", "", "Write what the ambassador earns"),
        ("reward", "case_pays1", "20", "Each case needs what it is about"),
        ("reward", "tier_start1", "1", "Write tiers in rising order"),
        ("budget", "budget", "-1", "Write an amount"),
        ("budget", "goal", "many", "Write a whole number."),
        ("budget", "uses_per_code", "9" * 12, "This number is too large"),
        ("budget", "budget", "9" * 30, "Write an amount"),
        ("brief", "code", "X", "Use 3 to 50 letters"),
        ("brief", "landing_url", "javascript:alert(1)", "Write an https address."),
    ],
)
def test_a_step_says_what_is_wrong_and_the_review_leads_back(
    staff: FlaskClient, step: str, field: str, text: str, said: str
) -> None:
    base = begin(staff)
    if step != "goal":
        send(staff, f"{base}/goal", name="Readers")
    told = {"tier_pays1": "12"} if field == "tier_start1" else {}
    answer = send(staff, f"{base}/{step}", **{field: text}, **told)
    assert answer.status_code == 422
    assert said in answer.text
    review = staff.get(f"{base}/review?lang=en").text
    assert said in review
    assert f'href="{base}/{step}"' in review
    assert staff.post(f"{base}/launch").status_code == 422
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Campaign)) == 0


def test_a_code_taken_in_between_launches_nothing(
    app: Flask, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_code("READERS25")
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Campaign))
    base = begin(staff)
    monkeypatch.setattr(launches, "code_fault", lambda text: None)
    for step in ("goal", "audience", "benefit", "reward", "budget", "brief"):
        told = {"goal": {"name": "Readers"}, "brief": {"code": "READERS25"}}.get(step, {})
        send(staff, f"{base}/{step}", **told)
    answer = staff.post(f"{base}/launch?lang=en")
    assert answer.status_code == 422
    assert "exists already" in answer.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Campaign)) == before
    assert staff.get(f"{base}/goal").status_code == 200


def test_cases_tiers_months_and_caps_come_through_and_are_copied(
    app: Flask, staff: FlaskClient
) -> None:
    vip = circles.create("VIP").id
    base = begin(staff, "creators")
    reward = {
        "ambassador_period_maximum": "80.00", "ambassador_period": "quarter",
        "campaign_period_maximum": "900", "campaign_period": "year",
        "case_pays2": "15", "case_circle2": str(vip), "case_pays1": "20",
        "case_products1": "TEA, POT", "case_countries1": "fr",
        "case_buyer1": "new", "ambassador_maximum": "500.00", "months": "6",
    }  # fmt: skip
    through(staff, base, goal={"name": "Creators"}, reward=reward)
    db.session.rollback()
    earns = terms.of(campaigns.get("creators")).reward
    assert earns.cases == (
        Case(rate=2000, products=("TEA", "POT"), countries=("FR",), buyer=Buyer.NEW),
        Case(rate=1500, circle_id=vip),
    )
    assert (earns.ambassador_period, earns.ambassador_period_maximum) == ("quarter", 8_000)
    assert (earns.campaign_period, earns.campaign_period_maximum) == ("year", 90_000)
    assert earns.tiers == (Tier(start=10, rate=1500),)
    assert (earns.months, earns.ambassador_maximum) == (6, 50_000)
    page = staff.get("/console/campaigns/creators?lang=en").text
    assert "The purchases of a customer earn for 6 months." in page
    assert "At most EUR\u00a080.00 for one ambassador in a quarter." in page
    assert "15\u202f% instead, for ambassadors in the circle “VIP”." in page
    copy = staff.post("/console/wizard", data={"copy": "creators"})
    answer = through(staff, str(copy.location).rpartition("/")[0])
    assert answer.location == "/console/campaigns/creators-again", answer.text
    db.session.rollback()
    assert terms.of(campaigns.get("creators-again")).reward == earns


def test_the_preview_says_who_is_reached_and_who_is_spared_and_why(
    app: Flask, staff: FlaskClient
) -> None:
    def add(kind: AmbassadorKind = AmbassadorKind.PARTNER, **told: Any) -> None:
        status = told.pop("status", AmbassadorStatus.ACTIVE)
        person = {"country": "FR", "email": f"{db.session.query(Code).count()}@x.example"} | told
        make_ambassador(kind=kind, status=status, member=make_member(**person))

    add()
    add(country="US")
    add(AmbassadorKind.CUSTOMER)
    add(email=None)
    add(status=AmbassadorStatus.SUSPENDED)
    base = begin(staff)
    answer = send(staff, f"{base}/audience", "look", audience_countries="FR")
    assert answer.location == f"{base}/audience"
    page = " ".join(staff.get(f"{base}/audience?lang=en").text.split())
    assert "<b>1</b>reached" in page
    assert "<b>4</b>spared" in page
    for words in ("not active now", "of another kind", "live elsewhere", "no e-mail address"):
        assert words in page


def test_the_audience_is_narrowed_by_circles_and_segments_and_weighed_by_the_guard(
    app: Flask, staff: FlaskClient
) -> None:
    people = [
        make_ambassador(member=make_member(email=f"{n}@x.example", country="FR")) for n in range(5)
    ]
    circle = circles.create("First circle", purpose="", capacity=None)
    for one in people[:2]:
        circles.join(circle, one.member_id)
    segment = segments.create("In the US", segments.Rule(countries=("US",)))
    people[2].member.country = "US"
    choices.snooze(people[0].member)
    base = begin(staff, "member")
    page = staff.get(f"{base}/audience?lang=en").text
    assert "First circle" in page
    told = {"kinds": [], "circle_ids": [str(circle.id)], "segment_ids": [str(segment.id)]}
    send(staff, f"{base}/audience", "look", **told)
    page = " ".join(staff.get(f"{base}/audience?lang=en").text.split())
    assert "<b>2</b>reached" in page
    assert "<b>3</b>spared" in page
    assert "in none of these circles and segments" in page
    assert "said “not now”" in page
    through(staff, base, goal={"name": "Circle"}, audience=told)
    db.session.rollback()
    brief = must(briefs.of(campaigns.get("circle")))
    assert brief.audience["circle_ids"] == [circle.id]
    assert brief.audience["segment_ids"] == [segment.id]


def test_points_and_a_number_of_rewarded_purchases_come_through(
    app: Flask, staff: FlaskClient
) -> None:
    base = begin(staff, "member")
    reward = {"reward_kind": "points", "points": "50", "case_pays1": "80", "case_products1": "TEA"}
    through(staff, base, goal={"name": "Points"}, reward=reward, budget={"rewarded_limit": "200"})
    db.session.rollback()
    told = terms.of(campaigns.get("points"))
    assert (told.reward.kind, told.reward.amount, told.rewarded_limit) == ("points", 50, 200)
    assert told.reward.cases == (Case(amount=80, products=("TEA",)),)
    page = staff.get("/console/campaigns/points?lang=en").text
    for words in ("The ambassador gets 50 points for each purchase.", "80 points instead",
                  "200 purchases are rewarded, at most.", "0 of 200"):  # fmt: skip
        assert words in page


def test_a_perk_is_chosen_from_the_catalogue_and_money_does_not_limit_it(
    app: Flask, staff: FlaskClient
) -> None:
    perk = make_perk()
    base = begin(staff, "member")
    assert "A pot" in staff.get(f"{base}/reward?lang=en").text
    chosen = {"reward_kind": "perk", "perk": ""}
    assert "Choose a perk." in send(staff, f"{base}/reward", **chosen).text
    reward = {"reward_kind": "perk", "perk": str(perk.id)}
    answer = send(staff, f"{base}/reward", **reward)
    assert answer.status_code == 302
    wrong = send(staff, f"{base}/budget", budget="100")
    assert "Limits in money are for commissions" in wrong.text
    through(staff, base, goal={"name": "Perk"}, reward=reward, budget={"budget": ""})
    db.session.rollback()
    assert terms.of(campaigns.get("perk")).reward.perk_id == perk.id
    page = staff.get("/console/campaigns/perk?lang=en").text
    assert "The ambassador gets “A pot” for each purchase." in page


def change(staff: FlaskClient, slug: str) -> str:
    """Begin a change of a campaign and return the address of its steps."""
    answer = staff.post("/console/wizard", data={"change": slug})
    return str(answer.location).rpartition("/")[0]


def test_going_through_a_change_without_changing_anything_changes_nothing(
    app: Flask, staff: FlaskClient
) -> None:
    rule = {
        "rate": 1250, "maximum": 2000, "include_tax": True, "months": 6, "cases": [
            {"rate": 2000, "amount": None, "products": [f"P{n}"], "countries": [], "buyer": None}
            for n in range(5)
        ],
    }  # fmt: skip
    make_campaign(
        slug="friend", rule=rule, budget=500_000, countries=["CH", "FR"], currencies=["EUR"],
        products=["TEA"], minimum_basket=3000, uses_per_code=9, landing_url="https://x.example/a",
    )  # fmt: skip
    db.session.commit()
    before = terms.of(campaigns.get("friend"))
    base = change(staff, "friend")
    answer = through(staff, base)
    assert answer.location == "/console/campaigns/friend", answer.text
    assert staff.post(f"{base}/launch").location == "/console/campaigns/friend"
    db.session.rollback()
    assert terms.of(campaigns.get("friend")) == before
    assert "campaign.change" not in set(db.session.scalars(sa.select(AuditLine.act)))


def test_a_changed_reward_counts_from_the_day_one_says(app: Flask, staff: FlaskClient) -> None:
    campaign = make_campaign(slug="friend")
    make_code("ZOE10", campaign_id=campaign.id)
    db.session.commit()
    base = change(staff, "friend")
    page = staff.get(f"{base}/reward?lang=en").text
    assert "A changed reward counts from" in page
    assert 'name="code"' not in staff.get(f"{base}/brief").text
    past = through(staff, base, reward={"rate": "20", "effective_on": "2026-02-01"})
    assert "That day is past" in past.text
    through(staff, base, reward={"rate": "20", "effective_on": "2026-03-10"})
    db.session.rollback()
    first, second = campaigns.get("friend").rules
    assert (first.rate, second.rate) == (1000, 2000)
    assert must(second.effective_from).isoformat() == "2026-03-09T23:00:00+00:00"
    assert "10 % of the amount" in staff.get("/console/campaigns/friend?lang=en").text
    with clock.frozen(NOW + timedelta(days=20)):
        told = [purchase_fact(codes=("ZOE10",), occurred_at=NOW + timedelta(days=d))
                for d in (1, 15)]  # fmt: skip
        intake.take_purchases(told)
    amounts = db.session.scalars(sa.select(Commission.amount).order_by(Commission.id))
    assert list(amounts) == [1_000, 2_000]


def test_terms_changed_in_another_tab_are_not_written_over(app: Flask, staff: FlaskClient) -> None:
    make_campaign(slug="friend", name="Bring a friend")
    db.session.commit()
    base = change(staff, "friend")
    assert change(staff, "friend") == base  # one draft, whoever opens it again
    campaign = campaigns.get("friend")
    campaigns.change(campaign, dataclasses.replace(terms.of(campaign), name="First"))
    db.session.commit()
    answer = through(staff, base, goal={"name": "Second"})
    assert answer.status_code == 422
    assert "changed since you opened them" in answer.text
    db.session.rollback()
    assert campaigns.get("friend").name == "First"
    assert change(staff, "friend") != base


def test_the_review_shows_the_offer_in_both_languages_and_the_mention(
    app: Flask, staff: FlaskClient
) -> None:
    db.session.execute(sa.delete(Mention))
    db.session.add(
        Mention(
            format=Format.COMMISSION, effective_on=NOW.date() - timedelta(days=1),
            text_fr="Collaboration commerciale", text_en="Paid partnership", source="Loi 2023-451",
        )
    )  # fmt: skip
    base = begin(staff)
    send(staff, f"{base}/goal", name="Readers")
    page = staff.get(f"{base}/review?lang=en").text
    for words in ("25\u202f% off, Free delivery", "25\u202f% de remise", "États-Unis",
                  "United Kingdom", "Collaboration commerciale", "Too early to say"):  # fmt: skip
        assert words in page


def test_the_estimate_comes_from_the_past_with_its_range(app: Flask, staff: FlaskClient) -> None:
    with clock.frozen(NOW - timedelta(days=200)):
        make_code("ZOE10")
    for months, purchases in ((1, 20), (2, 10), (3, 30)):
        day = NOW - timedelta(days=30 * months - 15)
        told = [purchase_fact(codes=("ZOE10",), occurred_at=day) for _ in range(purchases)]
        intake.take_purchases(told)
    assert verify.breaches() == []
    known = estimates.past("EUR")
    assert (known.purchases, known.basket, len(known.rates)) == (60, 10_000, 3)
    plain = terms.Terms(
        name="x", reward=terms.AmbassadorEarns(rate=1000), benefits=(terms.benefit("20%", "EUR"),)
    )
    found = must(estimates.of(plain, reached=2, known=known, currency="EUR"))
    assert (found.purchases.low, found.purchases.middle, found.purchases.high) == (20, 40, 61)
    assert (found.rewards.low, found.rewards.high) == (20_000, 61_000)
    assert found.discounts.low == 20 * 2_500
    assert estimates.of(plain, reached=0, known=known, currency="EUR") is None
    capped = dataclasses.replace(
        plain.reward, ambassador_period=Period.MONTH, ambassador_period_maximum=5_000
    )
    month = dataclasses.replace(plain, reward=capped)  # of 30 days from 1 March
    found = must(estimates.of(month, reached=2, known=known, currency="EUR"))
    assert (found.rewards.low, found.rewards.high) == (10_000, 10_000)
    points = terms.AmbassadorEarns(kind=RewardKind.POINTS, amount=50)
    few = dataclasses.replace(plain, reward=points, rewarded_limit=30)
    found = must(estimates.of(few, reached=2, known=known, currency="EUR"))
    assert (found.rewards.low, found.rewards.high, found.unit) == (1_000, 1_500, "PTS")


def test_a_sprint_counts_towards_its_goal_until_its_last_day(
    app: Flask, staff: FlaskClient
) -> None:
    partner = make_ambassador(kind=AmbassadorKind.PARTNER)
    base = begin(staff, "sprint")
    through(
        staff, base, goal={"name": "Sprint"}, budget={"goal": "2"},
        brief={"code": "SPRINT", "owner": str(partner.id)},
    )  # fmt: skip
    path = "/console/sprints/sprint?lang=en"
    assert "0 of 2 purchases" in staff.get(path).text
    told = [purchase_fact(codes=("SPRINT",)) for _ in range(2)]
    intake.take_purchases(told)
    page = staff.get(path)
    assert "2 of 2 purchases" in page.text
    assert "The goal is reached." in page.text
    assert "Refresh" not in page.headers
    assert staff.get(f"{path}&live=1").headers["Refresh"] == "15"
    with clock.frozen(NOW + timedelta(days=20)):
        sign_in(staff, make_user(RoleName.MARKETER))
        over = staff.get(f"{path}&live=1")
        assert "The sprint is over." in over.text
        assert "Refresh" not in over.headers
    make_campaign(slug="plain")
    assert staff.get("/console/sprints/plain").status_code == 404


def test_a_mention_is_set_from_a_day_on_and_the_earlier_one_stays(
    app: Flask, staff: FlaskClient
) -> None:
    db.session.execute(sa.delete(Mention))
    for day, words in (("2026-01-01", "Publicité"), ("2027-01-01", "Communication commerciale")):
        told = {"format": "paid", "effective_on": day, "text_fr": words, "text_en": "Ad",
                "source": "Loi 2023-451"}  # fmt: skip
        assert staff.post("/console/settings/mentions", data=told).status_code == 302
    assert must(briefs.mention(Format.PAID, NOW.date())).text_fr == "Publicité"
    later = NOW.date() + timedelta(days=400)
    assert must(briefs.mention(Format.PAID, later)).text_fr == "Communication commerciale"
    assert briefs.mention(Format.GIFTED, later) is None
    acts = list(db.session.scalars(sa.select(AuditLine.act)))
    assert acts.count("mention.set") == 2
    assert staff.post("/console/settings/mentions", data={"format": "paid"}).status_code == 422


def test_finance_may_look_at_a_sprint_and_not_at_the_wizard(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get("/console/wizard").status_code == 403
    assert client.get("/console/wizard/nothing/goal").status_code == 403


def test_a_draft_is_discarded_and_an_unknown_one_is_not_there(staff: FlaskClient) -> None:
    base = begin(staff)
    assert staff.get(f"{base}/nowhere").status_code == 404
    assert staff.post(f"{base}/discard").status_code == 302
    assert staff.get(f"{base}/goal").status_code == 404


def test_words_to_share_with_an_unknown_variable_are_told_at_their_step(
    app: Flask, staff: FlaskClient
) -> None:
    base = begin(staff)
    answer = send(staff, f"{base}/brief", text_fr="Avec {lien}")
    assert answer.status_code == 422
    assert "is no variable; use {code}, {link}." in answer.text
    assert send(staff, f"{base}/brief", text_fr="Avec {link}").status_code == 302


def test_the_preview_is_the_card_that_friends_read(app: Flask, staff: FlaskClient) -> None:
    base = begin(staff)
    send(staff, f"{base}/goal", name="Readers")
    send(staff, f"{base}/brief", code="READERS25")
    page = staff.get(f"{base}/review?lang=en").text
    cards = page.split('<div class="offer-preview" lang="')[1:]
    assert [card[:2] for card in cards] == ["en", "fr"]
    assert all("READERS25" in card and "25" in card for card in cards)
    assert "reçoit une récompense" in cards[1]
