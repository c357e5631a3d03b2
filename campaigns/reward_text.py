"""A reward in the words of a command line: `10%`, `5.00`, `50 points` or `perk:3`, cases, tiers.

A case is what it gives and when: `20%; products=TEA,POT; countries=FR; buyer=new`.
A tier is the number of its first purchase and what it gives: `10: 15%`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from flask_babel import gettext as _

from campaigns import terms
from campaigns.models import RewardKind
from campaigns.terms import AmbassadorEarns, Buyer, Case, Tier
from core.errors import Fault, InvalidInputError
from core.forms import words

_POINTS = re.compile(r"([0-9]{1,9}) *(?:points?|pts)", re.IGNORECASE)
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


def _reward(text: str, currency: str) -> AmbassadorEarns:
    if found := _POINTS.fullmatch(text.strip()):
        return AmbassadorEarns(kind=RewardKind.POINTS, amount=int(found[1]))
    if found := _PERK.fullmatch(text.strip()):
        return AmbassadorEarns(kind=RewardKind.PERK, perk_id=int(found[1]))
    return terms.commission(text, currency)


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
    if told or (buyer and buyer not in set(Buyer)):
        raise _wrong(
            "/cases",
            _("Write a case such as “5.00; products=TEA,POT; countries=FR; buyer=new”."),
        )
    return Case(
        **_other(gives, kind, currency, "/cases"), products=words(products),
        countries=tuple(word.upper() for word in words(places)),
        buyer=Buyer(buyer) if buyer else None,
    )  # fmt: skip


def _tier(text: str, kind: RewardKind, currency: str) -> Tier:
    start, colon, gives = text.partition(":")
    start = start.strip()
    if not (colon and start.isascii() and start.isdigit() and len(start) < 8):
        raise _wrong("/tiers", _("Write a tier such as “10: 5.00”."))
    return Tier(start=int(start), **_other(gives, kind, currency, "/tiers"))


def _wrong(pointer: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, faults=[Fault(pointer, detail)])
