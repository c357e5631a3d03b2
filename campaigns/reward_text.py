"""A reward in the words of a command line: `10%`, `5.00`, `50 points` or `perk:3`, cases, tiers.

A case is what it gives and when: `20%; products=TEA,POT; countries=FR; buyer=new`,
or `15%; circle=3` with the number of a circle.
A tier is the number of its first purchase and what it gives: `10: 15%`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from flask_babel import gettext as _

from campaigns import terms
from campaigns.models import Period, RewardKind
from campaigns.terms import AmbassadorEarns, Buyer, Case, Tier
from core.errors import Fault, InvalidInputError
from core.forms import words

_POINTS = re.compile(r"([0-9]{1,9}) *(?:points?|pts)", re.IGNORECASE)
_CIRCLE = re.compile(r"[0-9]{1,18}")
_PERK = re.compile(r"perk: *([0-9]{1,18})", re.IGNORECASE)


def read(
    text: str, currency: str, *, cases: Sequence[str] = (), tiers: Sequence[str] = ()
) -> AmbassadorEarns:
    """Read what an ambassador gets.

    Args:
        text: For each purchase, as above.
        currency: Of amounts.
        cases: Other rewards, the first that fits counts.
        tiers: Other rewards from a purchase on, in rising order.

    Raises:
        InvalidInputError: A text says no reward, or one of another kind than the usual one.
    """
    usual = _reward(text, currency)
    return replace(
        usual,
        cases=tuple(_case(one, usual.kind, currency) for one in cases),
        tiers=tuple(_tier(one, usual.kind, currency) for one in tiers),
    )


def period_cap(text: str, currency: str, pointer: str) -> tuple[Period, int]:
    """Read the most of a period: `10.00/month`, `500/quarter` or `2000/year`.

    Raises:
        InvalidInputError: None of these.
    """
    amount, slash, period = text.rpartition("/")
    if not slash or period.strip() not in set(Period):
        raise _wrong(pointer, _("Write an amount and its period, such as 10.00/month."))
    return Period(period.strip()), terms.minor(amount, currency, pointer)


def _reward(text: str, currency: str) -> AmbassadorEarns:
    if found := _POINTS.fullmatch(text.strip()):
        return AmbassadorEarns(kind=RewardKind.POINTS, amount=int(found[1]))
    if found := _PERK.fullmatch(text.strip()):
        return AmbassadorEarns(kind=RewardKind.PERK, perk_id=int(found[1]))
    if text.strip().endswith("%"):
        return AmbassadorEarns(rate=terms.basis_points(text, "/rate"))
    return AmbassadorEarns(kind=RewardKind.FIXED, amount=terms.minor(text, currency, "/fixed"))


def _other(text: str, kind: RewardKind, currency: str, pointer: str) -> dict[str, int | None]:
    other = _reward(text, currency)
    if other.kind is not kind:
        raise _wrong(
            pointer, _("Cases and tiers give the same kind of reward: “%(text)s”.", text=text)
        )
    return {"rate": other.rate, "amount": other.amount, "perk_id": other.perk_id}


def _case(text: str, kind: RewardKind, currency: str) -> Case:
    gives, *conditions = [part.strip() for part in text.split(";")]
    told = dict(part.partition("=")[::2] for part in conditions if part)
    told = {name.strip(): value for name, value in told.items()}
    buyer = told.pop("buyer", "").strip()
    products, places = told.pop("products", ""), told.pop("countries", "")
    circle = told.pop("circle", "").strip()
    if told or (buyer and buyer not in set(Buyer)) or (circle and not _CIRCLE.fullmatch(circle)):
        raise _wrong(
            "/cases",
            _("Write a case such as “5.00; products=TEA,POT; countries=FR; buyer=new; circle=3”."),
        )
    return Case(
        **_other(gives, kind, currency, "/cases"), products=words(products),
        countries=tuple(word.upper() for word in words(places)),
        buyer=Buyer(buyer) if buyer else None, circle_id=int(circle) if circle else None,
    )  # fmt: skip


def _tier(text: str, kind: RewardKind, currency: str) -> Tier:
    start, colon, gives = text.partition(":")
    start = start.strip()
    if not (colon and start.isascii() and start.isdigit() and len(start) < 8):
        raise _wrong("/tiers", _("Write a tier such as “10: 5.00”."))
    return Tier(start=int(start), **_other(gives, kind, currency, "/tiers"))


def _wrong(pointer: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, faults=[Fault(pointer, detail)])
