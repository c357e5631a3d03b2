"""Money stays whole: rounding, splitting and reading amounts, for every currency."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money
from core.money import LARGEST, MoneyError

AMOUNTS = st.integers(-(10**15), 10**15)


@given(AMOUNTS, st.integers(1, 10**9))
def test_division_rounds_half_away_from_zero(numerator: int, denominator: int) -> None:
    exact = (Decimal(numerator) / Decimal(denominator)) if numerator % denominator else None
    rounded = money.divide_half_up(numerator, denominator)
    assert 2 * abs(rounded * denominator - numerator) <= denominator
    if exact is None:
        assert rounded * denominator == numerator
    assert money.divide_half_up(-numerator, denominator) == -rounded


@pytest.mark.parametrize(
    ("amount", "basis_points", "part"),
    [
        (5, 1000, 1),
        (4, 1000, 0),
        (-5, 1000, -1),
        (105, 500, 5),
        (110, 500, 6),
        (1, 5000, 1),
        (0, 1, 0),
    ],
)
def test_a_half_cent_is_rounded_up(amount: int, basis_points: int, part: int) -> None:
    assert money.share(amount, basis_points) == part


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_a_share_is_what_decimals_say(amount: int, basis_points: int) -> None:
    exact = Decimal(amount) * basis_points / 10_000
    assert money.share(amount, basis_points) == int(exact.to_integral_value(ROUND_HALF_UP))


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_the_parts_of_a_split_sum_to_the_whole_and_are_fair(
    amount: int, weights: list[int]
) -> None:
    parts = money.split(amount, weights)
    total = sum(weights)
    assert sum(parts) == amount
    if total:
        assert all(
            abs(part * total - amount * w) < total for part, w in zip(parts, weights, strict=True)
        )


def test_a_split_gives_what_is_left_to_the_largest_remainders_earlier_first() -> None:
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]
    assert money.split(10, [5, 3, 7]) == [3, 2, 5]
    assert money.split(7, [0, 0]) == [7, 0]
    assert money.split(0, [3, 4]) == [0, 0]
    assert money.split(5, []) == []


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "EUR", 1250), ("12.5", "CHF", 1250), ("12", "JPY", 12), ("1.234", "KWD", 1234),
        ("0", "EUR", 0), ("-3.10", "EUR", -310), ("12.500", "EUR", 1250), ("1.0000", "CLF", 10_000),
        (" 7 ", "USD", 700), ("1E2", "EUR", 10_000),
    ],
)  # fmt: skip
def test_an_amount_in_major_units_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert money.to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12.505", "EUR"), ("12.5", "JPY"), ("1.2345", "KWD"), ("", "EUR"), ("x", "EUR"),
        ("NaN", "EUR"), ("Infinity", "EUR"), ("-Infinity", "EUR"), ("sNaN", "EUR"),
        ("12,50", "EUR"), ("1_000", "EUR"), ("١٢", "EUR"), ("1e400", "EUR"), ("1e-400", "EUR"),
        ("10000000000000.01", "EUR"), ("1000000000000000.1", "JPY"), ("1000000000000.001", "KWD"),
        ("1.0000000000000000000000000000001", "EUR"), ("12.50 EUR", "EUR"), ("0x10", "EUR"),
    ],
)  # fmt: skip
def test_what_is_no_amount_of_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(MoneyError):
        money.to_minor(text, currency)


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD", "CLF"])
@given(minor=st.integers(-LARGEST, LARGEST))
def test_minor_and_major_units_are_the_same_amount(currency: str, minor: int) -> None:
    assert money.to_minor(money.to_major(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4), ("KRW", 0), ("TND", 3)],
)
def test_the_exponent_is_the_currency_s_own(currency: str, decimals: int) -> None:
    assert money.exponent(currency) == decimals


@pytest.mark.parametrize("code", ["", "EU", "EURO", "ZZZ", "XXX", "DEM", "123", "€", "E R"])
def test_a_currency_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(MoneyError):
        money.require_currency(code)


def test_a_currency_is_known_in_any_case() -> None:
    assert money.require_currency(" eur ") == "EUR"
