"""The program: one row of rules that the whole house reads."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import sqlalchemy as sa
from flask import g
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models import Ambassador, Program, Touch
from core import clock, iban, money, redirects
from core.db import db
from core.errors import Fault, InvalidInputError

NAMES = (
    "name", "currency", "timezone", "locale", "shop_url", "allowed_hosts", "attribution_days",
    "attribution_touch", "lifetime_binding", "hold_days", "minimum_payout", "payout_approval_above",
    "asks_per_week",
    "velocity_orders", "shared_ip_customers", "disposable_domains", "asks_per_give", "quiet_from",
    "quiet_until", "quiet_days", "sepa_name", "sepa_iban", "sepa_bic", "rate_days",
    "invitations_per_month", "points_months",
)  # fmt: skip
_LARGEST = {
    "attribution_days": 3650, "hold_days": 365, "asks_per_week": 50, "velocity_orders": 10_000,
    "shared_ip_customers": 10_000, "asks_per_give": 50, "quiet_from": 23, "quiet_until": 23,
    "rate_days": 60,
    "invitations_per_month": 1000, "points_months": 120,
}  # fmt: skip
_AMOUNTS = ("minimum_payout", "payout_approval_above")  # in the program's currency
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Rules:
    """The program's rules as plain values, read once a request or unit of work."""

    name: str
    currency: str
    timezone: str
    locale: str
    shop_url: str
    allowed_hosts: tuple[str, ...]
    attribution_days: int
    attribution_touch: Touch
    lifetime_binding: bool
    hold_days: int
    minimum_payout: int
    payout_approval_above: int  # a batch of payouts of more needs a second person
    asks_per_week: int
    velocity_orders: int  # of one ambassador within an hour that are too many; 0: never
    shared_ip_customers: int  # of one ambassador behind one address that are too many; 0: never
    disposable_domains: tuple[str, ...]  # beside those that we list
    rule_version: int
    lake_id: str
    asks_per_give: int  # asks before the next give is due; 0: any
    quiet_from: int  # hours of the day in the program's time zone
    quiet_until: int
    quiet_days: frozenset[int]  # Monday is 0
    sepa_name: str  # whose account pays SEPA transfers; empty: nobody's yet
    sepa_iban: str
    sepa_bic: str
    rate_days: int  # days after which a rate of currency counts as missing
    invitations_per_month: int  # of one ambassador to people they know; 0: none
    points_months: int  # after which points expire; 0: never

    @property
    def redirect_hosts(self) -> frozenset[str]:
        """Return the hosts that `?to=` may name: the shop's own, and those allowed beside it."""
        shop = redirects.host_of(self.shop_url)
        return frozenset({*self.allowed_hosts, *([shop] if shop else [])})


def current() -> Rules:
    """Return the program's rules; the first migration wrote the defaults."""
    if "program" in g:
        known: Rules = g.program
        return known
    row = db.session.get_one(Program, 1)
    rules = Rules(
        row.name, row.currency, row.timezone, row.locale, row.shop_url,
        tuple(row.allowed_hosts.split()), row.attribution_days, row.attribution_touch,
        row.lifetime_binding, row.hold_days, row.minimum_payout,
        row.payout_approval_above, row.asks_per_week,
        row.velocity_orders, row.shared_ip_customers, tuple(row.disposable_domains.split()),
        row.rule_version, row.lake_id, row.asks_per_give, row.quiet_from, row.quiet_until,
        frozenset(_WEEKDAYS.index(day) for day in row.quiet_days.split()),
        row.sepa_name, row.sepa_iban, row.sepa_bic, row.rate_days, row.invitations_per_month,
        row.points_months,
    )  # fmt: skip
    g.program = rules
    return rules


def texts() -> dict[str, str]:
    """Return every rule as the text that `set_rules` reads."""
    row = db.session.get_one(Program, 1)
    values = {name: str(getattr(row, name)) for name in NAMES}
    for name in _AMOUNTS:
        values[name] = str(money.to_major(getattr(row, name), row.currency))
    values["lifetime_binding"] = "yes" if row.lifetime_binding else "no"
    return values


def set_rules(texts: dict[str, str]) -> Program:
    """Change rules, told as `name=value` texts, and return the program.

    Raises:
        InvalidInputError: An unknown name or a value that cannot be, or another
            currency once people earn in this one; nothing changes.
    """
    row = db.session.get_one(Program, 1, with_for_update=True)
    values = _parsed(texts, row.currency)
    if values.get("currency", row.currency) != row.currency and _has_ambassadors():
        raise InvalidInputError(
            _("The currency stays once there are ambassadors: what is recorded counts in it."),
            faults=[Fault("/currency", row.currency)],
        )
    before = {name: str(getattr(row, name)) for name in values}
    if all(getattr(row, name) == value for name, value in values.items()):
        return row
    if values.get("timezone", row.timezone) != row.timezone:
        row.lake_id = secrets.token_hex(8)  # the months moved: the columnar copy starts anew
    for name, value in values.items():
        setattr(row, name, value)
    row.rule_version += 1
    db.session.flush()  # readers in this unit of work see the new rules
    g.pop("program", None)
    audit.record("program.change", "program", 1, {"before": before, "after": dict(texts)})
    return row


def _has_ambassadors() -> bool:
    return db.session.scalar(sa.select(Ambassador.id).limit(1)) is not None


def _parsed(texts: dict[str, str], currency: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in texts.keys() - set(NAMES):
        raise InvalidInputError(
            _("“%(name)s” is not a rule; one of %(known)s", name=name, known=", ".join(NAMES))
        )
    for name in sorted(texts, key=NAMES.index):  # the currency before amounts in it
        try:
            values[name] = _value(name, texts[name].strip(), values.get("currency", currency))
        except ValueError as error:
            detail = f"{name}: {error}"
            raise InvalidInputError(detail, faults=[Fault(f"/{name}", str(error))]) from None
    return values


def _value(name: str, text: str, currency: str) -> Any:
    """Return the value that a text stands for; raises ValueError with what to do."""
    if name in _LARGEST:
        return _within(text, _LARGEST[name])
    if name in _AMOUNTS:
        return _not_negative(money.to_minor(text, currency))
    return _READERS[name](text)


def _named(text: str) -> str:
    if not 1 <= len(text) <= 100 or not text.isprintable():
        raise ValueError(_("use 1 to 100 characters"))
    return text


def _zone(text: str) -> str:
    try:
        return clock.zone(text).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(_("use a time zone such as Europe/Zurich")) from None


def _locale(text: str) -> str:
    if text not in {"en", "fr"}:
        raise ValueError(_("use en or fr"))
    return text


def _touch(text: str) -> Touch:
    if text not in set(Touch):
        raise ValueError(_("use first or last"))
    return Touch(text)


def _yes(text: str) -> bool:
    if text.lower() not in {"true", "yes", "false", "no"}:
        raise ValueError(_("use yes or no"))
    return text.lower() in {"true", "yes"}


def _shop(text: str) -> str:
    host = redirects.host_of(text)
    address = redirects.vetted(text, [host]) if host else None
    if address is None or len(address) > 500:
        raise ValueError(_("use an https address such as https://shop.example"))
    return address.removesuffix("/")


def _hosts(text: str) -> str:
    hosts = text.lower().split()
    if any(redirects.host_of(f"https://{host}/") != host for host in hosts) or len(text) > 1000:
        raise ValueError(_("use host names such as blog.example, separated by spaces"))
    return " ".join(hosts)


def _weekdays(text: str) -> str:
    days = text.lower().replace(",", " ").split()
    if not set(days) < set(_WEEKDAYS):  # a week that is quiet all over lets nothing through
        raise ValueError(_("use some of mon tue wed thu fri sat sun, separated by spaces"))
    return " ".join(day for day in _WEEKDAYS if day in days)


def _holder(text: str) -> str:
    if len(text) > 70 or not text.isprintable():
        raise ValueError(_("use at most 70 characters"))
    return text


def _account(text: str) -> str:
    account = iban.normalise(text) if text else ""
    if account is None:
        raise ValueError(_("use an IBAN of the SEPA area, or nothing"))
    return account


def _bank(text: str) -> str:
    bic = iban.normalise_bic(text) if text else ""
    if bic is None:
        raise ValueError(_("use a BIC of 8 or 11 characters, or nothing"))
    return bic


def _not_negative(amount: int) -> int:
    if amount < 0:
        raise ValueError(_("use zero or more"))
    return amount


def _within(text: str, largest: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > largest:
        raise ValueError(_("use a whole number from 0 to %(largest)s", largest=largest))
    return int(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "name": _named, "currency": money.require_currency, "timezone": _zone, "locale": _locale,
    "shop_url": _shop, "allowed_hosts": _hosts, "disposable_domains": _hosts,
    "attribution_touch": _touch, "lifetime_binding": _yes, "quiet_days": _weekdays,
    "sepa_name": _holder, "sepa_iban": _account, "sepa_bic": _bank,
}  # fmt: skip
