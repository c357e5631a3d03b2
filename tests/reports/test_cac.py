"""CAC on a sample small enough to check by hand."""

from __future__ import annotations

from datetime import date

from flask import Flask

from campaigns import spend
from campaigns.models import SpendKind
from core.db import db
from referrals.models import Code
from reports import acquisition, cac, codes
from reports.models import Report, period
from rewards import intake
from tests.factories import make_code, refund_fact
from tests.reports.conftest import buy


def spent(channel: str, on: str, amount: int, kind: SpendKind, currency: str = "GBP") -> None:
    """Record one line of spend, and commit."""
    line = spend.line(
        channel=channel, on=date.fromisoformat(on), amount=amount, currency=currency, kind=kind,
        key=f"test:{channel}:{on}:{kind}",
    )  # fmt: skip
    spend.record([line])
    db.session.commit()


def _two_months() -> None:
    """Buy and spend through January and February 2026.

    January: Ann comes by Zoé's code (100.00, 10.00 off), Bob by himself (50.00), a guest nobody
    knows (30.00).  February: Ann again by the code (200.00), Cat by the code (80.00, half of it
    refunded).
    """
    buy("2026-01-05T10:00+00:00", 10_000, email="ann@example.com", codes=("zoe10",), discount=1000)
    buy("2026-01-06T10:00+00:00", 5_000, email="bob@example.com")
    buy("2026-01-07T10:00+00:00", 3_000, email=None)
    buy("2026-02-05T10:00+00:00", 20_000, email="ann@example.com", codes=("ZOE10",), discount=2000)
    cat = buy("2026-02-06T10:00+00:00", 8_000, email="cat@example.com", codes=("ZOE-10",))
    intake.take_refunds([refund_fact(cat, 4_000)])
    db.session.commit()
    spent("paid", "2026-01-31", 30_000, SpendKind.MEDIA)
    spent("paid", "2026-01-31", 2_000, SpendKind.PEOPLE)
    spent("community", "2026-01-01", 5_000, SpendKind.TOOLS)
    spent("community", "2026-02-28", 700, SpendKind.BOXES)


def _report() -> Report:
    return cac.report(period("2026-01", "2026-02"), "GBP")


def test_cost_and_cac_by_month_and_channel(zoe: Code) -> None:
    _two_months()
    rows = {(row.month, row.channel): row for row in _report().rows}
    assert set(rows) == {
        ("2026-01", "community"), ("2026-01", "paid"), ("2026-01", "unattributed"),
        ("2026-02", "community"),
    }  # fmt: skip
    january = rows["2026-01", "community"]
    assert (january.commissions, january.discounts, january.tools) == (1_000, 1_000, 5_000)
    assert (january.cost, january.new_customers, january.cac) == (7_000, 1, 7_000)
    february = rows["2026-02", "community"]
    assert (february.commissions, february.commissions_retention) == (400, 2_000)  # 10 % of 40.00
    assert (february.discounts, february.boxes) == (0, 700)
    assert (february.cost, february.new_customers, february.cac) == (1_100, 1, 1_100)
    others = rows["2026-01", "unattributed"]
    assert (others.new_customers, others.cost, others.cac) == (1, 0, None)


def test_a_channel_to_which_nobody_came_has_no_cac(zoe: Code) -> None:
    _two_months()
    (paid,) = [row for row in _report().rows if row.channel == "paid"]
    assert (paid.spend, paid.people, paid.cost) == (30_000, 2_000, 32_000)
    assert (paid.new_customers, paid.cac) == (0, None)


def test_the_three_kinds_of_cac(zoe: Code) -> None:
    _two_months()
    totals = _report().totals
    assert totals.new_customers == 3
    assert totals.new_customers_community == 2
    assert totals.cac_community == 4_050  # (7,000 + 1,100) / 2
    assert totals.cac_community_without_discounts == 3_550
    assert totals.cac_paid == 30_000  # Bob
    assert totals.cac_loaded == 32_000
    assert totals.cac_blended == 13_367  # (8,100 + 32,000) / 3, half-up
    assert totals.cost == 40_100


def test_each_month_has_its_own_totals(zoe: Code) -> None:
    _two_months()
    january, february = _report().by_month
    assert (january.month, january.cac_blended) == ("2026-01", 19_500)
    assert (february.cac_paid, february.cac_blended) == (None, 1_100)


def test_acquisition_counts_unknown_customers_apart(zoe: Code) -> None:
    _two_months()
    report = acquisition.report(period("2026-01", "2026-03"), "GBP")
    january, february, march = report.rows
    assert (january.new_customers, january.new_customers_community) == (2, 1)
    assert january.new_customers_unknown == 1
    assert str(january.share_tracked) == "0.500000"
    assert (january.purchases, january.purchases_community, january.gross) == (3, 1, 18_000)
    assert (february.gross, february.refunds, february.net) == (28_000, 4_000, 24_000)
    assert (march.purchases, march.gross, march.share_tracked) == (0, 0, None)
    assert str(report.totals.share_tracked) == "0.666667"


def test_codes_add_up_their_purchases(zoe: Code) -> None:
    _two_months()
    report = codes.report(period("2026-01", "2026-02"), "GBP")
    (row,) = report.rows
    assert (row.code, row.ambassador, row.campaign) == ("ZOE10", "crm-7", "spring")
    assert (row.purchases, row.customers, row.new_customers) == (3, 2, 2)
    assert (row.gross, row.refunds, row.net, row.commission) == (38_000, 4_000, 34_000, 3_400)


def test_a_customer_of_two_codes_counts_once_in_the_total(zoe: Code) -> None:
    make_code("ADA10", campaign_id=zoe.campaign_id, ambassador_id=zoe.ambassador_id)
    buy("2026-01-05T10:00+00:00", 100, email="ann@example.com", codes=("ZOE10",))
    buy("2026-01-06T10:00+00:00", 100, email="ann@example.com", codes=("ADA10",))
    report = codes.report(period("2026-01", "2026-01"), "GBP")
    assert [row.customers for row in report.rows] == [1, 1]
    assert (report.totals.customers, report.totals.purchases) == (1, 2)


def test_an_order_that_comes_late_makes_a_customer_existing(zoe: Code) -> None:
    buy("2026-02-05T10:00+00:00", 100, email="ann@example.com", codes=("ZOE10",))
    assert _report().totals.new_customers_community == 1
    buy("2026-01-05T10:00+00:00", 100, email="ann@example.com")
    january, february = acquisition.report(period("2026-01", "2026-02"), "GBP").rows
    assert (january.new_customers, january.new_customers_community) == (1, 0)
    assert (february.new_customers, february.new_customers_community) == (0, 0)


def test_other_currencies_are_counted_apart_and_named(zoe: Code) -> None:
    buy("2026-01-05T10:00+00:00", 100)
    spent("paid", "2026-01-05", 900, SpendKind.MEDIA, "EUR")
    report = _report()
    assert report.other_currencies == ["EUR"]
    assert report.totals.spend == 0
    assert cac.report(period("2026-01", "2026-02"), "EUR").totals.spend == 900


def test_an_empty_program_has_empty_reports(london: Flask) -> None:
    totals = _report().totals
    assert (totals.cost, totals.new_customers) == (0, 0)
    assert totals.cac_community is totals.cac_paid is totals.cac_blended is None
    assert codes.report(period("2026-01", "2026-02"), "GBP").rows == []
