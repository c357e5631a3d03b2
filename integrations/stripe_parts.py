"""What Stripe's objects have in common: names, amounts, people and codes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core import emails, money
from integrations.fields import Fields, UnreadableError

_CODE_KEYS = ("referral_code", "promo_code", "code")  # of metadata
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{1,58}[A-Za-z0-9]")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # a click of ours: 16 random bytes in base64
# Stripe's decimals where they are not those of ISO 4217.
# Source: docs.stripe.com/currencies, "Special cases" and "Zero-decimal currencies".
_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}


def names(*ids: str | None) -> tuple[str, ...]:
    """Return the ids that are there, each once, in order."""
    return tuple(dict.fromkeys(name for name in ids if name))


def currency(fields: Fields) -> str:
    """Return the object's ISO 4217 currency, in upper case."""
    try:
        return money.require_currency(fields.need_text("currency", longest=3))
    except money.MoneyError as error:
        raise UnreadableError(f"The message does not fit: {error}") from None


def amount(told: int, currency: str) -> int:
    """Return one of Stripe's amounts in our minor units."""
    shift = money.exponent(currency) - _DECIMALS.get(currency, money.exponent(currency))
    return told * 10**shift if shift >= 0 else money.divide_half_up(told, 10**-shift)


def told(amount: int, currency: str) -> int:
    """Return one of our amounts in Stripe's units.

    Raises:
        ValueError: Stripe has fewer decimals, and the amount needs them.
    """
    shift = money.exponent(currency) - _DECIMALS.get(currency, money.exponent(currency))
    if shift <= 0:
        return amount * int(10**-shift)
    coarser: int = 10**shift
    whole, rest = divmod(amount, coarser)
    if rest:
        raise ValueError(f"Stripe sends no parts of {currency} as small as this")
    return whole


def email(text: str | None) -> str | None:
    """Return an address, or None: one that is misspelt must not cost us the order."""
    return text if emails.normalise(text) else None


def session_email(session: Fields) -> str | None:
    """Return the address that the customer gave at the checkout."""
    known = session.inner("customer_details").text("email") or session.text("customer_email")
    if not known and session.is_object("customer"):
        known = session.inner("customer").text("email")
    return email(known)


def session_country(session: Fields) -> str | None:
    """Return where the order goes, else where its payer lives."""
    return country(
        session.inner("collected_information").inner("shipping_details").inner("address"),
        session.inner("shipping_details").inner("address"),
        session.inner("customer_details").inner("address"),
    )


def country(*addresses: Fields) -> str | None:
    """Return the first country that is told; where it goes comes before who pays."""
    for address in addresses:
        code = address.text("country") or ""
        if len(code) == 2 and code.isascii() and code.isalpha():
            return code.upper()
    return None


def promotions(about: Fields) -> tuple[tuple[str, ...], list[str]]:
    """Return the ids of the promotion codes used, and their texts where they are expanded."""
    broken_down = about.inner("total_details").inner("breakdown").items("discounts")
    discounts = [
        *about.objects("discounts"), about.inner("discount"),
        *(item.inner("discount") for item in broken_down),
    ]  # fmt: skip
    ids = [found for discount in discounts if (found := discount.ref("promotion_code"))]
    expanded = [d.inner("promotion_code") for d in discounts if d.is_object("promotion_code")]
    texts = [text for code in expanded if (text := code.text("code"))]
    return tuple(dict.fromkeys(ids)), texts


def session_codes(session: Fields) -> tuple[str, ...]:
    """Return the codes of a session: of its discounts, then metadata, then its reference."""
    reference = session.text("client_reference_id")
    if reference and _TOKEN.fullmatch(reference) and reference != reference.upper():
        reference = None  # a click of ours, not a code
    return codes(
        [
            *promotions(session)[1],
            *metadata_codes([session.inner("metadata")]),
            *([reference] if reference else []),
        ]
    )


def metadata_codes(metadata: Iterable[Fields]) -> list[str]:
    """Return the codes that the shop left in metadata."""
    told = [held.text(key) for held in metadata for key in _CODE_KEYS]
    return [code.strip() for text in told if text for code in text.split(",")]


def codes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what can be a code, each once however it is written, at most 20."""
    found: dict[str, str] = {}
    for text in texts:
        if _CODE.fullmatch(text):
            found.setdefault(text.upper(), text)
    return tuple(found.values())[:20]


def click_token(session: Fields) -> str | None:
    """Return the click that brought the customer: metadata `click_id`, or the reference."""
    told = session.inner("metadata").text("click_id") or session.text("client_reference_id") or ""
    return told if _TOKEN.fullmatch(told) else None
