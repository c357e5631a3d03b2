"""The pages and files of holdouts: too early, not enough data, or the lift with its interval."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import holdouts
from campaigns import message_holdouts, messages
from campaigns.message_holdouts import Lot
from core import clock
from core.db import db
from tests import queries
from tests.campaigns.test_messages import draft
from tests.factories import make_campaign, make_member, make_user, sign_in
from tests.reports.test_lift import _tested


def test_without_a_holdout_the_page_says_how_to_make_one(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    page = client.get("/console/reports/holdouts").text
    assert "Nobody was left out by lot" in page
    assert client.get("/console/reports/holdouts/9").status_code == 404


def test_before_the_days_are_over_it_is_too_early_to_tell(app: Flask, client: FlaskClient) -> None:
    holdout = _tested(app)
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/holdouts/{holdout.id}").text
    assert "Too early: the days of the people drawn are not over" in page
    assert "120 people wait" in client.get("/console/reports/holdouts").text


def test_with_few_people_there_is_not_enough_data(app: Flask, client: FlaskClient) -> None:
    holdout = holdouts.create("Box of spring", withheld_share=5_000)
    holdouts.draw(holdout, [make_member().id for _ in range(20)])
    db.session.commit()
    with clock.frozen(clock.now() + timedelta(days=95)):
        sign_in(client, make_user(RoleName.FINANCE))
        assert "Not enough data" in client.get(f"/console/reports/holdouts/{holdout.id}").text


def test_page_files_and_api_tell_the_same_lift(app: Flask, client: FlaskClient) -> None:
    holdout = _tested(app)
    with clock.frozen(clock.now() + timedelta(days=95)):
        sign_in(client, make_user(RoleName.FINANCE))
        page = client.get(f"/console/reports/holdouts/{holdout.id}").text
        assert "the whole interval lies above zero" in page
        file = client.get("/console/reports/holdouts.csv").text.removeprefix("\ufeff")
        (told,) = csv.DictReader(io.StringIO(file))
        assert (told["Holdout"], told["Verdict"]) == ("Box of spring", "higher")
        assert told["Left out who bought"] == "0"
        lift = float(told["Lift"])
        assert float(told["Lift, low end"]) < lift < float(told["Lift, high end"])
        assert f"{lift * 100:.1f} points".replace(".0 ", " ") in page
        assert client.get("/console/reports/holdouts.xlsx").data.startswith(b"PK")
        with queries.counted() as statements:
            client.get("/console/reports/holdouts")
        assert len(statements) <= queries.MOST


def test_a_campaign_and_a_message_lead_to_what_the_lot_shows(
    app: Flask, client: FlaskClient
) -> None:
    campaign = make_campaign()
    make_member(email="ana@example.com")
    message = messages.create(draft(lot=Lot(share=2_000, campaign_id=campaign.id)))
    messages.start(message)
    (holdout,) = message_holdouts.of_campaign(campaign.id)
    db.session.commit()
    sign_in(client, make_user(RoleName.MARKETER))
    here = f"/console/reports/holdouts/{holdout.id}"
    assert "/console/reports/holdouts" in client.get(f"/console/campaigns/{campaign.slug}").text
    for page in (f"/console/messages/{message.id}",):
        assert here in client.get(page).text
    page = client.get(here).text
    assert f"/console/messages/{message.id}" in page
    assert "Too early" in page  # the worker has drawn nobody yet
