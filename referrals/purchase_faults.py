"""What keeps a purchase that the shop told from being recorded."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from core import emails, money
from core.errors import DomainError, Fault, InvalidInputError
from integrations import facts
from referrals.models import PurchaseStatus

_LENGTHS = {
    "source": 40, "external_id": 150, "customer_external_id": 150, "email": 254, "country": 2,
    "click_token": 64, "heard_from": 200, "subscription": 150,
}  # fmt: skip
_MOST_CODES, _MOST_LINES = 20, 500
_CONTROL = re.compile(r"[\x00-\x1f]")
_STATUSES = frozenset(PurchaseStatus)
N_ = str  # marks a text for the catalogue; `_` translates it when it is said


def problem(fact: facts.Purchase) -> DomainError | None:
    """Return why a fact cannot be recorded, or None."""
    faults = [
        Fault(f"/{name}", _("use at most %(n)s characters", n=longest))
        for name, longest in _LENGTHS.items()
        if len(getattr(fact, name) or "") > longest
    ]
    faults += [
        Fault(f"/{name}", _("use no control characters"))
        for name in _LENGTHS
        if _CONTROL.search(getattr(fact, name) or "")
    ]
    faults += _amount_faults(fact)
    faults += _other_faults(fact)
    if not faults:
        return None
    return InvalidInputError(_("This purchase cannot be recorded."), faults=faults)


def _amount_faults(fact: facts.Purchase) -> list[Fault]:
    faults = []
    for name in ("total", "discount", "tax", "shipping"):
        if not 0 <= getattr(fact, name) <= money.LARGEST:
            faults.append(Fault(f"/{name}", _("use minor units, zero or more")))
    if fact.tax + fact.shipping > fact.total:
        faults.append(Fault("/total", _("use the amount charged, with its tax and shipping")))
    try:
        money.require_currency(fact.currency)
    except money.MoneyError as error:
        faults.append(Fault("/currency", str(error)))
    return faults


def _other_faults(fact: facts.Purchase) -> list[Fault]:
    texts = [*fact.codes, *fact.promotion_codes, *fact.aliases, *(line.sku for line in fact.lines)]
    rules = [
        ("/external_id", N_("name the order and its source"),
         bool(fact.external_id.strip() and fact.source.strip())),
        ("/status", N_("use paid, pending or cancelled"), fact.status in _STATUSES),
        ("/customer/email", N_("use an address such as ana@example.com"),
         not fact.email or emails.normalise(fact.email) is not None),
        ("/customer/country", N_("use two letters such as CH (ISO 3166-1)"),
         not fact.country or re.fullmatch("[A-Za-z]{2}", fact.country) is not None),
        ("/codes", N_("use at most %(codes)s codes of at most 60 characters"),
         len(fact.codes) <= _MOST_CODES and all(len(code) <= 60 for code in fact.codes)),
        ("/codes", N_("use no control characters in codes and SKUs"),
         not any(_CONTROL.search(text) for text in texts)),
        ("/lines", N_("use at most %(lines)s lines"), len(fact.lines) <= _MOST_LINES),
        ("/lines", N_("use minor units, and quantities of zero or more"),
         all(abs(x.amount) <= money.LARGEST and 0 <= x.quantity < 2**31 for x in fact.lines)),
        ("/subscription/period_index", N_("use a whole number from 0"),
         fact.period_index is None or 0 <= fact.period_index < 2**31),
        ("/occurred_at", N_("use the day of the order"), 1900 < fact.occurred_at.year < 2200),
    ]  # fmt: skip
    most = {"codes": _MOST_CODES, "lines": _MOST_LINES}
    return [Fault(pointer, _(said, **most)) for pointer, said, holds in rules if not holds]
