"""The demo brand's missions and badges, and what a few ambassadors did with them."""

from __future__ import annotations

from datetime import date, timedelta

from core import clock
from demo import brand
from demo.calendar import midnight
from rewards import badges, mission_takes, missions
from rewards.models_missions import Proof

TEAM = "Inès Rochat"
MARKET = "MARCHE-OUCHY"


def tell(today: date, campaign_ids: dict[str, int], joined: dict[str, int]) -> None:
    """Add two badges and three missions, one proof that waits and two that were decided.

    Args:
        today: The present day in the brand's time zone.
        campaign_ids: Campaigns by their name in addresses.
        joined: Ambassadors' ids by name.
    """
    friends = campaign_ids[brand.FRIENDS]
    with clock.frozen(midnight(today - timedelta(days=15))):
        pioneer = badges.create(name_fr="Premier cercle", name_en="First circle").id
        for name in ("Léa Monnier", "Olivier Chappuis", "Fiona Campbell"):
            badges.give(pioneer, joined[name])
        photo = _missions(today, friends)
    with clock.frozen(midnight(today - timedelta(days=3))):
        for name, page in (
            ("Olivier Chappuis", "coupe-poire"),
            ("Fiona Campbell", "two-scoops"),
            ("Léa Monnier", "atelier-cornets"),
        ):
            url = f"https://photos.example/{page}"
            take = mission_takes.hand_in(photo, joined[name], url)
            if name == "Olivier Chappuis":
                mission_takes.accept(take.id, by=TEAM)
            elif name == "Fiona Campbell":
                said = "La mention « Collaboration commerciale » manque."
                mission_takes.decline(take.id, reason=said, by=TEAM)


def _missions(today: date, campaign_id: int) -> int:
    """Add the missions and return the id of the one that asks for a photograph."""
    taster = badges.create(name_fr="Palais d’or", name_en="Golden palate").id
    photo = missions.create(missions.Terms(
        campaign_id=campaign_id, proof=Proof.CONTENT, amount=2_000, points=30,
        name_fr="Une photo de votre coupe préférée", name_en="A photo of your favourite sundae",
        text_fr="Publiez une photo d’une coupe que vous aimez vraiment, avec vos mots.",
        text_en="Publish a photo of a sundae that you really like, in your own words.",
        ends_at=midnight(today + timedelta(days=30)), takes_limit=25, budget=40_000,
    ))  # fmt: skip
    missions.create(missions.Terms(
        campaign_id=campaign_id, proof=Proof.CHECK_IN, code=MARKET, points=60,
        name_fr="Passer au marché d’Ouchy", name_en="Drop by the market in Ouchy",
        text_fr="Venez goûter le parfum de la semaine au stand. Le code est sur l’ardoise.",
        text_en="Come and taste the flavour of the week. The code is on the slate.",
        ends_at=midnight(today + timedelta(days=45)),
    ))  # fmt: skip
    missions.create(missions.Terms(
        campaign_id=campaign_id, proof=Proof.PURCHASES, goal=10, amount=5_000, badge_id=taster,
        name_fr="Dix achats grâce à vous", name_en="Ten purchases through you",
        text_fr="Quand dix achats sont venus par vous, la maison vous dit merci.",
        text_en="When ten purchases have come through you, the house says thank you.",
        budget=100_000,
    ))  # fmt: skip
    return photo.id
