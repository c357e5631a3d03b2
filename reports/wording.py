"""The words of the reports: the heading and the definition of each figure, said once.

Pages, files and the API all take them from here, in the reader's language.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from campaigns import wording as campaign_words
from reports.models import Column, Kind

MONTH = Column(
    "month",
    Kind.MONTH,
    _l("Month"),
    _l("The month of the purchase's local date in the program's time zone."),
)
GROUP = Column("group", Kind.TEXT, _l("Group"), _l("What the rows were asked to be grouped by."))
PART = Column(
    "part",
    Kind.SHARE,
    _l("Of all new customers"),
    _l("New customers of the group divided by all new customers of the period."),
)
GROUPS = {
    "month": _l("Month"),
    "quarter": _l("Quarter"),
    "channel": _l("Channel"),
    "campaign": _l("Campaign"),
    "circle": _l("Circle"),
    "country": _l("Country"),
    "kind": _l("Kind of ambassador"),
}
NEW_CUSTOMERS = Column(
    "new_customers",
    Kind.COUNT,
    _l("New customers"),
    _l("Customers whose first paid purchase in the whole imported history is in this month."),
)
NEW_COMMUNITY = Column(
    "new_customers_community",
    Kind.COUNT,
    _l("New through the community"),
    _l("New customers whose first paid purchase is credited to an ambassador, by code or link."),
)
NEW_UNKNOWN = Column(
    "new_customers_unknown",
    Kind.COUNT,
    _l("Unknown customers"),
    _l(
        "Purchases for which the shop named no customer: nobody can tell whether they are new, so "
        "they are counted apart."
    ),
)
SHARE_TRACKED = Column(
    "share_tracked",
    Kind.SHARE,
    _l("Share of acquisition"),
    _l(
        "New customers through the community divided by all new customers, tracked by code or link."
    ),
)
PURCHASES = Column(
    "purchases",
    Kind.COUNT,
    _l("Purchases"),
    _l("Paid purchases; a test, pending or cancelled one counts nowhere."),
)
PURCHASES_COMMUNITY = Column(
    "purchases_community",
    Kind.COUNT,
    _l("Purchases through the community"),
    _l("Purchases credited to an ambassador."),
)
GROSS = Column("gross", Kind.MONEY, _l("Gross"), _l("Sum of what was charged, after discount."))
REFUNDS = Column(
    "refunds",
    Kind.MONEY,
    _l("Refunds"),
    _l("What went back, in the month of the purchase it belongs to."),
)
NET = Column("net", Kind.MONEY, _l("Net"), _l("Gross less refunds."))
CODE = Column("code", Kind.TEXT, _l("Code"), _l("The promo code that won the credit."))
AMBASSADOR = Column(
    "ambassador",
    Kind.TEXT,
    _l("Ambassador"),
    _l("Who owns the code: the brand's own id for the person, or ours."),
)
CAMPAIGN = Column("campaign", Kind.TEXT, _l("Campaign"), _l("The campaign of the code."))
CUSTOMERS = Column("customers", Kind.COUNT, _l("Customers"), _l("Different known customers."))
COMMISSION = Column(
    "commission",
    Kind.MONEY,
    _l("Commission"),
    _l("What these purchases cost in commissions, net of reversals, as the ledger has it."),
)
CHANNEL = Column(
    "channel",
    Kind.TEXT,
    _l("Channel"),
    _l(
        "Where customers came from. Community: an ambassador has the credit. Unattributed: new "
        "customers without a known channel."
    ),
)
SPEND = Column("spend", Kind.MONEY, _l("Spend"), _l("Media that was paid for the channel."))
COMMISSIONS = Column(
    "commissions",
    Kind.MONEY,
    _l("Commissions"),
    _l("Commissions on first purchases of new customers, net of reversals."),
)
COMMISSIONS_RETENTION = Column(
    "commissions_retention",
    Kind.MONEY,
    _l("Commissions on repeat orders"),
    _l("A cost of keeping customers: told here, and not part of the cost."),
)
COMMISSIONS_UNKNOWN = Column(
    "commissions_unknown",
    Kind.MONEY,
    _l("Commissions, customer unknown"),
    _l("On purchases for which the shop named no customer: told here, not part of the cost."),
)
DISCOUNTS = Column(
    "discounts",
    Kind.MONEY,
    _l("Discounts"),
    _l("What friends saved at the checkout on their first purchase through the community."),
)
PERKS = Column("perks", Kind.MONEY, _l("Perks"), _l("Spend of the kind perks."))
BOXES = Column("boxes", Kind.MONEY, _l("Boxes"), _l("Spend of the kind boxes."))
EVENTS = Column("events", Kind.MONEY, _l("Events"), _l("Spend of the kind events."))
PEOPLE = Column("people", Kind.MONEY, _l("People"), _l("Spend of the kind people."))
TOOLS = Column("tools", Kind.MONEY, _l("Tools"), _l("Spend of the kind tools."))
OTHER = Column("other", Kind.MONEY, _l("Other"), _l("Spend of any other kind."))
KINDS = (BOXES, EVENTS, PERKS, TOOLS, PEOPLE, OTHER)  # of cost, besides media
COST = Column(
    "cost",
    Kind.MONEY,
    _l("Cost"),
    _l(
        "Spend, commissions on first purchases, discounts, perks, boxes, events, people, tools and "
        "other. Commissions on repeat orders stay out."
    ),
)
CAC = Column(
    "cac",
    Kind.MONEY,
    _l("CAC"),
    _l("Cost divided by new customers; empty when nobody came."),
)
CAC_COMMUNITY = Column(
    "cac_community",
    Kind.MONEY,
    _l("Community CAC"),
    _l(
        "All costs of the community channel divided by the new customers it brought: commissions "
        "on their first purchases net of reversals, friends' discounts, and recorded spend. "
        "Commissions on repeat orders are retention cost and stay out."
    ),
)
CAC_COMMUNITY_WITHOUT_DISCOUNTS = Column(
    "cac_community_without_discounts",
    Kind.MONEY,
    _l("Community CAC without discounts"),
    _l("The same without friends' discounts."),
)
CAC_DIRECT = Column(
    "cac_direct",
    Kind.MONEY,
    _l("Community CAC, direct costs"),
    _l(
        "Commissions and friends' discounts of the group, and perks where it is a circle or a kind "
        "of ambassador, divided by the new customers that it brought through the community. What "
        "was spent for a channel is in the row of its own; nobody knows whom it won."
    ),
)
CAC_PAID = Column(
    "cac_paid",
    Kind.MONEY,
    _l("Paid CAC"),
    _l(
        "Media spend outside the community channel divided by the new customers who did not come "
        "through the community."
    ),
)
CAC_LOADED = Column(
    "cac_loaded",
    Kind.MONEY,
    _l("Fully loaded CAC"),
    _l("Paid CAC plus people, tools, events and everything else spent outside the community."),
)
CAC_BLENDED = Column(
    "cac_blended",
    Kind.MONEY,
    _l("Blended CAC"),
    _l("Every acquisition cost divided by every new customer, also those without a channel."),
)
LOCAL_DAY = Column(
    "day", Kind.TEXT, _l("Date"), _l("The purchase's local date in the program's time zone.")
)
SOURCE = Column("source", Kind.TEXT, _l("Source"), _l("Where the purchase was told from."))
ORDER = Column("external_id", Kind.TEXT, _l("Order"), _l("The shop's own id of the order."))
CUSTOMER = Column(
    "customer_status",
    Kind.TEXT,
    _l("Customer"),
    _l("New, existing, or unknown where the shop named nobody."),
)
TOUCH = Column("touch", Kind.TEXT, _l("Credit by"), _l("What gave the ambassador the credit."))
TOTAL = Column("total", Kind.MONEY, _l("Total"), _l("What was charged, after discount."))
DISCOUNT = Column("discount", Kind.MONEY, _l("Discount"), _l("As given at the checkout."))
REFUNDED = Column("refunded", Kind.MONEY, _l("Refunded"), _l("What went back of the total."))
COHORT = Column(
    "cohort",
    Kind.MONTH,
    _l("First purchase"),
    _l("The month of the first paid purchase in the whole imported history."),
)
SEGMENT = Column(
    "segment",
    Kind.TEXT,
    _l("Came through"),
    _l("Community: an ambassador has the credit for the first paid purchase. Other: the rest."),
)
SIZE = Column(
    "size", Kind.COUNT, _l("Customers"), _l("Customers whose first paid purchase is in this month.")
)
AGE = Column(
    "age_months",
    Kind.COUNT,
    _l("Age in months"),
    _l("Calendar months since the month of the first purchase, which is 0."),
)
ACTIVE = Column(
    "active", Kind.COUNT, _l("Active"), _l("Customers of the cohort who bought at this age.")
)
NET_OF_AGE = Column(
    "net", Kind.MONEY, _l("Net at this age"), _l("What they bought at this age, less refunds.")
)
LTV = Column(
    "ltv",
    Kind.MONEY,
    _l("LTV"),
    _l(
        "Net of all purchases up to this age, divided by all customers of the cohort, also those "
        "who did not buy again. Not multiplied by a margin."
    ),
)
COHORT_CUSTOMERS = Column(
    "customers",
    Kind.COUNT,
    _l("Customers"),
    _l("Customers whose first paid purchase is in the period."),
)
REPEAT_CUSTOMERS = Column(
    "repeat_customers",
    Kind.COUNT,
    _l("Repeat customers"),
    _l("Those of them with a second paid purchase by the end of the period."),
)
REPEAT_RATE = Column(
    "repeat_rate", Kind.SHARE, _l("Repeat rate"), _l("Repeat customers divided by customers.")
)
FREQUENCY = Column(
    "frequency",
    Kind.RATIO,
    _l("Purchases per customer"),
    _l("Purchases divided by customers, over the time that each has had so far."),
)
AOV = Column("aov", Kind.MONEY, _l("Basket"), _l("Gross divided by purchases."))
LTV_TOTALS = (
    Column(
        "age_months",
        Kind.COUNT,
        _l("Age in months"),
        _l("The greatest age that customers of the community and others have both reached."),
    ),
    Column("ltv", Kind.MONEY, _l("LTV"), _l("LTV at that age, of everybody.")),
    Column("ltv_community", Kind.MONEY, _l("LTV, community"), _l("LTV at that age.")),
    Column("ltv_other", Kind.MONEY, _l("LTV, others"), _l("LTV at that age.")),
)
SEGMENT_WORDS = {"community": _l("Community"), "other": lazy_pgettext("segment", "Others")}


def _declared(name: str, kind: Kind, label: Any, definition: Any) -> Column:
    return Column(name, kind, label, definition, group="declared")


SURVEY = (
    _declared(
        "tracked_and_declared",
        Kind.COUNT,
        _l("Tracked and declared"),
        _l("New customers credited to an ambassador who also said so in the survey."),
    ),
    _declared(
        "tracked_only",
        Kind.COUNT,
        _l("Tracked only"),
        _l("New customers credited to an ambassador who named something else in the survey."),
    ),
    _declared(
        "declared_only",
        Kind.COUNT,
        _l("Declared only"),
        _l("New customers who named the community in the survey, without a code or link."),
    ),
    _declared(
        "neither",
        Kind.COUNT,
        _l("Neither"),
        _l("New customers without a code or link who named something else in the survey."),
    ),
    _declared(
        "no_answer",
        Kind.COUNT,
        _l("No answer"),
        _l("New customers who did not say how they heard about the brand, tracked or not."),
    ),
    _declared("answers", Kind.COUNT, _l("Answers"), _l("New customers who answered the survey.")),
    _declared(
        "response_rate",
        Kind.SHARE,
        _l("Response rate"),
        _l("Answers divided by all new customers."),
    ),
    _declared(
        "share_declared",
        Kind.SHARE,
        _l("Declared share"),
        _l("Of those who answered, who named the community. An answer never pays anybody."),
    ),
    _declared(
        "share_either",
        Kind.SHARE,
        _l("Share, tracked or declared"),
        _l("Of those who answered, who were tracked, named the community, or both."),
    ),
    _declared(
        "share_low",
        Kind.SHARE,
        _l("True share, low end"),
        _l(
            "The low end of Wilson's interval, at 95 in 100, of the share tracked or declared, as "
            "far as those who answered are like the others."
        ),
    ),
    _declared(
        "share_high", Kind.SHARE, _l("True share, high end"), _l("The high end of that interval.")
    ),
)

CUSTOMER_STATUS = {
    "new": lazy_pgettext("customer", "New"),
    "existing": lazy_pgettext("customer", "Existing"),
    "unknown": lazy_pgettext("customer", "Unknown"),
}

SAID = {
    "community": _l("with an answer that names the community"),
    "other": _l("with an answer that names something else"),
    "nothing": _l("without an answer to the survey"),
}

CAME = {
    "community": _l("who came through the community"),
    "other": _l("who came otherwise"),
}


def channel(name: str) -> str:
    """Return a channel in words: `paid_social` gives `Paid social`."""
    return campaign_words.channel(name)


TITLES = {"acquisition": _l("Acquisition"), "cac": _l("CAC and acquisition")}
