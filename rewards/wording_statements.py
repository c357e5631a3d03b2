"""Statements, totals and declarations in words: what moved money, and the files of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import money
from rewards.models import EntryKind
from rewards.models_contracts import ThresholdKind
from rewards.statements import Amounts, Statement
from rewards.thresholds import Limit
from rewards.year_totals import Declared, Total

KINDS = {
    EntryKind.COMMISSION: _l("Commission"),
    EntryKind.RELEASE: _l("Became available"),
    EntryKind.HOLD: _l("Held until the team has looked at it"),
    EntryKind.CLAWBACK: _l("Taken back after a refund"),
    EntryKind.REINSTATEMENT: _l("Given again, the refund did not stand"),
    EntryKind.PAYOUT: _l("Set aside for a payout"),
    EntryKind.PAYOUT_SETTLED: _l("Paid out"),
    EntryKind.PAYOUT_RETURNED: _l("Payout came back"),
    EntryKind.BONUS: _l("Bonus"),
    EntryKind.BONUS_BACK: _l("Bonus taken back"),
    EntryKind.EXCHANGE: _l("Perk, paid from the balance"),
    EntryKind.EXCHANGE_BACK: _l("Perk cancelled, its price came back"),
}
FILE_HEADS = {
    "month": _l("Of the program’s time zone."),
    "currency": _l("ISO 4217; the amounts of a row are in it."),
    "row": _l("“opening”, “closing”, or why money moved."),
    "entry": _l("Number of the entry in the ledger."),
    "occurred_at": _l("When it happened."),
    "told_at": _l("When it was told, if that was after the month."),
    "about": _l("The campaign, if there is one."),
    "pending": _l("Owed, in the hold period."),
    "held": _l("Owed, until the team has looked at it."),
    "payable": _l("Owed and available; below zero: the next commissions repay it."),
    "on_its_way": _l("Set aside for a payout under way."),
    "total": _l("All four together."),
}


def file_rows(statements: list[Statement]) -> Iterator[tuple[object, ...]]:
    """Return the rows of a statement's file, amounts in major units."""
    for one in statements:
        yield (one.month, one.currency, "opening", "", "", "", "", *_cells(one.opening, one))
        for line in one.lines:
            yield (
                one.month, one.currency, line.kind.value, line.entry_id,
                line.occurred_at, line.told_at, line.about, *_cells(line.amounts, one),
            )  # fmt: skip
        yield (one.month, one.currency, "closing", "", "", "", "", *_cells(one.closing, one))


def _cells(amounts: Amounts, one: Statement) -> Iterator[Decimal]:
    """Return amounts as numbers: a text with a minus would be taken for a formula."""
    for minor in (
        amounts.pending, amounts.held, amounts.payable, amounts.transit, amounts.total,
    ):  # fmt: skip
        yield money.to_major(minor, one.currency)


TOTAL_HEADS = {
    "year": _l("A calendar year of the program’s time zone."),
    "ambassador": _l("Number of the ambassador."),
    "name": _l("As the program knows them."),
    "currency": _l("ISO 4217; the amounts of a row are in it."),
    "earned": _l("Commissions and bonuses of the year."),
    "clawed_back": _l("Taken back in the year, less what was given again."),
    "paid": _l("Payouts in money that arrived, less those that came back."),
    "store_credit": _l("Paid as codes of the shop."),
    "perks": _l("Available money that was taken as perks."),
    "owed": _l("What was owed at the end of the year, or is now."),
}
DECLARED_HEADS = {
    ThresholdKind.DAS2: {
        "annee": _l("The calendar year in which it was paid."),
        "beneficiaire": _l("Number of the ambassador."),
        "nom": _l("As they said for declarations, else as the program knows them."),
        "siret": _l("Of who acts as a business in France."),
        "profession": _l("What they do, as they said."),
        "rue": _l("Number and street."),
        "code_postal": _l("Postal code."),
        "commune": _l("City."),
        "pays": _l("ISO 3166."),
        "coordonnees": _l("Whether the details were given, or are asked for on the portal."),
        "commissions": _l("Paid in the year: payouts, store credit and perks taken from earnings."),
        "avantages_en_nature": _l("Gifts, at what they cost the brand."),
        "total": _l("Both together: what is above the threshold is declared."),
        "devise": _l("ISO 4217."),
        "seuil": _l("The threshold of the year, among the settings."),
        "a_verifier": _l("Currencies without a rate, which are not counted."),
    },
    ThresholdKind.NEC: {
        "year": _l("The calendar year in which it was paid."),
        "recipient": _l("Number of the ambassador."),
        "name": _l("As they said for declarations, else as the program knows them."),
        "tin": _l("Tax number: its last four digits, or that it is asked for on the portal."),
        "street": _l("Number and street."),
        "city": _l("City."),
        "postal_code": _l("Postal code."),
        "country": _l("ISO 3166."),
        "nonemployee_compensation": _l("Box 1: paid in the year."),
        "currency": _l("ISO 4217."),
        "threshold": _l("The threshold of the year, among the settings."),
        "to_check": _l("Currencies without a rate, which are not counted."),
    },
}


def total_rows(year: int, totals: list[Total]) -> Iterator[tuple[object, ...]]:
    """Return the rows of the file of a year's totals, amounts in major units."""
    for one in totals:
        amounts = (
            one.earned, one.clawed_back, one.paid, one.store_credit, one.perks, one.owed,
        )  # fmt: skip
        cells = (money.to_major(minor, one.currency) for minor in amounts)
        yield (year, one.ambassador_id, one.name, one.currency, *cells)


def declared_rows(
    kind: ThresholdKind, year: int, limit: Limit, found: list[Declared]
) -> Iterator[tuple[object, ...]]:
    """Return the rows of a declaration's file; the last column names what has no rate."""

    def major(minor: int) -> Decimal:
        return money.to_major(minor, limit.currency)

    for one in found:
        amounts = (one.paid, one.gifts, one.total) if kind is ThresholdKind.DAS2 else (one.paid,)
        yield (
            year, one.ambassador_id, one.name, *_person(kind, one), *map(major, amounts),
            limit.currency, major(limit.amount), " ".join(sorted(one.unknown)),
        )  # fmt: skip


def details(kind: ThresholdKind, one: Declared) -> str:
    """Return whether what a declaration needs was given: the tax number masked, or “asked”."""
    said = one.detail
    if kind is ThresholdKind.NEC:
        return said.masked_tin if said and said.tin_last4 else str(_("asked for"))
    return str(_("given")) if said else str(_("asked for"))


def _person(kind: ThresholdKind, one: Declared) -> tuple[str, ...]:
    said, state = one.detail, details(kind, one)
    street, city, code = (said.street, said.city, said.postal_code) if said else ("", "", "")
    if kind is ThresholdKind.NEC:
        return state, street, city, code, one.country
    siret, profession = (said.siret, said.profession) if said else ("", "")
    return siret, profession, street, code, city, one.country, state
