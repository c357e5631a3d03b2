"""What codes do, in words: their history, and signs of a leak with their evidence."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from accounts import wording
from accounts.models import AuditLine
from core import countries, i18n
from referrals.code_signals import Seen
from referrals.models import SignalKind


def signal(seen: Seen) -> tuple[str, str]:
    """Return what is unusual, and the figures behind it."""
    known = seen.evidence
    if seen.kind is SignalKind.BEYOND_ITS_PAST:
        return str(_("Used far beyond its past")), str(
            _(
                "%(orders)s orders in seven days; its usual week, over the %(weeks)s before, "
                "has %(usual)s.",
                orders=i18n.number(known["orders"]),
                weeks=i18n.number(known["weeks"]),
                usual=i18n.number(known["usual"]),
            )
        )
    if seen.kind is SignalKind.WITHOUT_CLICK:
        return str(_("Many orders without a click")), str(
            _(
                "%(without)s of %(orders)s orders in seven days came without a click; before, "
                "%(share)s did.",
                without=i18n.number(known["without_click"]),
                orders=i18n.number(known["orders"]),
                share=i18n.percent(known["usual_share"], 0),
            )
        )
    return str(_("New customers from unusual countries")), str(
        _(
            "%(far)s of %(new)s new customers in seven days came from countries that were rare "
            "for this code: %(countries)s.",
            far=i18n.number(known["from_far"]),
            new=i18n.number(known["new_customers"]),
            countries=", ".join(countries.name(one) for one in known["countries"]),
        )
    )


def moment(line: AuditLine) -> tuple[str, str]:
    """Return what was done to a code, and why if somebody said so."""
    details: dict[str, Any] = line.details
    return wording.act(line.act), str(details.get("reason") or "")
