"""The marketer's door of the wizard: a campaign in seven steps, new or changed, saved at each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import circles, directory, program, segments
from ambassadors.directory import Search
from ambassadors.models import AmbassadorKind, AmbassadorStatus
from campaigns import briefs, campaigns, drafts, offers, patterns, previews, wording
from campaigns import forms_reading as reading
from campaigns import forms_wizard as wizard
from campaigns import terms as campaign_terms
from campaigns.briefs import Told
from campaigns.campaigns import CampaignError
from campaigns.forms import CASE, TIER, WizardForm
from campaigns.forms_reading import Read
from campaigns.forms_wizard import STEPS, TITLES, Menus
from campaigns.models import Campaign, Draft
from campaigns.terms import Terms
from core import clock, forms
from core.db import db
from core.errors import Fault, InvalidInputError, NotFoundError
from rewards import estimates, launches, perks
from rewards import wording_perks as perk_words
from rewards.models import OfferStatus

_OWNERS = 200  # partners in a menu
_ORDER = list(STEPS)

door = permissions.guard(
    Blueprint("campaigns_wizard", __name__, url_prefix="/console/wizard"), permissions.MARKETER
)


@dataclass(frozen=True, slots=True)
class Page:
    """A draft, its form and what the form says."""

    draft: Draft
    form: WizardForm
    read: Read
    currency: str


@door.get("")
def start() -> ResponseReturnValue:
    """Show the templates to begin with, and the drafts that wait."""
    return render_template(
        "rewards/console_wizard/start.html",
        patterns=patterns.PATTERNS, drafts=drafts.waiting(),
    )  # fmt: skip


@door.post("")
def begin() -> ResponseReturnValue:
    """Begin a draft from a template, from a campaign to copy or to change, or from nothing."""
    draft = _begun()
    db.session.commit()
    return redirect(url_for("campaigns_wizard.step", token=draft.token, step=_ORDER[0]))


def _begun() -> Draft:
    rules = program.current()
    known = request.form.get("copy") or request.form.get("change")
    if not known:
        pattern = request.form.get("pattern", "")
        return drafts.begin(
            patterns.answers(pattern, timezone=rules.timezone, hold_days=rules.hold_days)
        )
    campaign = campaigns.get(known)
    answers = reading.answers_of(campaign, briefs.of(campaign), rules.timezone)
    if request.form.get("change"):
        return drafts.change(campaign, answers)
    return drafts.begin(answers | {"name": [_("%(name)s, again", name=campaign.name)[:120]]})


@door.route("/<token>/<step>", methods=["GET", "POST"])
def step(token: str, step: str) -> ResponseReturnValue:
    """Show a step, or save it and go on."""
    if step not in STEPS:
        raise NotFoundError(_("There is nothing at this address."))
    draft = drafts.get(token)
    launched = drafts.launched_as(draft)
    if launched:
        return redirect(url_for("overview.campaign", slug=launched.slug))
    if request.method == "GET":
        return _show(_page(draft), step)
    drafts.save(draft, {name: request.form.getlist(name) for name in STEPS[step]})
    db.session.commit()
    if request.form.get("go") == "save":
        flash(_("Saved as a draft."))
        return redirect(url_for("campaigns_wizard.start"))
    page = _page(draft)
    faults = wizard.of_step(page.read.faults, step)
    go = request.form.get("go")
    if go in {"next", "look"} and faults:
        return _show(page, step, faults=faults), 422
    return redirect(
        url_for("campaigns_wizard.step", token=token, step=step if go == "look" else _next(step))
    )


@door.post("/<token>/launch")
def launch(token: str) -> ResponseReturnValue:
    """Make the draft a running campaign, or write its changes into the campaign it changes."""
    draft = drafts.get(token)
    launched = drafts.launched_as(draft)
    if launched:  # a second tap
        return redirect(url_for("overview.campaign", slug=launched.slug))
    page = _page(draft)
    if page.read.faults or page.read.terms is None or page.read.brief is None:
        return _show(page, "review"), 422
    try:
        slug = _done(page, page.read.terms, page.read.brief).slug
        db.session.commit()
    except (InvalidInputError, CampaignError) as error:
        db.session.rollback()
        page = _page(drafts.get(token))
        page.read.faults.extend(error.faults or [Fault("/", error.detail)])
        return _show(page, "review"), 422
    flash(_("Saved.") if page.draft.changes_id else _("The campaign runs."))
    return redirect(url_for("overview.campaign", slug=slug))


def _done(page: Page, terms: Terms, brief: Told) -> Campaign:
    if page.draft.changes_id:
        return launches.apply(page.draft, terms, brief, effective_on=page.read.effective_on)
    owner = page.form.owner.data or ""
    return launches.launch(
        page.draft, terms, brief, code=(page.form.code.data or "").strip(),
        owner_id=int(owner) if owner.isascii() and owner.isdigit() else None,
    )  # fmt: skip


@door.post("/<token>/discard")
def discard(token: str) -> ResponseReturnValue:
    """Throw a draft away."""
    drafts.discard(drafts.get(token))
    db.session.commit()
    flash(_("The draft is gone."))
    return redirect(url_for("campaigns_wizard.start"))


def _page(draft: Draft) -> Page:
    rules = program.current()
    changed = drafts.changed_by(draft)
    currency = changed.currency if changed else rules.currency
    form = wizard.form_of(draft.answers, _menus(draft))
    read = reading.read(
        form, currency=currency, timezone=rules.timezone,
        before=campaign_terms.of(changed) if changed else None,
    )  # fmt: skip
    wrong = launches.code_fault((form.code.data or "").strip())
    if wrong:
        read.faults.append(wrong)
    return Page(draft, form, read, currency)


def _menus(draft: Draft) -> Menus:
    chosen = {text for texts in draft.answers.values() for text in texts}
    return Menus(
        owners=_owners(),
        perks=[
            (str(one.id), perk_words.name(one))
            for one in perks.newest()
            if one.status is OfferStatus.ACTIVE or str(one.id) in chosen  # taken out since
        ],
        circles=[(str(number), name) for number, name in circles.names().items()],
        segments=[(str(number), name) for number, name in segments.names().items()],
    )  # fmt: skip


def _owners() -> list[tuple[str, str]]:
    """Return who may have the code of all readers: active partners, by name."""
    search = Search(kind=AmbassadorKind.PARTNER, status=AmbassadorStatus.ACTIVE)
    found = directory.ambassadors(search, limit=_OWNERS)
    return sorted(((str(one.id), one.member.name) for one in found), key=lambda one: one[1])


def _show(page: Page, step: str, *, faults: list[Fault] | None = None) -> str:
    for field in page.form:
        field.errors = ()
    if faults:
        forms.show(page.form, InvalidInputError("", faults=[
            Fault(f"/{wizard.field_of(fault)}", fault.detail) for fault in faults
        ]))  # fmt: skip
    terms, brief = page.read.terms, page.read.brief
    is_review = step == "review"
    is_weighed = is_review or step == "audience"  # it reads every ambassador
    reach = previews.reach(brief.audience) if brief and is_weighed else None
    return render_template(
        f"rewards/console_wizard/{step}.html",
        draft=page.draft, form=page.form, currency=page.currency, step=step, titles=TITLES,
        done=_ORDER[: _ORDER.index(step)], before=_before(step), order=_ORDER,
        reach=reach, lists=bool(page.form.circle_ids.choices or page.form.segment_ids.choices),
        case_rows=page.form.rows(CASE), tier_rows=page.form.rows(TIER),
        offers=[offers.read(terms, page.currency, word) for word in ("en", "fr")] if terms else [],
        wrong=[(fault, _step_of(fault)) for fault in page.read.faults] if is_review else [],
        sentences=wording.sentences(terms, page.currency) if terms and is_review else [],
        estimate=_estimate(page, reach.in_audience if reach else 0) if is_review else None,
        mention=briefs.mention(brief.format, _today()) if brief else None,
        fewest=(estimates.FEWEST_MONTHS, estimates.FEWEST_PURCHASES),
    )  # fmt: skip


def _estimate(page: Page, meant: int) -> estimates.Estimate | None:
    if page.read.terms is None:
        return None
    return estimates.of(
        page.read.terms, reached=meant, known=estimates.past(page.currency),
        currency=page.currency,
    )  # fmt: skip


def _step_of(fault: Fault) -> str:
    name = wizard.field_of(fault)
    return next((step for step, fields in STEPS.items() if name in fields), _ORDER[0])


def _next(step: str) -> str:
    return _ORDER[min(_ORDER.index(step) + 1, len(_ORDER) - 1)]


def _before(step: str) -> str | None:
    place = _ORDER.index(step)
    return _ORDER[place - 1] if place else None


def _today() -> date:
    return clock.local_day(clock.now(), program.current().timezone)
