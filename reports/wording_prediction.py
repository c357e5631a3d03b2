"""The words of the prediction: its figures, why it cannot be told, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core import i18n
from reports import wording
from reports.models import Column, Doubt, Kind, Reason

if TYPE_CHECKING:
    from reports.forecast import Forecast, Told

OBSERVED = _l("Observed.")
PREDICTED = _l("Predicted.")
LTV_12 = Column(
    "ltv_12",
    Kind.MONEY,
    _l("LTV at 12 months"),
    _l(
        "Observed where the cohort has reached twelve months of age; else what was observed so "
        "far and what the models expect until then, divided by all customers of the cohort."
    ),
)
LOW = Column(
    "low",
    Kind.MONEY,
    _l("Low end"),
    _l("Of the interval at 95 in 100 around a predicted LTV: the models' doubt, and chance."),
)
HIGH = Column("high", Kind.MONEY, _l("High end"), _l("The high end of that interval."))
COLUMNS = (
    wording.COHORT,
    Column("size", Kind.COUNT, _l("Customers"), _l("Customers who first bought in this month.")),
    Column("age_months", Kind.COUNT, _l("Age in months"), _l("Of what is observed, at most 12.")),
    Column("ltv", Kind.MONEY, _l("LTV so far"), _l("Observed at that age.")),
    LTV_12,
    LOW,
    HIGH,
    Column(
        "alive",
        Kind.SHARE,
        _l("Still customers"),
        _l("The chance, by the model, that a customer of the cohort has not left for good."),
    ),
    Column(
        "purchases_ahead",
        Kind.RATIO,
        _l("Purchases to come"),
        _l("Expected per customer of the cohort until twelve months of age."),
    ),
    Column("note", Kind.TEXT, _l("Note"), _l("Observed, predicted, or why it cannot be told.")),
)


def _model(name: str, definition: Any) -> Column:
    return Column(name, Kind.RATIO, name, definition, group="model")


def _check(name: str, kind: Kind, label: Any, definition: Any) -> Column:
    return Column(name, kind, label, definition, group="check")


TOTALS = (
    Column("size", Kind.COUNT, _l("Customers"), _l("Customers of all cohorts of the period.")),
    LTV_12,
    LOW,
    HIGH,
    Column("reason", Kind.TEXT, _l("Cannot be told"), _l("Why there is no prediction.")),
    Column("doubts", Kind.TEXT, _l("Doubts"), _l("What speaks against the prediction.")),
    _model("r", _l("BG/NBD: shape of how often customers buy.")),
    _model("alpha", _l("BG/NBD: scale of how often customers buy, in weeks.")),
    _model("a", _l("BG/NBD: first shape of the chance to leave after a purchase.")),
    _model("b", _l("BG/NBD: second shape of the chance to leave after a purchase.")),
    _model("p", _l("Gamma-gamma: shape of a customer's baskets.")),
    _model("q", _l("Gamma-gamma: shape of the mean baskets of customers.")),
    _model("v", _l("Gamma-gamma: scale of the mean baskets, in minor units of the currency.")),
    _check("customers", Kind.COUNT, _l("Histories"),
           _l("Customers to whom the models were fitted; of many, a fixed sample.")),
    _check("repeaters", Kind.COUNT, _l("With a repeat purchase"),
           _l("Those of them who bought again on a later day.")),
    _check("check_months", Kind.COUNT, _l("Months left out"),
           _l("The last third of the period, which the model of the check had not seen.")),
    _check("check_expected", Kind.COUNT, _l("Expected repeat purchases"),
           _l("What it expected in these months of the customers it knew.")),
    _check("check_actual", Kind.COUNT, _l("Actual repeat purchases"), _l("What they bought.")),
    _check("link", Kind.RATIO, _l("Correlation of how often and how much"),
           _l("Of the number and the mean of repeat baskets, as logarithms; gamma-gamma takes it "
              "to be 0.")),
)  # fmt: skip


def reason(why: Reason | None, made: Forecast | None) -> str:
    """Say why there is no prediction.

    Args:
        why: The reason.
        made: What was found, for the counts in the sentence.
    """
    customers, repeaters = (made.customers, made.repeaters) if made else (0, 0)
    told = {
        Reason.TOO_EARLY: _("Nobody first bought in a month of this period that is over."),
        Reason.TOO_FEW_CUSTOMERS: ngettext(
            "Only %(count)s customer has come; the models need %(least)s.",
            "Only %(count)s customers have come; the models need %(least)s.",
            customers, count=i18n.number(customers), least=i18n.number(100),
        ),
        Reason.TOO_FEW_REPEATERS: ngettext(
            "Only %(count)s customer came back on a later day; the models need %(least)s whose "
            "purchases were not refunded.",
            "Only %(count)s customers came back on a later day; the models need %(least)s whose "
            "purchases were not refunded.",
            repeaters, count=i18n.number(repeaters), least=i18n.number(50),
        ),
        Reason.NO_FIT: _("The models found no best fit to these purchases."),
        Reason.NO_MEAN: _("A few baskets are so large that no mean basket can be told."),
    }  # fmt: skip
    return str(told[why or Reason.NO_FIT])


def doubts(told: Told) -> list[str]:
    """Say what speaks against a prediction, a sentence for each doubt."""
    said = {
        Doubt.UNCHECKED: _(
            "It could not be checked: there are fewer than six months, or too few customers in "
            "the first of them."
        ),
        Doubt.OFF: _missed(told),
        Doubt.DEPENDENT: _linked(told),
        Doubt.LOOSE: _(
            "The purchases do not pin the models down: a parameter runs to the edge of where it "
            "is sought."
        ),
    }
    return [str(said[doubt]) for doubt in told.doubts]


def _missed(told: Told) -> Any:
    if told.check is None:
        return ""
    return _(
        "Checked on the last %(months)s months, which it had not seen, the model expected "
        "%(expected)s repeat purchases and there were %(actual)s: more than 20 %% off, and more "
        "than chance.",
        months=i18n.number(told.check.months), expected=i18n.number(round(told.check.expected)),
        actual=i18n.number(told.check.actual),
    )  # fmt: skip


def _linked(told: Told) -> Any:
    if told.link > 0:
        return _(
            "Customers who buy more often spend more each time, which the models take to be "
            "independent: they tell too little of the best customers, too much of the others."
        )
    return _(
        "Customers who buy more often spend less each time, which the models take to be "
        "independent: they tell too much of the most frequent customers."
    )
