"""The staff's door of what was brought and earned: one ambassador, purchases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from accounts.models import AuditLine
from ambassadors import enrolment, members
from ambassadors.forms import KINDS, StatusForm
from core import forms, i18n
from core.db import db
from core.errors import DomainError, Fault, InvalidInputError, NotFoundError
from core.money import POINTS
from core.web import row_asked
from referrals import codes, purchases, sharing, suspicions
from referrals.models import Purchase
from referrals.sharing import Shared
from rewards import (
    commissions,
    credits,
    earnings,
    explained_words,
    explanations,
    intake,
    purchase_list,
    wording,
    wording_rewards,
)  # fmt: skip
from rewards.forms import OverrideForm
from rewards.models import Entry, EntryKind
from rewards.portal import link_url, month_start, wallets
from rewards.purchase_list import Narrow, Search

PAGE = 50
ON_PAGE = 10  # purchases on an ambassador's page
MOMENTS = 40  # of a timeline

door = permissions.guard(
    Blueprint("rewards_console", __name__, url_prefix="/console"), permissions.STAFF
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, for a timeline."""

    at: datetime
    words: str
    note: str = ""
    href: str | None = None


@door.get("/ambassadors/<int:ambassador_id>")
def ambassador(ambassador_id: int) -> ResponseReturnValue:
    """Show one ambassador: what they share, brought and earned, and what happened."""
    who = enrolment.get(ambassador_id)
    shared = sharing.of_ambassador(ambassador_id)
    found = earnings.brought(ambassador_id, limit=ON_PAGE + 1)
    return render_template(
        "rewards/console/ambassador.html",
        who=who, kinds=KINDS, shared=shared, link_url=link_url, wallets=wallets(ambassador_id),
        figures=earnings.figures(ambassador_id, since=month_start()),
        purchases=found[:ON_PAGE], more=len(found) > ON_PAGE, why=wording.why,
        moments=_moments(ambassador_id, who.enrolled_at, shared),
        status_form=StatusForm(formdata=None),
        invited_by=enrolment.names({who.invited_by_id} if who.invited_by_id else set()),
    )  # fmt: skip


@door.get("/purchases")
def all_purchases() -> ResponseReturnValue:
    """Show purchases with their credit and commission, page by page."""
    asked = request.args.get("narrow")
    search = Search(
        text=request.args.get("q", "")[:150],
        narrow=Narrow(asked) if asked in set(Narrow) else None,
        ambassador_id=row_asked("ambassador"),
    )
    found = purchase_list.page(search, before=_before(), limit=PAGE + 1)
    ids = [purchase_id for _at, purchase_id in found[:PAGE]]
    described = credits.describe(ids) if ids else {}
    return render_template(
        "rewards/console/purchases.html",
        rows=[described[purchase_id] for purchase_id in ids], search=search, narrows=_narrows(),
        why_held=wording.why_held({one.purchase.id: _against(one) for one in described.values()}),
        next_before=found[PAGE - 1][1] if len(found) > PAGE else None,
        before=request.args.get("before"),
    )  # fmt: skip


@door.route("/purchases/<source>/<path:external_id>", methods=["GET", "POST"])
def purchase(source: str, external_id: str) -> ResponseReturnValue:
    """Show why a purchase was credited as it is, its money, and the form to decide otherwise."""
    known = purchases.find(source, external_id)
    if known is None:
        raise NotFoundError(_("There is no such purchase."))
    form = OverrideForm()
    if form.validate_on_submit():
        try:
            chosen = ambassador_meant(form.ambassador.data or "")
            intake.override(known.id, chosen, reason=(form.reason.data or "").strip())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Decided. The ledger follows, and the audit log keeps both decisions."))
            return redirect(url_for(".purchase", source=source, external_id=external_id))
    page = _purchase_page(known.id, form)
    return page, 422 if form.is_submitted() else 200


def _narrows() -> dict[Narrow, str]:
    return {
        Narrow.CREDITED: _("Credited"),
        Narrow.LOST: _("Not credited, though a code or link was there"),
        Narrow.HELD: _("To decide"),
    }


def _purchase_page(purchase_id: int, form: OverrideForm) -> str:
    one = credits.describe([purchase_id])[purchase_id]
    decided = one.attribution
    is_held = decided is not None and decided.suspicion is not None
    evidence = suspicions.evidence([purchase_id])
    seen = evidence.get(purchase_id, {})
    if is_held and not form.is_submitted():
        form.ambassador.data = _as_written(one)
    entries = commissions.entries_of(purchase_id)
    earners = _earners(one, entries)
    return render_template(
        "rewards/console/purchase.html",
        one=one, entries=entries, form=form, reason=wording.reason,
        touches=wording.TOUCHES, kinds=entry_words(), names=_names(one, earners), is_held=is_held,
        earners=earners,
        why_held=wording.suspicions(_against(one), seen) if is_held else [],
        reward=_reward(one, is_held=is_held),
        seen=[] if is_held or not seen else wording.suspicions(" ".join(seen), seen),
    )  # fmt: skip


def _earners(one: credits.Credited, entries: list[Entry]) -> list[int]:
    """Return the ambassadors who have, or had, a commission on a purchase."""
    earned = {
        posting.ambassador_id
        for entry in entries
        for posting in entry.postings
        if posting.currency != POINTS
    }
    if one.commission and one.attribution:
        earned.add(one.attribution.ambassador_id)
    return sorted(id_ for id_ in earned if id_ is not None)


def _reward(one: credits.Credited, *, is_held: bool) -> tuple[str, str, str] | None:
    """Return what became of points or a perk and their rule, and words and look of the state."""
    if one.reward is None:
        return None
    words, look = wording_rewards.STATES[one.reward.state]
    why = wording_rewards.why(one.reward, is_held=is_held)
    rule, currency = explanations.rules_of([one.reward])[one.purchase.id]
    return f"{why} {explained_words.of_thing(rule, currency)}", str(words), look


def _against(one: credits.Credited) -> str | None:
    return one.attribution.suspicion if one.attribution else None


def _as_written(one: credits.Credited) -> str:
    """Return the present winner as the form takes it, so that a hold ends without copying."""
    if one.code or one.attribution is None or one.attribution.ambassador_id is None:
        return one.code or ""
    member = enrolment.get(one.attribution.ambassador_id).member
    return member.email or member.external_id or ""


def _names(one: credits.Credited, earners: list[int]) -> dict[int, str]:
    """Return the names of the ambassadors that a purchase's touches and money speak of."""
    lost = one.attribution.lost if one.attribution else []
    ids = {touch["ambassador_id"] for touch in lost if touch["ambassador_id"]} | set(earners)
    if one.attribution and one.attribution.ambassador_id:
        ids.add(one.attribution.ambassador_id)
    return enrolment.names(ids) if ids else {}


def ambassador_meant(text: str) -> int | None:
    """Return whom a person means by a code, an e-mail address or an id; None for nobody."""
    wanted = text.strip()
    if not wanted:
        return None
    code = codes.find(wanted)
    if code is not None and code.ambassador_id is not None:
        return code.ambassador_id
    member = members.find(email=wanted, external_id=wanted)
    if member is None or member.ambassador is None:
        raise InvalidInputError(
            _("No ambassador has this code, e-mail address or id."),
            faults=[Fault("/ambassador", _("No ambassador has this code, address or id."))],
        )
    return member.ambassador.id


def _moments(ambassador_id: int, enrolled_at: datetime, shared: list[Shared]) -> list[Moment]:
    """Return what happened to an ambassador, the latest first."""
    found = [Moment(enrolled_at, _("Enrolled"))]
    for one in shared:
        word = (
            _("Code %(code)s", code=one.text)
            if one.kind == sharing.CODE
            else _("Link %(slug)s", slug=one.text)
        )
        found.append(Moment(one.created_at, word, one.campaign))
    found += [_movement(row) for row in earnings.movements(ambassador_id, limit=MOMENTS)]
    found += [_audited(line) for line in _audit_lines(ambassador_id)]
    return sorted(found, key=lambda moment: moment.at, reverse=True)[:MOMENTS]


def _movement(row: sa.Row[tuple[object, ...]]) -> Moment:
    href = None
    if row.source:
        href = url_for(".purchase", source=row.source, external_id=row.external_id)
    amount = i18n.money(row.amount, row.currency)
    return Moment(row.occurred_at, entry_words()[row.kind], amount, href)


def entry_words() -> dict[EntryKind, str]:
    """Return why money moved, in words."""
    return {
        EntryKind.COMMISSION: _("Commission"),
        EntryKind.RELEASE: _("Available"),
        EntryKind.HOLD: _("Put on hold"),
        EntryKind.CLAWBACK: _("Taken back"),
        EntryKind.REINSTATEMENT: _("Given again"),
        EntryKind.PAYOUT: _("Set aside for a payout"),
        EntryKind.PAYOUT_SETTLED: _("Paid"),
        EntryKind.PAYOUT_RETURNED: _("Payout came back"),
        EntryKind.BONUS: _("Bonus"),
        EntryKind.BONUS_BACK: _("Bonus taken back"),
        EntryKind.POINTS: _("Points"),
        EntryKind.EXPIRY: _("Points expired"),
        EntryKind.EXCHANGE: _("Exchanged for a perk"),
        EntryKind.EXCHANGE_BACK: _("Given back for a cancelled perk"),
    }


def _audit_lines(ambassador_id: int) -> list[AuditLine]:
    query = (
        sa.select(AuditLine)
        .where(
            AuditLine.object_kind == "ambassador", AuditLine.object_id == str(ambassador_id),
            AuditLine.act != "ambassador.enrol",
        )
        .order_by(AuditLine.id.desc())
        .limit(MOMENTS)
    )  # fmt: skip
    return list(db.session.scalars(query))


def _audited(line: AuditLine) -> Moment:
    words = {
        "ambassador.suspend": _("Suspended"), "ambassador.activate": _("Activated"),
        "ambassador.leave": _("Left the program"), "ambassador.change": _("Other kind"),
        "ambassador.access": _("Access to the portal given"),
    }  # fmt: skip
    note = str(line.details.get("reason", ""))
    return Moment(line.occurred_at, words.get(line.act, line.act), note)


def _before() -> tuple[datetime, int] | None:
    purchase_id = row_asked("before")
    known = db.session.get(Purchase, purchase_id) if purchase_id else None
    return (known.occurred_at, known.id) if known else None
