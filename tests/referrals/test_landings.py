"""The page on which friends land: what they get, from whom, and what it says when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus
from campaigns import briefs, images
from campaigns.models import Campaign, CampaignStatus, Format
from core.db import db
from integrations import pictures
from referrals import landings, links, public
from referrals.landings import Standing
from referrals.models import CodeStatus
from tests.campaigns.test_kit import picture
from tests.conftest import NOW
from tests.factories import make_ambassador, make_campaign, make_code, make_member, must


@pytest.fixture
def lea(app: Flask) -> Ambassador:
    return make_ambassador(member=make_member(name="Léa Monnier"))


@pytest.fixture
def campaign(lea: Ambassador) -> Campaign:
    """A campaign in which Léa has the code LEA15 and the link `lea`."""
    campaign = make_campaign(name="Bring a friend", slug="friend")
    make_code("LEA15", campaign_id=campaign.id, ambassador_id=lea.id)
    links.create(campaign_id=campaign.id, ambassador_id=lea.id, slug="lea")
    return campaign


def read(client: FlaskClient, slug: str = "lea", *, lang: str = "en", status: int = 200) -> str:
    answer = client.get(f"/offer/{slug}?lang={lang}")
    assert answer.status_code == status, answer.text
    return answer.text


def test_a_friend_reads_what_they_get_and_where_to_use_it(
    client: FlaskClient, campaign: Campaign
) -> None:
    page = read(client)
    for words in ("A friend recommends Cercle to you", "% off", "LEA15", 'href="/r/lea"',
                  "receives a reward if you order"):  # fmt: skip
        assert words in page
    assert "Léa" not in page
    assert "Monnier" not in page
    in_french = read(client, "LEA", lang="fr")
    assert "LEA15" in in_french
    assert "récompense" in in_french


def test_the_first_name_is_shown_only_to_whom_it_was_agreed(
    client: FlaskClient, campaign: Campaign, lea: Ambassador
) -> None:
    lea.shows_name = True
    page = read(client)
    assert "Léa recommends Cercle to you" in page
    assert "Monnier" not in page
    lea.kind = AmbassadorKind.PARTNER
    assert "Léa Monnier recommends" in read(client)


def test_the_mention_and_the_image_of_the_kit_stand_on_the_page(
    client: FlaskClient, campaign: Campaign
) -> None:
    briefs.write_words(campaign, text_en="", text_fr="", kind=Format.GIFTED)
    briefs.set_mention(
        Format.GIFTED, effective_on=NOW.date(), text_fr="Produit offert", text_en="Gifted",
        source="L. 2023-451",
    )  # fmt: skip
    drawn = pictures.drawn_anew(picture())
    digest = images.keep(drawn)
    images.add(campaign, drawn, digest, alt_en="A pear", alt_fr="Une poire")
    page = read(client)
    assert '<span class="mention">Gifted</span>' in page
    assert f'src="/images/{digest}.jpg"' in page
    assert 'alt="A pear"' in page
    base = client.application.extensions["settings"].base_url
    assert f'property="og:image" content="{base}/images/{digest}.jpg"' in page
    assert "Produit offert" in read(client, lang="fr")


@pytest.mark.parametrize(
    ("change", "standing", "status"),
    [
        ({"status": CampaignStatus.PAUSED}, Standing.RESTING, 200),
        ({"status": CampaignStatus.ENDED}, Standing.OVER, 410),
        ({"ends_at": NOW}, Standing.OVER, 410),
        ({"budget": 100, "committed": 100}, Standing.OVER, 410),
        ({"starts_at": NOW + timedelta(days=2)}, Standing.NOT_YET, 200),
    ],
)
def test_an_offer_that_does_not_hold_is_told_kindly_without_its_code(
    client: FlaskClient, campaign: Campaign, change: dict[str, Any], standing: Standing, status: int
) -> None:
    for name, value in change.items():
        setattr(campaign, name, value)
    db.session.flush()
    assert must(landings.find("lea")).standing is standing
    page = read(client, status=status)
    assert "LEA15" not in page
    assert "The shop is open all the same." in page
    assert "https://shop.example" in page


@pytest.mark.parametrize(
    ("theirs", "standing"),
    [
        (AmbassadorStatus.SUSPENDED, Standing.OVER), (AmbassadorStatus.LEFT, Standing.OVER),
        (AmbassadorStatus.INVITED, Standing.NOT_YET),
    ],
)  # fmt: skip
def test_an_ambassador_who_is_not_active_offers_nothing(
    app: Flask, campaign: Campaign, lea: Ambassador, theirs: AmbassadorStatus, standing: Standing
) -> None:
    lea.status = theirs
    db.session.flush()
    found = must(landings.find("lea"))
    assert (found.standing, found.code) == (standing, None)


def test_a_code_that_the_checkout_would_refuse_is_not_promised(
    client: FlaskClient, app: Flask, lea: Ambassador
) -> None:
    campaign = make_campaign()
    links.create(campaign_id=campaign.id, ambassador_id=lea.id, slug="lea")
    page = read(client)
    assert "A recommendation" in page
    assert "% off" not in page
    for changes in (
        {"status": CodeStatus.FROZEN}, {"uses_limit": 3, "used": 3}, {"ends_at": NOW},
        {"starts_at": NOW + timedelta(hours=1)},
    ):  # fmt: skip
        make_code(f"NO{len(changes)}{next(iter(changes))}".replace("_", ""),
                  campaign_id=campaign.id, ambassador_id=lea.id, **changes)  # fmt: skip
    assert must(landings.find("lea")).code is None
    make_code("GOOD", campaign_id=campaign.id, ambassador_id=lea.id, uses_limit=3, used=2)
    assert must(landings.find("lea")).code == "GOOD"


def test_drafts_and_unknown_ends_are_one_and_the_same(
    client: FlaskClient, campaign: Campaign
) -> None:
    campaign.status = CampaignStatus.DRAFT
    assert "We find no offer here" in read(client, status=404)
    assert "We find no offer here" in read(client, "nobody", status=404)


def test_who_tries_ends_of_links_has_to_wait(client: FlaskClient, campaign: Campaign) -> None:
    for _n in range(public.MISSES_A_MINUTE):
        read(client)  # a friend's visit does not count
        read(client, "nobody", status=404)
    assert client.get("/offer/lea").status_code == 429
