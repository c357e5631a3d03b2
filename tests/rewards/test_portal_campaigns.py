"""The portal's page of a campaign: what it asks and gives, and all there is to share of it."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors.audiences import Audience
from ambassadors.models import AmbassadorStatus
from campaigns import briefs, images
from campaigns.briefs import Told
from campaigns.models import CampaignStatus, Format
from core.db import db
from integrations import pictures
from referrals.models import Link
from rewards import erasure, intake
from tests import queries
from tests.campaigns.test_kit import picture
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact
from tests.rewards.test_portal import MakeMe, Me, make_me, me

__all__ = ["make_me", "me"]  # fixtures


def page_of(me: Me) -> str:
    return f"/portal/campaigns/{me.campaign.id}"


def to_copy(page: str) -> list[str]:
    """Return what the buttons of a page copy."""
    return [html.unescape(text) for text in re.findall(r'data-copy="([^"]*)"', page)]


def tell(me: Me, **told: object) -> None:
    briefs.write(me.campaign, Told(audience=Audience(), **told))  # type: ignore[arg-type]
    db.session.commit()


def test_the_words_carry_my_own_code_and_link_and_the_mention(app: Flask, me: Me) -> None:
    tell(me, format=Format.PAID, text_en="Pears with {code}: {link}", text_fr="Poires.")
    briefs.set_mention(
        Format.PAID, effective_on=NOW.date(), text_fr="Publicité", text_en="Ad", source="L. 2023"
    )
    base = app.extensions["settings"].base_url
    page = me.read(page_of(me))
    copied = to_copy(page)
    assert f"Ad\nPears with ZOE15: {base}/offer/zoe" in copied
    assert f"Publicité\nPoires.\nZOE15 {base}/offer/zoe" in copied
    assert {"Ad", "Publicité", f"{base}/offer/zoe"} <= set(copied)
    assert "You earn" in page
    assert "Publish what we agreed on" in page
    assert page.index("In English") < page.index("In French")
    in_french = me.read(page_of(me), lang="fr")
    assert in_french.index("Poires.") < in_french.index("Pears with")


def test_without_words_of_the_team_there_are_honest_ones(me: Me) -> None:
    copied = to_copy(me.read(page_of(me)))
    assert any("ZOE15" in text and "I am rewarded" in text for text in copied)
    assert any("/offer/zoe" in text and "récompense" in text for text in copied)


def test_images_are_shown_to_download(app: Flask, me: Me) -> None:
    assert "No image yet" in me.read(page_of(me))
    drawn = pictures.drawn_anew(picture())
    digest = images.keep(drawn)
    images.add(me.campaign, drawn, digest, alt_en="A pear", alt_fr="Une poire")
    db.session.commit()
    page = me.read(page_of(me), lang="fr")
    assert f'href="/images/{digest}.jpg" download=' in page
    assert 'alt="Une poire"' in page


def test_a_link_is_made_once_where_there_is_none(app: Flask, make_me: MakeMe) -> None:
    me = make_me()
    make_code("ZOE15", campaign_id=me.campaign.id, ambassador_id=me.ambassador.id)
    db.session.commit()
    assert "Make my link" in me.read(page_of(me))
    for _n in range(2):
        assert me.browser.post(f"{page_of(me)}/link").status_code == 303
    link = db.session.scalars(sa.select(Link)).one()
    assert any(f"/offer/{link.slug}" in text for text in to_copy(me.read(page_of(me))))


def test_a_sprint_counts_and_is_the_next_thing_at_home(app: Flask, me: Me) -> None:
    me.campaign.ends_at = NOW + timedelta(days=9, hours=2)
    tell(me, goal=3)
    intake.take_purchases([purchase_fact(codes=("ZOE15",))])
    db.session.commit()
    page = me.read(page_of(me))
    assert "1 of 3 purchases" in page
    assert "9 days are left." in page
    home = me.read()
    assert "1 of 3 purchases. 9 days are left." in home
    assert f'href="{page_of(me)}"' in home
    intake.take_purchases([purchase_fact(codes=("ZOE15",)) for _n in range(2)])
    db.session.commit()
    assert "The goal is reached." in me.read(page_of(me))
    assert "What to share" not in me.read()


@pytest.mark.parametrize(
    "change",
    [{"ends_at": None}, {"ends_at": NOW}, {"status": CampaignStatus.PAUSED}, {}],
)
def test_a_sprint_is_the_next_thing_only_while_it_runs(
    app: Flask, me: Me, change: dict[str, Any]
) -> None:
    tell(me, goal=3)
    me.campaign.ends_at = NOW + timedelta(days=1)
    for name, value in change.items():
        setattr(me.campaign, name, value)
    make_code("FIRST", campaign_id=make_campaign().id, ambassador_id=me.ambassador.id)
    intake.take_purchases([purchase_fact(codes=("FIRST",))])  # the first steps are over
    db.session.commit()
    assert ("What to share" in me.read()) is (change == {})


def test_what_was_published_is_handed_in_from_there(me: Me) -> None:
    page = me.read(page_of(me))
    assert 'action="/portal/share/content"' in page
    told = {"campaign": me.campaign.id, "url": "https://insta.example/p/1"}
    assert me.browser.post("/portal/share/content", data=told).status_code == 303


def test_a_campaign_of_others_is_not_there(app: Flask, me: Me) -> None:
    other = make_campaign()
    make_code("HUGO15", campaign_id=other.id)
    db.session.commit()
    me.read(f"/portal/campaigns/{other.id}", status=404)
    assert me.browser.post(f"/portal/campaigns/{other.id}/link").status_code == 404


def test_the_list_has_my_campaigns_with_what_runs_first(app: Flask, make_me: MakeMe) -> None:
    me = make_me()
    assert "No campaign yet" in me.read("/portal/campaigns")
    ended = make_campaign(name="Apples", status=CampaignStatus.ENDED)
    for campaign in (ended, me.campaign):
        make_code(f"ZOE{campaign.id}", campaign_id=campaign.id, ambassador_id=me.ambassador.id)
    db.session.commit()
    page = me.read("/portal/campaigns")
    assert page.index("Pear season") < page.index("Apples")
    assert "This campaign is over" in me.read(f"/portal/campaigns/{ended.id}")


def test_who_rests_has_nothing_to_share(app: Flask, me: Me) -> None:
    me.ambassador.status = AmbassadorStatus.SUSPENDED
    db.session.commit()
    me.read(page_of(me), status=404)


def test_friends_read_my_first_name_only_once_i_say_so(app: Flask, me: Me) -> None:
    assert "It does not say your name." in me.read(page_of(me))
    told = {"name": "Zoe Martin", "locale": "en", "shows_name": "y"}
    assert me.browser.post("/portal/me", data=told).status_code == 303
    assert "It says your name: Zoe." in me.read(page_of(me))
    assert "Zoe recommends" in me.read("/offer/zoe")
    del told["shows_name"]
    assert me.browser.post("/portal/me", data=told).status_code == 303
    assert "A friend recommends" in me.read("/offer/zoe")


def test_an_erasure_takes_the_name_off_the_page(app: Flask, me: Me) -> None:
    me.ambassador.shows_name = True
    db.session.commit()
    assert "Zoe recommends" in me.read("/offer/zoe")
    erasure.erase(me.ambassador.member)
    db.session.commit()
    assert "Zoe" not in me.read("/offer/zoe", status=410)
    assert not me.ambassador.shows_name


def test_the_page_asks_the_database_no_more_than_a_page_may(app: Flask, me: Me) -> None:
    tell(me, goal=3, text_en="{code}", text_fr="{code}")
    path = page_of(me)
    me.read(path)
    with queries.counted() as seen:
        me.read(path)
    assert len(seen) <= queries.MOST, "\n".join(seen)
