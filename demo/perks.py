"""The demo brand's catalogue of perks, its vouchers and the points they gave."""

from __future__ import annotations

from datetime import date, timedelta

from campaigns import campaigns
from campaigns.models import BenefitKind, CampaignStatus, Objective
from campaigns.terms import AmbassadorEarns, FriendGets, Terms
from core import clock
from demo import brand
from demo.calendar import midnight
from rewards import exchanges, perks, points, vouchers
from rewards.models import PerkKind, VoucherKind

_FORTNIGHT = timedelta(days=14)
REWARDS = "rewards"  # the campaign whose codes ambassadors get for points
CHECK_IN, INVITATION, WELCOME = "ATELIER-HIVER", "GOUTER-AVANT", "BIENVENUE-GIVRE"
_THANKED = (
    ("Léa Monnier", 340, "Answered 12 questions of newcomers in the first-circle group"),
    ("Olivier Chappuis", 150, "Photos of the market stall in Vevey"),
    ("Fiona Campbell", 280, "Translated the leaflet of the tasting into English"),
)


def tell(today: date, campaign_ids: dict[str, int], joined: dict[str, int]) -> None:
    """Add the catalogue, the vouchers, and what a few ambassadors did with them.

    Args:
        today: The present day in the brand's time zone.
        campaign_ids: Campaigns by their name in addresses.
        joined: Ambassadors' ids by name.
    """
    with clock.frozen(midnight(today - timedelta(days=20))):
        pot = _catalogue(today)
        _vouchers(today, campaign_ids, pot)
    with clock.frozen(midnight(today - timedelta(days=350))):  # what is left of them expires soon
        points.grant(joined["Léa Monnier"], 120, reason="Helped at the market", key="demo:old")
    with clock.frozen(midnight(today - timedelta(days=9))):
        for number, (name, count, why) in enumerate(_THANKED):
            points.grant(joined[name], count, reason=why, key=f"demo:{number}")
    with clock.frozen(midnight(today - timedelta(days=4))):
        for name in ("Olivier Chappuis", "Fiona Campbell"):
            found = vouchers.check(CHECK_IN, joined[name])
            vouchers.take(found.voucher.id, joined[name])
        exchanges.exchange(joined["Fiona Campbell"], pot, seen=250, key="demo:pot")


def _catalogue(today: date) -> int:
    """Add the perks and return the id of the pot of 500 ml."""
    terms = Terms(
        name="Bons de récompense / Reward codes", objective=Objective.LOYALTY,
        benefits=(FriendGets(kind=BenefitKind.AMOUNT, amount=1_000),),
        reward=AmbassadorEarns(rate=0), uses_per_code=1,
    )  # fmt: skip
    reward = campaigns.create(REWARDS, terms, status=CampaignStatus.RUNNING).id
    pot = perks.create(perks.Terms(
        kind=PerkKind.PRODUCT, name_fr="Un pot de 500 ml", name_en="A pot of 500 ml",
        text_fr="Au choix, parmi 12 parfums.", text_en="Your choice of 12 flavours.",
        price=250, stock=40, per_person=2, cost=520,
    ))  # fmt: skip
    perks.create(perks.Terms(
        kind=PerkKind.REWARD_CODE, name_fr="10 francs à la caisse",
        name_en="CHF 10 at the checkout", text_fr="Un bon pour la boutique en ligne.",
        text_en="A code for the online shop.",
        price=120, per_person=4, cost=1_000, campaign_id=reward, code_days=180,
    ))  # fmt: skip
    perks.create(perks.Terms(
        kind=PerkKind.EARLY_ACCESS, name_fr="Goûter le parfum de saison avant tout le monde",
        name_en="Taste the flavour of the season first",
        text_fr="Deux semaines avant la vente.", text_en="Two weeks before it is on sale.",
        price=300, stock=30, per_person=1, link="https://maison-givre.example/avant-premiere",
        happens_at=midnight(today - timedelta(days=2)), closes_at=midnight(today + _FORTNIGHT),
    ))  # fmt: skip
    perks.create(perks.Terms(
        kind=PerkKind.EXPERIENCE, name_fr="Une matinée au laboratoire",
        name_en="A morning in the laboratory",
        text_fr="Vous turbinez votre parfum avec notre glacière.",
        text_en="You churn your own flavour with our ice-cream maker.",
        price=400, stock=8, per_person=1, cost=2_500, place="Rue de Bourg 12, Lausanne",
        happens_at=midnight(today + timedelta(days=24)) + timedelta(hours=9),
    ))  # fmt: skip
    perks.create(perks.Terms(
        kind=PerkKind.REWARD_CODE, name_fr="Un bon de 10 francs, avec mon solde",
        name_en="A CHF 10 code, from my balance",
        text_fr="Utilisable tout de suite à la caisse.", text_en="To use at the checkout at once.",
        price=1_000, unit=brand.CURRENCY, cost=1_000, campaign_id=reward, code_days=180,
    ))  # fmt: skip
    return pot.id


def _vouchers(today: date, campaign_ids: dict[str, int], pot: int) -> None:
    vouchers.create(vouchers.Terms(
        kind=VoucherKind.INVITATION, name_fr="Invitation aux marchés",
        name_en="Invitation to the market stalls", campaign_id=campaign_ids[brand.STALLS],
    ), text=INVITATION, takes_limit=30)  # fmt: skip
    vouchers.create(vouchers.Terms(
        kind=VoucherKind.EVENT, name_fr="Atelier d’hiver, Lausanne",
        name_en="Winter workshop, Lausanne", points=60,
        ends_at=midnight(today + timedelta(days=60)),
    ), text=CHECK_IN, takes_limit=24)  # fmt: skip
    vouchers.create(vouchers.Terms(
        kind=VoucherKind.WELCOME, name_fr="Bienvenue dans le cercle",
        name_en="Welcome to the circle", points=50,
    ), text=WELCOME, takes_limit=None)  # fmt: skip
    vouchers.create(vouchers.Terms(
        kind=VoucherKind.EVENT, name_fr="Dégustation de l’été passé",
        name_en="Last summer’s tasting", points=40, ends_at=midnight(today - timedelta(days=19)),
    ), text="DEGUSTATION-ETE", takes_limit=24)  # fmt: skip
    vouchers.create(vouchers.Terms(
        kind=VoucherKind.BOX, name_fr="La boîte de l’hiver", name_en="The winter box", perk_id=pot,
    ), text="", count=20)  # fmt: skip
