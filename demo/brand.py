"""The demo brand: Maison Givre, an artisan ice-cream maker in Lausanne.

Everything here is invented.  Prices are CHF in minor units with Swiss VAT
included; addresses end in `.example`, which no mail can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ambassadors.models import AmbassadorKind
from campaigns.models import BenefitKind, Objective, RewardKind
from campaigns.terms import AmbassadorEarns, FriendGets, Terms, window
from referrals.codes import fold

PROGRAM = {
    "name": "Maison Givre", "currency": "CHF", "timezone": "Europe/Zurich", "locale": "fr",
    "shop_url": "https://maison-givre.example", "minimum_payout": "50.00",
    "points_months": "12",
}  # fmt: skip
CURRENCY, TIMEZONE = PROGRAM["currency"], PROGRAM["timezone"]
VAT = 26  # per mille, the Swiss rate for food


@dataclass(frozen=True, slots=True)
class Product:
    """Something the shop sells."""

    sku: str
    price: int
    weight: int  # how often it is chosen
    months: tuple[int, ...] = ()  # empty: all year


PRODUCTS = (
    Product("POIRE-500", 1480, 14), Product("CHOCOLAT-500", 1480, 13),
    Product("VANILLE-500", 1380, 12), Product("PISTACHE-500", 1690, 9),
    Product("CARAMEL-SEL-500", 1480, 9), Product("FRAMBOISE-500", 1480, 8, (5, 6, 7, 8, 9)),
    Product("ABRICOT-VALAIS-500", 1590, 9, (6, 7, 8)), Product("COURGE-500", 1490, 6, (9, 10, 11)),
    Product("DOUBLE-CREME-500", 1590, 7), Product("POTS-150-X6", 2790, 12),
    Product("CORNETS-X12", 890, 6), Product("COFFRET-DECOUVERTE", 4200, 7),
    Product("VACHERIN-GLACE", 4850, 16, (12, 1)), Product("BUCHE-MARRON", 5400, 12, (12,)),
)  # fmt: skip
TASTING_POT = "POT-150"
SEASON = (0.55, 0.60, 0.75, 0.95, 1.20, 1.50, 1.70, 1.60, 1.10, 0.85, 0.75, 1.25)  # by month
WEEKDAY = (0.85, 0.85, 0.90, 1.00, 1.20, 1.30, 0.90)  # from Monday
SHIPPING = {"CH": 990, "LI": 990, "FR": 1900, "DE": 2400}
FREE_SHIPPING_FROM = 9000

STAFF = (
    ("ines@maison-givre.example", "Inès Bonvin", "marketer", "fr"),
    ("marc@maison-givre.example", "Marc Favre", "finance", "fr"),
    ("helen@maison-givre.example", "Helen Whitcombe", "admin", "en"),
)
SIGNING_IN = "Léa Monnier"  # the ambassador whose portal the demo shows
PASSWORD = "une boule de poire"  # noqa: S105  of a brand that does not exist, never in production

FRIENDS, READERS, TASTING, STALLS, COMING = (
    "bring-a-friend", "readers", "autumn-tasting", "market-stalls", "next-summer",
)  # fmt: skip
MINIMUM = {TASTING: 2500, STALLS: 3000}  # of the basket
PRICE_CUT = {FRIENDS: 1500, READERS: 2500}  # basis points
STALL_CUT = 500
READERS_IN = ("CH", "FR")


def autumn(today: date) -> tuple[date, date]:
    """Return the first and last day of the autumn that began last."""
    year = today.year if (today.month, today.day) >= (9, 15) else today.year - 1
    return date(year, 9, 15), date(year, 11, 30)


def campaigns(today: date) -> dict[str, Terms]:
    """Return the terms of every campaign, by its name in addresses."""
    percent, shipping = BenefitKind.PERCENT, FriendGets(kind=BenefitKind.FREE_SHIPPING)
    starts_at, ends_at = window(*autumn(today), TIMEZONE)
    return {
        FRIENDS: Terms(
            name="Amener un ami / Bring a friend home",
            benefits=(FriendGets(kind=percent, percent=PRICE_CUT[FRIENDS]), shipping),
            reward=AmbassadorEarns(rate=1000),
        ),
        READERS: Terms(
            name="Nos lectrices et lecteurs / Our partners' readers",
            benefits=(FriendGets(kind=percent, percent=PRICE_CUT[READERS]), shipping),
            reward=AmbassadorEarns(rate=800, hold_days=45), countries=READERS_IN,
            new_customers_only=True, budget=600_000,
        ),
        TASTING: Terms(
            name="Dégustation d’automne / Autumn tasting", objective=Objective.CO_CREATION,
            starts_at=starts_at, ends_at=ends_at,
            benefits=(FriendGets(kind=BenefitKind.FREE_PRODUCT, product=TASTING_POT),),
            reward=AmbassadorEarns(kind=RewardKind.POINTS, amount=40), rewarded_limit=400,
            minimum_basket=MINIMUM[TASTING],
        ),
        STALLS: Terms(
            name="Marchés de Lausanne et Vevey / Market stalls", objective=Objective.EVENTS,
            benefits=(FriendGets(kind=BenefitKind.AMOUNT, amount=STALL_CUT),),
            reward=AmbassadorEarns(rate=500, hold_days=14), countries=("CH",),
            minimum_basket=MINIMUM[STALLS], uses_per_code=60,
        ),
        COMING: Terms(
            name="L’été prochain / Next summer", objective=Objective.CONTENT,
            benefits=(FriendGets(kind=percent, percent=1000),),
            reward=AmbassadorEarns(rate=1200, maximum=1500),
        ),
    }  # fmt: skip


# Name, kind, language, country; the first twelve are the first circle.
_C, _M, _E, _P = (
    AmbassadorKind.CUSTOMER, AmbassadorKind.MICRO_CREATOR, AmbassadorKind.EMPLOYEE,
    AmbassadorKind.PARTNER,
)  # fmt: skip
AMBASSADORS: tuple[tuple[str, AmbassadorKind, str, str], ...] = (
    ("Léa Monnier", _C, "fr", "CH"), ("Olivier Chappuis", _C, "fr", "CH"),
    ("Fiona Campbell", _C, "en", "CH"), ("Noémie Rochat", _M, "fr", "CH"),
    ("Basile Cuendet", _E, "fr", "CH"), ("Sandrine Piguet", _C, "fr", "CH"),
    ("James Holloway", _C, "en", "CH"), ("Amélie Reymond", _M, "fr", "CH"),
    ("Didier Blanc", _E, "fr", "CH"), ("Carole Jaquier", _C, "fr", "CH"),
    ("Terre et Saveurs", _P, "fr", "CH"), ("Yannick Delacrétaz", _C, "fr", "CH"),
    ("Priya Raman", _M, "en", "CH"), ("Théo Girard", _M, "fr", "FR"),
    ("Margaux Besson", _C, "fr", "CH"), ("Lausanne Weekly", _P, "en", "CH"),
    ("Hugo Perrin", _C, "fr", "CH"), ("Emma Thornton", _C, "en", "CH"),
    ("Céline Vuilleumier", _C, "fr", "CH"), ("Nathan Pasche", _M, "fr", "CH"),
    ("Aurore Métraux", _C, "fr", "CH"), ("Gregory Nash", _C, "en", "FR"),
    ("Sylvie Bolomey", _E, "fr", "CH"), ("Bastien Grosjean", _C, "fr", "CH"),
    ("Rosalind Ashby", _M, "en", "CH"), ("Virginie Cornu", _C, "fr", "CH"),
    ("Le Carnet du Léman", _P, "fr", "FR"), ("Quentin Mayor", _C, "fr", "CH"),
    ("Hannah Fletcher", _C, "en", "CH"), ("Mathilde Genoud", _M, "fr", "CH"),
    ("Stéphane Ravussin", _C, "fr", "CH"), ("Ursule Dubuis", _C, "fr", "CH"),
    ("Daniel Okafor", _M, "en", "CH"), ("Justine Maillard", _C, "fr", "FR"),
    ("Patrick Zufferey", _E, "fr", "CH"), ("Florence Corbaz", _C, "fr", "CH"),
    ("Tom Whitfield", _C, "en", "CH"), ("Éloïse Bonzon", _M, "fr", "CH"),
    ("Damien Fontannaz", _C, "fr", "CH"), ("Katherine Moss", _C, "en", "CH"),
    ("Valentin Pittet", _M, "fr", "CH"), ("Véronique Tâche", _C, "fr", "CH"),
    ("Alpine Families", _P, "en", "CH"), ("Joël Crausaz", _E, "fr", "CH"),
    ("Manon Dufour", _C, "fr", "FR"), ("Rebecca Lindqvist", _M, "en", "CH"),
    ("Christophe Aubert", _C, "fr", "CH"), ("Gaëlle Savary", _M, "fr", "CH"),
    ("Oscar Bennett", _C, "en", "CH"), ("Nicole Henchoz", _C, "fr", "CH"),
    ("Fabien Cherix", _E, "fr", "CH"), ("Zélie Magnin", _M, "fr", "CH"),
    ("Laurence Pache", _C, "fr", "CH"), ("Winston Hale", _C, "en", "LI"),
    ("Sophie Rapin", _C, "fr", "CH"), ("Table Romande", _P, "fr", "CH"),
    ("Inga Sorensen", _M, "en", "CH"), ("Alexandre Burnier", _C, "fr", "CH"),
    ("Coralie Nicod", _E, "fr", "CH"), ("Benoît Chevalley", _C, "fr", "CH"),
)  # fmt: skip
LEAKED, LEAKED_AFTER = "Hugo Perrin", 330  # whose code gets out, after how many days
INVITED = 3  # the last ones, who have not answered yet
FIRST_CIRCLE = 12

_FIRST_NAMES = (
    "Adrien Agathe Alice Antoine Arnaud Audrey Benjamin Camille Caroline Cédric Chloé Claire "
    "Corinne Denis Dominique Elena Elisa Éric Estelle Fabrice Gilles Ivan Jeanne Jérôme Joana "
    "Julien Karim Laura Loïc Lucie Marie Martin Mélanie Michel Nadia Nina Pascal Pauline Raphaël "
    "Robin Sabine Samuel Sarah Simon Solange Thomas Ugo Vincent Xavier Yves Andrew Charlotte "
    "Duncan Eleanor George Imogen Jack Louisa Matthew Olivia Peter Ruth Stuart Victoria"
)
_LAST_NAMES = (
    "Aebischer Amiguet Baechler Berger Bersier Besençon Borgeaud Bovet Buchs Burdet Cachin Capt "
    "Chevalier Clerc Conus Crottaz Dénéréaz Desponds Duc Emery Fahrni Gaillard Gavillet Gilliéron "
    "Golay Guex Jaccard Jordan Kohler Lambelet Leresche Maeder Martinet Mercier Morel Moret "
    "Nicollier Oguey Paquier Pellet Pidoux Pilet Rey Richard Rod Rosset Roulin Sauser Schwab "
    "Thévoz Tissot Veillon Vez Volet Wenger Yersin Barker Coleman Davies Ellis Foster Grant Hughes "
    "Kerr Lawson Murray Osborne Price Shaw Turner Walsh"
)
FIRST_NAMES, LAST_NAMES = _FIRST_NAMES.split(), _LAST_NAMES.split()


def slug_of(name: str) -> str:
    """Return an ambassador's name as their link writes it."""
    return "-".join(fold(word).lower() for word in name.split())


def address(name: str) -> str:
    """Return an ambassador's e-mail address."""
    return f"{slug_of(name).replace('-', '.')}@post.example"
