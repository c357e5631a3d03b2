"""The words of members against others: its columns, measures and verdicts."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from reports.estimates import Verdict
from reports.models import Column, Kind

TEXT = _l(
    "Customers who joined the community beside customers who did not: the gap as observed, which "
    "is raw and biased, as fans select themselves; an estimate with a control, matched on the "
    "month of the first purchase, its basket, country and channel, as a difference in differences "
    "around joining; and what may be said of it."
)
COLUMNS = (
    Column("measure", Kind.TEXT, _l("Measure"), _l("aov is the basket.")),
    Column(
        "observed_members",
        Kind.MEASURE,
        _l("Members, observed"),
        _l("In the months after joining; LTV at the age of six months."),
    ),
    Column(
        "observed_others",
        Kind.MEASURE,
        _l("Others, observed"),
        _l("In the months after the first purchase; LTV at the age of six months."),
    ),
    Column(
        "gap",
        Kind.MEASURE,
        _l("Raw gap, biased"),
        _l(
            "Members less others. Fans select themselves: who joins bought more before, so this is "
            "not what membership does."
        ),
    ),
    Column(
        "estimate",
        Kind.MEASURE,
        _l("Estimate with a control"),
        _l(
            "What changed in the six months after joining, less what changed over the same months "
            "for others who began alike. Churn has no before: whoever left could not join, so it "
            "is compared after joining only, and fans may still differ in what nobody recorded."
        ),
    ),
    Column("low", Kind.MEASURE, _l("Low end"), _l("Of the interval at 95 in 100, by bootstrap.")),
    Column("high", Kind.MEASURE, _l("High end"), _l("Of the interval at 95 in 100.")),
    Column(
        "trend_low",
        Kind.MEASURE,
        _l("Before joining, low end"),
        _l(
            "The same estimate between the later and the earlier half of the six months before "
            "joining: where its interval leaves out zero, members were on another course already. "
            "It does so by chance in 5 of 100 cases."
        ),
    ),
    Column("trend_high", Kind.MEASURE, _l("Before joining, high end"), _l("Of that interval.")),
    Column(
        "n_members",
        Kind.COUNT,
        _l("Members"),
        _l("Customers who are members; of churn and MRR, those with a subscription."),
    ),
    Column(
        "n_matched",
        Kind.COUNT,
        _l("Matched members"),
        _l("Members behind the estimate: with months before and after joining, and others alike."),
    ),
    Column(
        "verdict",
        Kind.TEXT,
        _l("Verdict"),
        _l(
            "not_enough_data with fewer than 30 matched members; trends_differ where members were "
            "on another course before joining; else no_difference_shown, higher or lower, as the "
            "interval says."
        ),
    ),
)  # fmt: skip
TOTALS = (
    Column("members", Kind.COUNT, _l("Members"), _l("Customers who are linked to a member.")),
    Column("others", Kind.COUNT, _l("Others"), _l("Customers who are not.")),
    Column(
        "comparable",
        Kind.COUNT,
        _l("Comparable members"),
        _l("Joined in the period, with at least two months to compare before and after."),
    ),
    Column(
        "matched",
        Kind.COUNT,
        _l("Matched members"),
        _l("Of these, with at least two others who began alike."),
    ),
)
MEASURES: dict[str, Any] = {
    "aov": _l("Basket"),
    "frequency": _l("Purchases a month"),
    "ltv": _l("LTV, six months"),
    "churn": _l("Churn a month"),
    "mrr": _l("MRR"),
}
VERDICTS: dict[Verdict, Any] = {
    Verdict.NOT_ENOUGH: _l("not enough data"),
    Verdict.TRENDS_DIFFER: _l("on another course before"),
    Verdict.NO_DIFFERENCE: _l("no difference shown"),
    Verdict.HIGHER: lazy_pgettext("verdict", "higher"),
    Verdict.LOWER: lazy_pgettext("verdict", "lower"),
}
LOOKS = {
    Verdict.NOT_ENOUGH: "unknown", Verdict.TRENDS_DIFFER: "watch", Verdict.NO_DIFFERENCE: "plain",
    Verdict.HIGHER: "good", Verdict.LOWER: "good",
}  # fmt: skip
GROUPS: dict[str, Any] = {
    "matched": _l("Matched members and others"),
    "comparable": _l("Comparable members"),
    "members": _l("Members"),
    "others": _l("Others"),
}
VERDICT_RULE = _l(
    "A verdict needs 30 matched members. “Higher” and “lower” mean that the whole interval lies on "
    "that side of zero; “no difference shown” is not proof that there is none. Five measures are "
    "told at once: one in twenty intervals misses the truth."
)
TRAITS: dict[str, Any] = {
    "first_month": _l("Month of the first purchase"),
    "basket": _l("First basket"),
    "country": _l("Country of most members"),
    "channel": _l("Channel of most members"),
}
