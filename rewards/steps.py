"""What the portal's first page says beside codes and money: the story, the first steps, one hint.

Everything is told from facts that are recorded anyway; nobody's taps are watched.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.models import User
from ambassadors.models import Ambassador, AmbassadorStatus
from core import i18n
from core.db import db
from rewards.earnings import Figures
from rewards.sprints import Progress

_DAYS_FROM = 3  # days from which one no longer counts in hours


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps of a newcomer."""

    words: str
    is_done: bool
    path: str | None = None  # a page of ours where it is done


@dataclass(frozen=True, slots=True)
class Hint:
    """The one thing that is worth doing next."""

    heading: str
    words: str
    act: str
    path: str


def story(figures: Figures) -> str:
    """Return what this month brought, in a sentence."""
    visits, bought = figures.clicks_lately, figures.purchases_lately
    new = figures.new_customers_lately
    came = ngettext("%(count)s visit", "%(count)s visits", visits, count=i18n.number(visits))
    sold = ngettext("%(count)s purchase", "%(count)s purchases", bought, count=i18n.number(bought))
    first = ngettext(
        "%(count)s person who bought for the first time",
        "%(count)s people who bought for the first time", new, count=i18n.number(new),
    )  # fmt: skip
    told = [words for count, words in ((visits, came), (bought, sold), (new, first)) if count]
    if not told:
        return str(_("This month is quiet so far. That is fine."))
    return str(_("This month: %(what)s.", what=", ".join(told)))


def checklist(ambassador: Ambassador, figures: Figures, *, has_code: bool) -> list[Step]:
    """Return the steps up to the first share; none once somebody came by it."""
    if figures.clicks or figures.purchases or ambassador.status is not AmbassadorStatus.ACTIVE:
        return []
    user = db.session.get(User, ambassador.user_id) if ambassador.user_id else None
    return [
        Step(_("You are in the circle"), True),
        Step(_("Your code is ready"), has_code),
        Step(_("Choose your name and language"), bool(user and user.locale), "/portal/me"),
        Step(_("Share it with one person who may like it"), False, "/portal/share"),
    ]


def next_one(
    *,
    has_answer: bool,
    needs_details: bool,
    sprint: tuple[int, str, Progress] | None = None,
    contract_id: int | None = None,
) -> Hint | None:
    """Return one thing worth doing, or None: mostly there is nothing to do.

    Args:
        has_answer: The team answered a question, and it was not read yet.
        needs_details: There is enough to pay, and we do not know where to.
        sprint: The one of theirs that ends next: id and name of its campaign, and its counter.
        contract_id: The contract that waits for their signature.
    """
    if contract_id is not None:
        return Hint(
            _("A contract waits for your signature"),
            _("The law asks for one from a certain pay on. Read it in peace, then sign here."),
            _("Read the contract"), f"/portal/contracts/{contract_id}",
        )  # fmt: skip
    if needs_details:
        return Hint(
            _("Where may we send your money?"),
            _("You have enough for a payout. Tell us how you wish to be paid."),
            _("Say where"), "/portal/me/payout",
        )  # fmt: skip
    if has_answer:
        return Hint(
            _("The team has answered you"),
            _("You asked about a purchase; the answer is here."),
            _("Read the answer"),
            "/portal/questions",
        )
    if sprint is not None:
        campaign_id, name, progress = sprint
        counted = _(
            "%(reached)s of %(goal)s purchases", reached=i18n.number(progress.reached),
            goal=i18n.number(progress.goal),
        )  # fmt: skip
        return Hint(
            name, f"{counted}. {left(progress)}", _("What to share"),
            f"/portal/campaigns/{campaign_id}",
        )  # fmt: skip
    return None


def left(progress: Progress) -> str:
    """Return how long a sprint still takes, a sentence."""
    if progress.is_over:
        return str(_("The sprint is over."))
    days, hours = progress.days_left, progress.hours_left
    if days is None or hours is None:
        return str(_("It has no last day."))
    if days >= _DAYS_FROM:
        return str(ngettext("%(num)s day is left.", "%(num)s days are left.", days))
    return str(ngettext("%(num)s hour is left.", "%(num)s hours are left.", hours))
