"""The staff's door of the funnel: how far people came through a campaign or a code."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from accounts import permissions
from campaigns import campaigns as plans
from core.errors import InvalidInputError
from reports import catalogue, engine, figures, funnels, views
from reports.console import choices, to_purchases

door = permissions.guard(
    Blueprint("funnel", __name__, url_prefix="/console/reports/funnel"), permissions.STAFF
)


@door.get("")
def show() -> str:
    """Show the funnel of the campaign or the code that the address names.

    Raises:
        InvalidInputError: It names neither or both.
    """
    slug, code = request.args.get("campaign") or None, request.args.get("code") or None
    if (slug is None) == (code is None) or "\0" in (slug or code or ""):
        raise InvalidInputError(_("Name a campaign or a code."))
    span, currency = catalogue.asked_period(request.args), catalogue.asked_currency(request.args)
    campaign = plans.get(slug) if slug else None
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    funnel = (
        funnels.of_campaign(copy, slug, span, currency)
        if slug
        else funnels.of_code(copy, str(code), span, currency)
    )
    return render_template(
        "reports/console/funnel.html", funnel=funnel, campaign=campaign, code=code,
        title=campaign.name if campaign else code, currency=currency, views=views.listed(),
        period_words=figures.words(span), choices=choices(span), span=span,
        behind=to_purchases(span, currency), sql=engine.definition(funnels.NAME),
        as_of=copy.manifest.as_of, which={"campaign": slug, "code": code},
    )  # fmt: skip
