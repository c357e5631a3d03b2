"""The demo brand's year told to the program, through the verbs that every door uses.

The program's clock stands at the end of each week while that week is told, so
records, holds and the audit log carry the dates they would have had.  It is
one transaction: a load that is broken off leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from accounts import audit, users
from accounts.models import AuditLine, RoleName
from ambassadors import enrolment, members, program, recruits
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from campaigns import campaigns, spend
from campaigns.models import Campaign, CampaignStatus
from core import clock
from core.db import BATCH_ROWS, db
from core.errors import ConflictError
from demo import belonging, brand, costs, kits, payments, perks, recruiting, tasks, voices, year
from demo.calendar import midnight
from demo.year import Ally, Visit, Year
from integrations import facts
from referrals import clicks, codes, customers, links
from referrals.models import Purchase
from rewards import commissions, intake, purchase_rewards, segments

ACT = "demo.load"
_AT_ONCE = 400  # facts told together


class NotEmptyError(ConflictError):
    """The database holds somebody's real data."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to look at the demo as somebody."""

    role: str
    email: str
    name: str


def is_loaded() -> bool:
    """Tell whether the demo is there."""
    return (
        db.session.scalar(sa.select(AuditLine.id).where(AuditLine.act == ACT).limit(1)) is not None
    )


def load(today: date) -> Iterator[float]:
    """Tell the year that ended yesterday; yields how much is done, from 0 to 1.

    Args:
        today: The present day in the brand's time zone.

    Raises:
        NotEmptyError: There are members or purchases that are not the demo's.
    """
    if any(
        db.session.scalar(sa.select(table.id).limit(1)) for table in (Member, Purchase, Campaign)
    ):
        raise NotEmptyError(
            "This database is in use: load the demo into an empty one (another CERCLE_INSTANCE "
            "or DATABASE_URL)."
        )
    drawn = year.draw(today)
    teller = _Teller(drawn)
    with clock.frozen(midnight(drawn.calendar.launch)):
        teller.open()
    weeks = drawn.calendar.weeks()
    for number, day in enumerate(weeks, start=1):
        with clock.frozen(midnight(day)):
            teller.tell(day)
        yield number / len(weeks)
    customers.link_members()
    segments.refresh_all()
    perks.tell(today, teller.campaign_ids, teller.joined)
    tasks.tell(today, teller.campaign_ids, teller.joined)
    payments.prepare(today)
    details = {"purchases": len(drawn.purchases), "clicks": len(drawn.visits), "day": f"{today}"}
    audit.record(ACT, "program", 1, details)


def sign_ins() -> list[SignIn]:
    """Return who can sign in with `brand.PASSWORD`, the ambassador first."""
    staff = [SignIn(role, email, name) for email, name, role, _ in brand.STAFF]
    return [SignIn("ambassador", brand.address(brand.SIGNING_IN), brand.SIGNING_IN), *staff]


class _Teller:
    """Tells a year week by week, and remembers how far it has come."""

    def __init__(self, drawn: Year) -> None:
        self.year = drawn
        self.campaign_ids: dict[str, int] = {}
        self.link_ids: dict[str, int] = {}
        self.joined: dict[str, int] = {}  # ambassadors' ids by name
        self.visits = self.purchases = self.refunds = self.spends = 0
        self.lines = costs.lines(drawn.calendar)

    def open(self) -> None:
        """Set the program up on its first day: rules, staff, campaigns."""
        program.set_rules(brand.PROGRAM)
        for email, name, role, locale in brand.STAFF:
            user = users.create(email, roles={RoleName(role)}, name=name, locale=locale)
            users.set_password(user, brand.PASSWORD)
        for slug, terms in brand.campaigns(self.year.calendar.today).items():
            is_coming = slug == brand.COMING
            status = CampaignStatus.DRAFT if is_coming else CampaignStatus.RUNNING
            self.campaign_ids[slug] = campaigns.create(slug, terms, status=status).id
        kits.tell(self.campaign_ids)

    def tell(self, until: date) -> None:
        """Tell everything up to the first instant of a day."""
        end = midnight(until)
        self._enrol([a for a in self._active() if a.joins_on < until and a.name not in self.joined])
        self._visits(end)
        self._purchases(end)
        self._refunds(end)
        self._spend(until)
        self._turns(until)
        due = commissions.due()
        for start in range(0, len(due), BATCH_ROWS):
            commissions.release(due[start : start + BATCH_ROWS])
        commissions.settle(purchase_rewards.due())  # points of the tasting, once they are due
        payments.pay(until)

    def _active(self) -> list[Ally]:
        return self.year.allies[: -brand.INVITED]

    def _enrol(self, allies: list[Ally]) -> None:
        if not allies:
            return
        told = [recruits.Recruit(person=_person(ally), kind=ally.kind) for ally in allies]
        for ally, outcome in zip(allies, recruits.record(told), strict=True):
            if outcome.ambassador_id is None:
                raise outcome.problem or LookupError(ally.name)
            self._equip(ally, outcome.ambassador_id)

    def _equip(self, ally: Ally, ambassador_id: int) -> None:
        """Give an ambassador codes, a link and, to one, a way into the portal."""
        self.joined[ally.name] = ambassador_id
        for campaign, text in ally.codes.items():
            campaign_id = self.campaign_ids[campaign]
            codes.create(text, campaign_id=campaign_id, ambassador_id=ambassador_id)
        first = next(iter(ally.codes))
        link = links.create(
            campaign_id=self.campaign_ids[first], ambassador_id=ambassador_id, slug=ally.slug
        )
        self.link_ids[ally.slug] = link.id
        if ally.name == brand.SIGNING_IN:
            ambassador = enrolment.get(ambassador_id)
            user = users.link_ambassador_user(ally.email, name=ally.name, locale=ally.locale)
            ambassador.user_id, ambassador.shows_name = user.id, True
            users.set_password(user, brand.PASSWORD)

    def _visits(self, end: datetime) -> None:
        told, known = [], self.year.visits
        while self.visits < len(known) and known[self.visits].at < end:
            if known[self.visits].slug in self.link_ids:
                told.append(self._visit(known[self.visits]))
            self.visits += 1
        clicks.record(told)

    def _visit(self, visit: Visit) -> clicks.Visit:
        return clicks.Visit(
            token=visit.token, link_id=self.link_ids[visit.slug], clicked_at=visit.at,
            kind=visit.kind, has_consent=visit.has_consent,
            is_paid_traffic=visit.is_paid_traffic, ip_hash=None,
            referrer_host=visit.referrer_host,
            month=clock.local_month(visit.at, brand.TIMEZONE),
        )  # fmt: skip

    def _purchases(self, end: datetime) -> None:
        told: list[facts.Purchase] = []
        known = self.year.purchases
        while self.purchases < len(known) and known[self.purchases][0] < end:
            told.append(known[self.purchases][1])
            self.purchases += 1
        for start in range(0, len(told), _AT_ONCE):
            for outcome in intake.take_purchases(told[start : start + _AT_ONCE]):
                if outcome.problem:
                    raise outcome.problem

    def _refunds(self, end: datetime) -> None:
        told: list[facts.Refund] = []
        known = self.year.refunds
        while self.refunds < len(known) and known[self.refunds][0] < end:
            told.append(known[self.refunds][1])
            self.refunds += 1
        for outcome in intake.take_refunds(told) if told else ():
            if outcome.problem:
                raise outcome.problem

    def _spend(self, until: date) -> None:
        told = []
        while self.spends < len(self.lines) and self.lines[self.spends].on < until:
            told.append(self.lines[self.spends])
            self.spends += 1
        spend.record(told)

    def _turns(self, until: date) -> None:
        """Tell what staff decided in the week that ends: a suspension, a farewell, a leak."""
        for name, days, act in _TURNS:
            day = self.year.calendar.launch + timedelta(days=days)
            if day < until <= day + timedelta(days=7) and name in self.joined:
                act(enrolment.get(self.joined[name]))
        if until == self.year.calendar.today:
            self._invite()
            voices.ask(self.joined[brand.SIGNING_IN], by="operator")
            voices.show(self.joined[brand.SIGNING_IN], by="operator")
            belonging.tell(list(self.joined.values()))
            recruiting.tell(self.year, self.campaign_ids, self.joined[brand.SIGNING_IN])

    def _invite(self) -> None:
        for ally in self.year.allies[-brand.INVITED :]:
            member = members.create(_person(ally))
            enrolment.enrol(member, kind=ally.kind, status=AmbassadorStatus.INVITED)


def _person(ally: Ally) -> members.Person:
    return members.Person(
        name=ally.name, email=ally.email, external_id=f"M-{ally.slug}", country=ally.country,
        locale=ally.locale, joined_on=ally.joins_on,
    )  # fmt: skip


def _suspend(ambassador: Ambassador) -> None:
    enrolment.suspend(ambassador, reason="Code posted on a coupon site; asked to take it down.")


def _leave(ambassador: Ambassador) -> None:
    enrolment.leave(ambassador, reason="Moved to Montréal.")


def _leaked(ambassador: Ambassador) -> None:
    code = codes.of_ambassador(ambassador.id)[-1]
    codes.replace(code.id, year.second(code.text), reason="Found on a coupon site.")


_TURNS = (
    ("Tom Whitfield", 340, _suspend),
    ("Gregory Nash", 275, _leave),
    (brand.LEAKED, brand.LEAKED_AFTER, _leaked),
)
