"""Rates of currency: which one holds for a day, and amounts that are converted exactly."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from ambassadors import program
from core import money
from core.db import db
from core.errors import InvalidInputError
from rewards import rates
from rewards.rates import Told, rate_at
from tests.factories import must

FRIDAY, MONDAY = date(2026, 2, 27), date(2026, 3, 2)


def published(on: date, quote: str, value: str, *, base: str = "EUR", source: str = "ecb") -> Told:
    return Told(on, base, quote, Decimal(value), source)


def test_the_last_rate_on_or_before_the_day_holds_over_a_weekend(app: Flask) -> None:
    rates.record([published(FRIDAY, "USD", "1.0823"), published(MONDAY, "USD", "1.0900")])
    for on in (FRIDAY, FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)):
        found = must(rate_at("EUR", "USD", on))
        assert (found.value, found.on, found.source) == (
            Decimal("1.0823"), FRIDAY, "ecb",
        )  # fmt: skip
    assert must(rate_at("EUR", "USD", MONDAY)).value == Decimal("1.09")
    assert rate_at("EUR", "USD", FRIDAY - timedelta(days=1)) is None


def test_an_old_rate_counts_as_missing(app: Flask) -> None:
    rates.record([published(FRIDAY, "USD", "1.0823")])
    assert rate_at("EUR", "USD", FRIDAY + timedelta(days=7))
    assert rate_at("EUR", "USD", FRIDAY + timedelta(days=8)) is None
    program.set_rules({"rate_days": "10"})
    assert rate_at("EUR", "USD", FRIDAY + timedelta(days=10))
    program.set_rules({"rate_days": "0"})
    assert rate_at("EUR", "USD", FRIDAY + timedelta(days=1)) is None


def test_a_pair_is_turned_round_or_told_through_a_third_currency(app: Flask) -> None:
    rates.record([published(FRIDAY, "USD", "1.25"), published(FRIDAY, "CHF", "0.9")])
    assert must(rate_at("USD", "EUR", FRIDAY)).value == Decimal("0.8")
    assert must(rate_at("CHF", "USD", FRIDAY)).value == Decimal("1.38888888889")  # 1.25 / 0.9
    rates.record([published(MONDAY, "USD", "1.25")])
    assert must(rate_at("CHF", "USD", MONDAY)).on == FRIDAY  # never of two days


def test_the_brand_s_own_rate_comes_before_the_central_bank_s_of_the_same_day(app: Flask) -> None:
    rates.record([published(FRIDAY, "USD", "1.0823")])
    rates.record([published(FRIDAY, "USD", "1.1", source="bank")])
    assert must(rate_at("EUR", "USD", FRIDAY)).source == "bank"
    rates.record([published(MONDAY, "USD", "1.2")])
    assert must(rate_at("EUR", "USD", MONDAY)).source == "ecb"


def test_a_rate_told_again_changes_nothing_and_another_value_corrects_it(app: Flask) -> None:
    one = published(FRIDAY, "USD", "1.0823")
    assert rates.record([one]) == [("created", None)]
    assert rates.record([one, one]) == [("unchanged", Decimal("1.0823"))] * 2
    assert rates.record([one._replace(value=Decimal("1.0832"))]) == [
        ("corrected", Decimal("1.0823"))
    ]
    db.session.commit()
    assert must(rate_at("EUR", "USD", FRIDAY)).value == Decimal("1.0832")


def test_a_rate_comes_back_from_the_database_as_it_was_told(app: Flask) -> None:
    for digits in ("0.000011873502", "123456789012", "1.10", "26310.123456789012"):
        rates.record([published(FRIDAY, "VND", digits)])
        db.session.commit()
        assert must(rate_at("EUR", "VND", FRIDAY)).value == Decimal(digits)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quote": "EUR"}, {"quote": "XXY"}, {"value": Decimal(0)}, {"value": Decimal("-1")},
        {"value": Decimal("NaN")}, {"value": Decimal("1e13")}, {"value": Decimal("1e-13")},
        {"on": date(1900, 1, 1)}, {"on": date(2026, 3, 3)},
    ],
)  # fmt: skip
def test_a_rate_that_cannot_be_is_refused(app: Flask, wrong: dict[str, object]) -> None:
    fields = {"on": FRIDAY, "base": "EUR", "quote": "USD", "value": Decimal("1.1"), "source": "x"}
    assert rates.told(**fields)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        rates.told(**fields | wrong)  # type: ignore[arg-type]


CODES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF"])
VALUES = st.decimals("0.000001", "1000000", places=6, allow_nan=False).filter(lambda one: one > 0)
AMOUNTS = st.integers(0, 10**9)


@given(amount=AMOUNTS, value=VALUES, base=CODES, quote=CODES)
def test_converting_rounds_once_half_up_and_never_by_more_than_half_a_unit(
    amount: int, value: Decimal, base: str, quote: str
) -> None:
    factor = Fraction(value) * 10 ** money.exponent(quote) / 10 ** money.exponent(base)
    exact = amount * factor
    there = money.convert(amount, value, base, quote)
    if exact < money.LARGEST:
        assert -Fraction(1, 2) < there - exact <= Fraction(1, 2)
        assert money.convert_limit(amount, value, base, quote) <= exact
    else:
        assert there == money.LARGEST


@given(limit=AMOUNTS, value=VALUES, base=CODES, quote=CODES)
def test_what_a_limit_allows_is_not_above_it_when_it_is_converted_back(
    limit: int, value: Decimal, base: str, quote: str
) -> None:
    most = money.convert_limit(limit, value, base, quote)
    assert 0 <= money.convert_back(most, value, base, quote) <= limit


@given(first=AMOUNTS, second=AMOUNTS, value=VALUES, base=CODES, quote=CODES)
def test_more_of_one_currency_is_never_less_of_the_other(
    first: int, second: int, value: Decimal, base: str, quote: str
) -> None:
    low, high = sorted((first, second))
    assert money.convert(low, value, base, quote) <= money.convert(high, value, base, quote)


@pytest.mark.parametrize(
    ("amount", "value", "base", "quote", "expected"),
    [
        (500, "1.0823", "EUR", "USD", 541),  # 5.4115
        (500, "162.35", "EUR", "JPY", 812),  # 811.75, no decimals
        (1, "162.5", "EUR", "JPY", 2),  # 1.625
        (500, "0.33421", "EUR", "KWD", 1671),  # 1.67105, three decimals
        (1, "0.5", "EUR", "USD", 1),  # half a cent is a cent
        (1500, "0.0066", "JPY", "USD", 990),
    ],
)
def test_currencies_of_no_and_three_decimals_are_converted_right(
    amount: int, value: str, base: str, quote: str, expected: int
) -> None:
    assert money.convert(amount, Decimal(value), base, quote) == expected
