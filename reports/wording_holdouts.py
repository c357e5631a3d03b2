"""The words of holdouts: their columns and verdicts."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from reports import wording_members
from reports.models import Column, Kind

TOO_EARLY = "too_early"
TEXT = _l(
    "People left out of a message or an invitation by lot, beside those invited: nobody chose "
    "their side, so what differs is what the invitation did, and chance. Everybody drawn counts, "
    "whether they came or not, with what they bought in the 90 days after their lot."
)
COLUMNS = (
    Column("name", Kind.TEXT, _l("Holdout"), _l("What people were left out of.")),
    Column("created", Kind.TEXT, _l("Created"), _l("The day, in the program’s time zone.")),
    Column("share", Kind.SHARE, _l("Share left out"), _l("Of everybody drawn, as it was set.")),
    Column(
        "invited", Kind.COUNT, lazy_pgettext("holdout", "Invited"),
        _l("People drawn who were invited, and whose 90 days are over."),
    ),
    Column(
        "invited_bought", Kind.COUNT, _l("Invited who bought"),
        _l("At least once in the 90 days after their lot."),
    ),
    Column(
        "withheld", Kind.COUNT, _l("Left out"),
        _l("People drawn who were left out, and whose 90 days are over."),
    ),
    Column(
        "withheld_bought", Kind.COUNT, _l("Left out who bought"),
        _l("At least once in the 90 days after their lot."),
    ),
    Column("waiting", Kind.COUNT, _l("Waiting"), _l("People drawn whose 90 days are not over.")),
    Column(
        "lift", Kind.SHARE, _l("Lift"),
        _l("The share of those invited who bought, less that of those left out."),
    ),
    Column(
        "low", Kind.SHARE, _l("Lift, low end"),
        _l("Of the interval at 95 in 100, by Newcombe’s method 10."),
    ),
    Column("high", Kind.SHARE, _l("Lift, high end"), _l("Of the same interval.")),
    Column(
        "net", Kind.MONEY, _l("Net a head, difference"),
        _l("Mean net of those invited less that of those left out; who did not buy counts as 0."),
    ),
    Column(
        "net_low", Kind.MONEY, _l("Net a head, low end"),
        _l("Of the interval at 95 in 100, by Welch’s method."),
    ),
    Column("net_high", Kind.MONEY, _l("Net a head, high end"), _l("Of the same interval.")),
    Column(
        "verdict", Kind.TEXT, _l("Verdict"),
        _l(
            "too_early while people wait and fewer than 30 on a side do not; not_enough_data with "
            "fewer than 30 on a side; else no_difference_shown, higher or lower, as the interval "
            "of the lift says."
        ),
    ),
)  # fmt: skip
TOTALS = tuple(one for one in COLUMNS if one.name in {"invited", "withheld", "waiting"})
VERDICTS: dict[str, Any] = {
    TOO_EARLY: _l("Too early"),
    **{one.value: said for one, said in wording_members.VERDICTS.items()},
}
LOOKS = {
    TOO_EARLY: "pending",
    **{one.value: look for one, look in wording_members.LOOKS.items()},
    "lower": "watch",
}
SENTENCES: dict[str, Any] = {
    TOO_EARLY: _l("Too early: the days of the people drawn are not over. Come back later."),
    "not_enough_data": _l(
        "Not enough data: with fewer than 30 people on a side, chance decides more than the "
        "invitation. Send the next message of the same holdout, or to more people."
    ),
    "no_difference_shown": _l(
        "No difference shown: zero lies in the interval. That is not proof that there is none."
    ),
    "higher": _l("Invited people bought more: the whole interval lies above zero."),
    "lower": _l("Invited people bought less: the whole interval lies below zero."),
}
