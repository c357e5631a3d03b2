"""`/console/commissions/<purchase>/<ambassador>`: one step by step, from the rule to the cent."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import enrolment
from campaigns import wording as campaign_wording
from core.errors import NotFoundError
from rewards import commissions, explained_words, explanations, wording
from rewards.console import entry_words

door = permissions.guard(
    Blueprint("explained_console", __name__, url_prefix="/console/commissions"), permissions.STAFF
)


@door.get("/<int:purchase_id>/<int:ambassador_id>")
def show(purchase_id: int, ambassador_id: int) -> str:
    """Show how a commission came about, and what the ledger holds of it."""
    explained = explanations.one(purchase_id, ambassador_id)
    if explained is None:
        raise NotFoundError(_("There is no such commission."))
    return render_template(
        "rewards/console/explained.html", one=explained, words=explained_words,
        percent=campaign_wording.percent,
        name=enrolment.names({ambassador_id})[ambassador_id], source=wording.rate_source,
        entries=commissions.entries_of(explained.purchase.id), kinds=entry_words(),
    )  # fmt: skip
