"""The staff's door of the first page, and of one campaign with what it brought."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from campaigns import briefs
from campaigns import campaigns as plans
from campaigns import terms as campaign_terms
from campaigns import wording as campaign_words
from core import clock, i18n
from reports import acquisition, cac, campaigns, engine, figures, overview, wording
from reports.models import Period, Report, following, last_quarter
from rewards import purchase_rewards
from rewards import wording as reward_words

MONTHS = 6  # of the chart

door = permissions.guard(Blueprint("overview", __name__, url_prefix="/console"), permissions.STAFF)


class Change(NamedTuple):
    """How a figure moved since the month before, for a tile."""

    words: str = ""
    direction: str = ""
    mood: str = ""


@door.get("")
def home() -> ResponseReturnValue:
    """Show the month so far beside the one before, what waits, what runs, and the first steps."""
    rules = program.current()
    currency, present = rules.currency, _present()
    half, both = (Period(following(present, back), present) for back in (1 - MONTHS, -1))
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    months = acquisition.report(half, currency, copy=copy)
    cost = cac.report(both, currency, copy=copy)
    now, before = months.rows[-1], months.rows[-2]
    running, held = overview.running(), overview.held()
    return render_template(
        "reports/console/home.html",
        now=now, before=before, month=present, month_before=following(present, -1),
        currency=currency, cac=cost.by_month[-1].cac_community,
        share_change=_points(now.share_tracked, before.share_tracked),
        cac_change=_more(cost, currency), share=figures.share_by_month(months),
        standing=overview.standing(currency), held=held,
        left_out=overview.left_out(), running=running,
        benefits={
            one.slug: campaign_words.benefits(campaign_terms.of(one).benefits, one.currency)
            for one in running
        },
        brought=campaigns.brought(copy, Period(present, present), currency),
        behind=_behind(Period(present, present), currency),
        about=(wording.SHARE_TRACKED, wording.CAC_COMMUNITY, wording.NEW_CUSTOMERS),
        quarter=last_quarter(present),
        why_held=reward_words.why_held({one.purchase_id: one.suspicion for one in held}),
    )  # fmt: skip


@door.get("/campaigns/<slug>")
def campaign(slug: str) -> ResponseReturnValue:
    """Show a campaign: its terms in sentences, what it holds, and what it brought."""
    one = plans.get(slug)
    brief, today = briefs.of(one), clock.local_day(clock.now(), program.current().timezone)
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    span = campaigns.whole_life(copy, _present())
    return render_template(
        "reports/console/campaign.html",
        brief=brief, mention=briefs.mention(brief.format, today) if brief else None,
        campaign=one, sentences=campaign_words.of_campaign(one), benefits=[
            campaign_words.benefit(gets, one.currency) for gets in campaign_terms.of(one).benefits
        ],
        versions=[
            (
                rule, campaign_words.reward(campaign_terms.reward_of(rule), one.currency),
                bool(rule.effective_from and rule.effective_from > clock.now()),
            )
            for rule in reversed(one.rules)
        ],
        objectives=campaign_words.OBJECTIVES, as_of=copy.manifest.as_of,
        brought=campaigns.of_one(copy, slug, span, one.currency),
        behind=_behind(span, one.currency), missed=purchase_rewards.gone(one.id),
    )  # fmt: skip


def _present() -> str:
    return clock.local_month(clock.now(), program.current().timezone)


def _behind(span: Period, currency: str) -> Callable[..., str]:
    """Return a maker of addresses of the purchases behind a figure."""

    def behind(**wanted: str) -> str:
        months = {"from": span.first, "to": span.last, "currency": currency}
        return url_for("reports.show_purchases", **wanted, **months)  # type: ignore[arg-type]

    return behind


def _points(now: Decimal | None, before: Decimal | None) -> Change:
    """Return the difference of two shares in points."""
    if now is None or before is None:
        return Change()
    moved = round((now - before) * 100, 1)
    words = _("%(number)s points", number=i18n.number(abs(moved)))
    return Change(words, *_way(moved, "good", "bad"))


def _more(report: Report, currency: str) -> Change:
    """Return the difference of a month's community CAC from the month before."""
    before, now = (month.cac_community for month in report.by_month[-2:])
    if now is None or before is None:
        return Change()
    # no verdict: costs of an unfinished month may still be missing
    return Change(i18n.amount(abs(now - before), currency), *_way(now - before, "", ""))


def _way(moved: Decimal | int, if_up: str, if_down: str) -> tuple[str, str]:
    if not moved:
        return "", ""
    return ("up", if_up) if moved > 0 else ("down", if_down)
