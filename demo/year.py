"""A year of Maison Givre, drawn from a seed: who joins, clicks, buys, brings things back.

Nothing here touches the database.  The same day of loading gives the same
facts, down to the last one; another day gives the same story with other dates.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ambassadors.models import AmbassadorKind
from demo import basket, brand
from demo.calendar import Calendar, midnight, moment
from integrations import facts
from referrals.codes import fold
from referrals.models import ClickKind

SEED = 20261031
SHOP, STALL = "shop", "market-till"
_NEW_A_DAY = 9.0  # new customers on a usual day of the program's year
_CLICKS_A_DAY = 26.0
_SEND_BACK, _DISPUTE = 0.027, 0.0025
_ADVERTISES = "Théo Girard"  # buys search ads on the brand's name: held for a person to decide
_OLD_FRIENDS = 150  # days from the opening in which ambassadors first bought
_SURVEY = 0.42  # share of customers who say how they heard of us
_HEARD = ("instagram", "google", "market", "press", "other")
_KINDS = (ClickKind.VISIT,) * 16 + (
    ClickKind.BOT,
    ClickKind.BOT,
    ClickKind.PREFETCH,
    ClickKind.HEAD,
)
_HOSTS = (None, "www.instagram.com", "l.facebook.com", "mail.example", "blog.example")


@dataclass(slots=True)
class Ally:
    """An ambassador of the demo."""

    name: str
    kind: AmbassadorKind
    locale: str
    country: str
    joins_on: date
    pull: float  # how many they reach, beside the others
    codes: dict[str, str] = field(default_factory=dict)  # by campaign

    @property
    def slug(self) -> str:
        return brand.slug_of(self.name)

    @property
    def email(self) -> str:
        return brand.address(self.name)


@dataclass(slots=True)
class Buyer:
    """A customer of the demo."""

    number: int
    email: str | None
    country: str
    every: float  # days between two orders
    faith: float  # chance of another order after each one
    ally: Ally | None = None  # who brought them
    self: Ally | None = None  # who they are, if an ambassador


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A click of the demo."""

    token: str
    slug: str
    at: datetime
    kind: ClickKind = ClickKind.VISIT
    has_consent: bool
    is_paid_traffic: bool = False
    referrer_host: str | None = None


@dataclass(slots=True)
class Year:
    """Everything that happens, in the order of time."""

    calendar: Calendar
    allies: list[Ally]
    visits: list[Visit] = field(default_factory=list)
    purchases: list[tuple[datetime, facts.Purchase]] = field(default_factory=list)  # when told
    refunds: list[tuple[datetime, facts.Refund]] = field(default_factory=list)


def draw(today: date) -> Year:
    """Return the year that ends on the eve of a day."""
    return _Story(Calendar(today)).told()


class _Story:
    """The draw in progress: one source of chance, used in the order of days."""

    def __init__(self, calendar: Calendar) -> None:
        self.rng = random.Random(SEED)  # noqa: S311  a story, not a secret
        self.calendar = calendar
        self.year = Year(calendar, self._allies())
        self.autumn = brand.autumn(calendar.today)
        self.due: defaultdict[date, list[Buyer]] = defaultdict(list)
        self.buyers = self.orders = self.sent_back = 0

    def told(self) -> Year:
        for ally in self.year.allies[: -brand.INVITED]:
            if ally.kind is not AmbassadorKind.PARTNER:
                self._ambassador_buys(ally)
        for day in self.calendar.days():
            self._day(day)
        year, end = self.year, midnight(self.calendar.today)
        year.visits.sort(key=lambda visit: (visit.at, visit.token))
        year.purchases = sorted(
            (told for told in year.purchases if told[0] < end),
            key=lambda told: (told[0], told[1].external_id),
        )
        year.refunds = sorted(
            (told for told in year.refunds if told[0] < end),
            key=lambda told: (told[0], told[1].external_id),
        )
        return year

    def _allies(self) -> list[Ally]:
        days = (self.calendar.today - self.calendar.launch).days - 30
        allies = []
        for place, (name, kind, locale, country) in enumerate(brand.AMBASSADORS):
            late = max(0, place - brand.FIRST_CIRCLE + 1) / len(brand.AMBASSADORS)
            joins_on = self.calendar.launch + timedelta(days=int(days * late))
            pull = min(self.rng.paretovariate(1.4), 9)
            ally = Ally(name, kind, locale, country, joins_on, 6 if name == _ADVERTISES else pull)
            ally.codes = _codes(ally)
            allies.append(ally)
        return allies

    def _ambassador_buys(self, ally: Ally) -> None:
        """Make an ambassador a customer of old, as all were before they were asked.

        So enough of them have months on either side of joining to be held against others.
        """
        every = self.rng.uniform(24, 75)
        buyer = Buyer(self._number(), ally.email, ally.country, every, 0.96, self=ally)
        first = self.rng.randrange(_OLD_FRIENDS)
        self.due[self.calendar.opening + timedelta(days=first)].append(buyer)

    def _day(self, day: date) -> None:
        is_before = day < self.calendar.launch
        level = (
            brand.SEASON[day.month - 1] * brand.WEEKDAY[day.weekday()] * (0.45 if is_before else 1)
        )
        for _ in range(self._count(_NEW_A_DAY * level)):
            buyer = self._newcomer()
            if not is_before and self.rng.random() < 0.05 + 0.27 * self.calendar.progress(day):
                buyer.ally = self._ally(day)
            self._buys(buyer, day, is_first=True)
        for buyer in self.due.pop(day, []):
            self._buys(buyer, day, is_first=False)
        if not is_before:
            self._passers_by(day, level)

    def _newcomer(self) -> Buyer:
        number = self._number()
        first, last = self.rng.choice(brand.FIRST_NAMES), self.rng.choice(brand.LAST_NAMES)
        email = f"{fold(first)}.{fold(last)}{number}@mail.example".lower()
        country = self.rng.choices(tuple(brand.SHIPPING), (86, 1, 11, 2))[0]
        is_guest = self.rng.random() < 0.04  # at the till of a market, without a name
        return Buyer(
            number, None if is_guest else email, "CH" if is_guest else country,
            self.rng.uniform(20, 110), 0 if is_guest else self.rng.betavariate(1.4, 2.5),
        )  # fmt: skip

    def _buys(self, buyer: Buyer, day: date, *, is_first: bool) -> None:
        at = moment(day, self.rng)
        codes, token, ally = self._way(buyer, day, at, is_first=is_first)
        campaign = _campaign_of(codes, ally) if ally else None
        bought = basket.fill(self.rng, day, buyer.country, campaign, is_stall=buyer.email is None)
        self.orders += 1
        fact = facts.Purchase(
            source=STALL if buyer.email is None else SHOP,
            external_id=f"MG-{100_000 + self.orders}", occurred_at=at,
            currency=brand.CURRENCY, country=buyer.country,
            customer_external_id=None if buyer.email is None else f"C{buyer.number:05d}",
            email=buyer.email, codes=codes, click_token=token,
            heard_from=self._heard(buyer) if is_first else None, accepts_mail=_agrees(buyer),
            **bought.amounts(),
        )  # fmt: skip
        self._told(fact)
        if self.rng.random() < buyer.faith:
            gap = max(2, round(self.rng.gauss(buyer.every, buyer.every / 4)))
            self.due[day + timedelta(days=gap)].append(buyer)

    def _told(self, fact: facts.Purchase) -> None:
        """Say when the shop tells a purchase, and whether it stays."""
        at, chance = max(fact.occurred_at, midnight(self.calendar.launch)), self.rng.random()
        if chance < 0.015:
            waiting = basket.with_status(fact, "pending")
            self.year.purchases.append((at, waiting))
            at += timedelta(days=8)
            fact = basket.with_status(fact, "cancelled" if chance < 0.005 else "paid")
        self.year.purchases.append((at, fact))
        if fact.status == "paid" and fact.total:
            self._may_go_back(fact)

    def _may_go_back(self, fact: facts.Purchase) -> None:
        chance = self.rng.random()
        if chance > _SEND_BACK + _DISPUTE:
            return
        self.sent_back += 1
        at = fact.occurred_at + timedelta(
            days=self.rng.randrange(2, 26), hours=self.rng.randrange(9)
        )
        is_dispute = chance < _DISPUTE
        is_whole = is_dispute or self.rng.random() < 0.35
        refund = facts.Refund(
            source=fact.source, external_id=f"{'DP' if is_dispute else 'RF'}-{self.sent_back:04d}",
            order_source=fact.source, order_external_id=fact.external_id,
            amount=fact.total if is_whole else self.rng.choice(fact.lines).amount or fact.total,
            occurred_at=at, currency=fact.currency, kind="dispute" if is_dispute else "refund",
        )  # fmt: skip
        self.year.refunds.append((max(at, midnight(self.calendar.launch)), refund))
        if is_dispute and self.rng.random() < 0.5:  # won: the money comes back
            won = basket.with_state(refund, "failed")
            self.year.refunds.append((at + timedelta(days=24), won))

    def _way(
        self, buyer: Buyer, day: date, at: datetime, *, is_first: bool
    ) -> tuple[tuple[str, ...], str | None, Ally | None]:
        """Return codes, click and ambassador with which a buyer comes to an order."""
        rng, ally = self.rng, buyer.ally
        if day < self.calendar.launch:
            return (), None, None
        if buyer.self is not None:  # tries their own code now and then: it must not pay
            own = rng.random() < 0.04 and buyer.self.joins_on <= day
            return (
                ((buyer.self.codes[brand.FRIENDS],), None, buyer.self) if own else ((), None, None)
            )
        if ally is None or (not is_first and rng.random() > 0.3):
            stray = rng.random() < 0.006
            return (("GLACE-ETE",) if stray else (), None, None)
        if buyer.email is None:
            return self._code(ally, day, at_stall=True), None, ally
        way = rng.random()
        codes = self._code(ally, day) if way < 0.76 else ()
        if codes and rng.random() < 0.03:
            codes += self._code(self._ally(day), day)
        token = self._click(ally, at) if way > 0.64 else None
        return tuple(dict.fromkeys(codes)), token, ally

    def _code(self, ally: Ally, day: date, *, at_stall: bool = False) -> tuple[str, ...]:
        for campaign, is_open in (
            (brand.STALLS, at_stall),
            (brand.READERS, not at_stall),
            (brand.TASTING, self.autumn[0] <= day <= self.autumn[1] and self.rng.random() < 0.6),
            (brand.FRIENDS, True),
        ):
            if is_open and campaign in ally.codes:
                return (self._still_good(ally, ally.codes[campaign], day),)
        return ()

    def _still_good(self, ally: Ally, text: str, day: date) -> str:
        """Return a code, or the one in its place once word of a leak has spread."""
        told_on = self.calendar.launch + timedelta(days=brand.LEAKED_AFTER + 14)
        is_over = ally.name == brand.LEAKED and text == ally.codes[brand.FRIENDS] and day >= told_on
        return second(text) if is_over else text

    def _click(self, ally: Ally, at: datetime) -> str | None:
        """Add the consented click that led to an order; now and then it was too long ago."""
        ago = timedelta(days=min(self.rng.expovariate(0.3), 25), minutes=self.rng.randrange(3, 90))
        if self.rng.random() < 0.05:
            ago = timedelta(days=self.rng.randrange(31, 60))
        if at - ago < midnight(ally.joins_on) + timedelta(days=1):
            return None
        token = self._token()
        is_paid = ally.name == _ADVERTISES and self.rng.random() < 0.6
        host = self.rng.choice(_HOSTS)
        self.year.visits.append(Visit(
            token=token, slug=ally.slug, at=at - ago, has_consent=True, is_paid_traffic=is_paid,
            referrer_host=host,
        ))  # fmt: skip
        return token

    def _passers_by(self, day: date, level: float) -> None:
        """Add the clicks of people who look and do not buy, and of machines."""
        for _ in range(self._count(_CLICKS_A_DAY * level * (0.3 + self.calendar.progress(day)))):
            ally = self._ally(day)
            kind = self.rng.choice(_KINDS)
            has_consent = kind is ClickKind.VISIT and self.rng.random() < 0.5
            self.year.visits.append(Visit(
                token=self._token(), slug=ally.slug, at=moment(day, self.rng), kind=kind,
                has_consent=has_consent, referrer_host=self.rng.choice(_HOSTS),
            ))  # fmt: skip

    def _heard(self, buyer: Buyer) -> str | None:
        if buyer.email is None or self.rng.random() > _SURVEY:
            return None
        is_friend = self.rng.random() < (0.72 if buyer.ally else 0.08)
        return "friend" if is_friend else self.rng.choices(_HEARD, (34, 30, 16, 8, 12))[0]

    def _ally(self, day: date) -> Ally:
        """Return an ambassador who is there on a day, the well-known ones more often."""
        there = [ally for ally in self.year.allies[: -brand.INVITED] if ally.joins_on < day]
        there = there or self.year.allies[:1]
        return self.rng.choices(there, [ally.pull for ally in there])[0]

    def _token(self) -> str:
        return f"{self.rng.getrandbits(88):022x}"

    def _number(self) -> int:
        self.buyers += 1
        return self.buyers

    def _count(self, mean: float) -> int:
        """Return how often something happens that happens `mean` times on average.

        Source: Knuth, The Art of Computer Programming 2, 3.4.1, algorithm for Poisson deviates.
        """
        limit, product, count = math.exp(-mean), self.rng.random(), 0
        while product > limit:
            product *= self.rng.random()
            count += 1
        return count


def _agrees(buyer: Buyer) -> bool | None:
    """Tell whether a buyer ticked at the checkout that we may write to them: three of five."""
    return None if buyer.email is None else buyer.number % 5 < 3


def _campaign_of(codes: tuple[str, ...], ally: Ally) -> str | None:
    """Return the campaign of the first code that is the ambassador's own."""
    known = {text: campaign for campaign, text in ally.codes.items()}
    known |= {second(text): campaign for text, campaign in known.items()}
    return next((known[text] for text in codes if text in known), None)


def second(text: str) -> str:
    """Return the code that takes the place of a leaked one."""
    return f"{text}-BIS"


def _codes(ally: Ally) -> dict[str, str]:
    """Return an ambassador's codes by campaign."""
    word = fold(ally.name.split()[0])
    if ally.kind is AmbassadorKind.PARTNER:
        return {brand.READERS: f"{fold(ally.name.replace(' ', ''))[:16]}25"}
    codes = {brand.FRIENDS: f"{word}15"}
    if ally.kind is AmbassadorKind.EMPLOYEE:
        codes[brand.STALLS] = f"MARCHE-{word}"
    if ally.kind in {AmbassadorKind.MICRO_CREATOR, AmbassadorKind.CUSTOMER}:
        codes[brand.TASTING] = f"AUTOMNE-{word}"
    return codes
