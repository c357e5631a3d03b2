"""The staff's door of one code and of signs of leaks: who uses it, where, when, what happened."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from ambassadors.models import Ambassador
from campaigns.models import Campaign
from core import charts, countries, i18n
from core.charts import Chart, Series
from core.db import db
from core.errors import NotFoundError
from referrals import code_qr, code_signals, code_story, code_wording
from referrals.models import Code

door = permissions.guard(
    Blueprint("code_console", __name__, url_prefix="/console/codes"), permissions.STAFF
)


@door.get("/<int:code_id>")
def show(code_id: int) -> str:
    """Show who uses a code, where, when, its history and what it replaces."""
    code = required(code_id)
    owner = db.session.get(Ambassador, code.ambassador_id) if code.ambassador_id else None
    campaign = db.session.get_one(Campaign, code.campaign_id, options=[sa.orm.lazyload("*")])
    figures, weeks = code_story.when(code_id, program.current().timezone)
    return render_template(
        "referrals/console/code.html",
        code=code, owner=owner, campaign=campaign, figures=figures, weeks=_weeks(weeks),
        places=code_story.places(code_id), customers=code_story.customers(code_id),
        country=countries.name, chain=code_story.chain(code),
        history=[(*code_wording.moment(line), line) for line in code_story.history(code)],
        signals=[(one, *code_wording.signal(one)) for one in code_signals.waiting(code_id=code_id)],
        qr_text=code_qr.target(code, current_app.extensions["settings"].base_url),
    )  # fmt: skip


@door.get("/<int:code_id>/qr.<kind>")
def qr(code_id: int, kind: str) -> ResponseReturnValue:
    """Send a code's QR code as a file to print: SVG or PNG."""
    code = required(code_id)
    return qr_file(code, kind)


@door.get("/signals")
def signals() -> str:
    """Show what is unusual about codes, for a person to decide."""
    found = code_signals.waiting()
    return render_template(
        "referrals/console/signals.html",
        signals=[(one, *code_wording.signal(one)) for one in found],
    )


@door.post("/signals/<int:signal_id>/harmless")
@permissions.allow(permissions.MARKETER)
def dismiss(signal_id: int) -> ResponseReturnValue:
    """Close a signal that means nothing."""
    code_signals.dismiss(signal_id)
    db.session.commit()
    flash(_("Noted as harmless. It is shown again only if another week is unusual."))
    return redirect(url_for(".signals"))


def required(code_id: int) -> Code:
    """Return a code.

    Raises:
        NotFoundError: There is none of this id.
    """
    code = db.session.get(Code, code_id)
    if code is None:
        raise NotFoundError(_("There is no such code."))
    return code


def qr_file(code: Code, kind: str) -> Response:
    """Return a code's QR code as a file.

    Raises:
        NotFoundError: A kind of file that we do not draw.
    """
    if kind not in code_qr.KINDS:
        raise NotFoundError(_("There is no such file."))
    text = code_qr.target(code, current_app.extensions["settings"].base_url)
    name = f"{code.text}.{kind}"
    return Response(
        code_qr.draw(text, kind),
        mimetype=code_qr.KINDS[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _weeks(found: list[tuple[datetime, int]]) -> Chart:
    """Draw the purchases of the last 26 weeks."""
    labels = [i18n.short_day(start) for start, _n in found]
    values = [float(number) for _start, number in found]
    best = max(values, default=0)
    finding = _(
        "%(total)s purchases in 26 weeks; the busiest, from %(day)s, had %(best)s.",
        total=i18n.number(int(sum(values))), best=i18n.number(int(best)),
        day=labels[values.index(best)],
    )  # fmt: skip
    return charts.stacked(
        "weeks", labels, [Series(str(_("Purchases")), values)],
        title=str(_("Purchases with this code, by week")), finding=str(finding),
        show=_whole, head=str(_("Week from")),
    )  # fmt: skip


def _whole(value: float) -> str:
    """Return a count; an axis has no words between whole ones."""
    return i18n.number(int(value)) if value == int(value) else ""
