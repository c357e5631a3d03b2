"""Which purchases stand behind a figure, in the words that filter them.

Said once for all pages: a figure of a group is narrowed by its group, a figure of the whole is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.spend import COMMUNITY
from reports import grouping
from reports.cac import UNATTRIBUTED

Words = Mapping[str, str]  # filters of the purchases behind a figure, by name

_NEW = {"customers": "new"}
_INSIDE = {"channel": COMMUNITY}
_OUTSIDE = {"channel": UNATTRIBUTED}
_PAID = {"commission": "1"}
_FIGURES: Mapping[str, Words] = {
    "new_customers": _NEW,
    "new_customers_community": {**_NEW, **_INSIDE},
    "new_customers_unknown": {"customers": "unknown"},
    "purchases": {},
    "purchases_community": _INSIDE,
    "gross": {},
    "net": {},
    "refunds": {"refunded": "1"},
    "commissions": {**_NEW, **_PAID},
    "commissions_retention": {"customers": "existing", **_PAID},
    "commissions_unknown": {"customers": "unknown", **_PAID},
    "discounts": {**_NEW, **_INSIDE},
    "tracked_and_declared": {**_NEW, **_INSIDE, "survey": "community"},
    "tracked_only": {**_NEW, **_INSIDE, "survey": "other"},
    "declared_only": {**_NEW, **_OUTSIDE, "survey": "community"},
    "neither": {**_NEW, **_OUTSIDE, "survey": "other"},
    "no_answer": {**_NEW, "survey": "nothing"},
}
_SPEND = {
    "spend": "media", "perks": "perks", "boxes": "boxes", "events": "events", "people": "people",
    "tools": "tools", "other": "other",
}  # figure: the kind of spend that it sums up  # fmt: skip


def behind(figure: str, by: str, group: str | None) -> tuple[str, Words | None]:
    """Return the page of what a figure adds up, and its filters; None where there is no such page.

    Args:
        figure: The name of a column.
        by: What the rows stand for, as in `grouping.KNOWN`.
        group: Which row; None for the figure of all of them.
    """
    if figure in _SPEND:
        return "spend.show", _spend(figure, by, group)
    return "reports.show_purchases", _purchases(figure, {} if group is None else _of(by, group))


def _spend(figure: str, by: str, group: str | None) -> Words | None:
    kind = {"kind": _SPEND[figure]}
    if group is None:
        return kind
    if by == "channel":
        return {**kind, "channel": group}
    # a group's perks, and what they leave of all, have no page of their own
    return kind if group == grouping.NOT_TOLD and figure != "perks" else None


def _purchases(figure: str, group: Words | None) -> Words | None:
    wanted = _FIGURES.get(figure)
    if wanted is None or group is None:
        return None
    narrowed = {**wanted, **group}
    return narrowed if all(narrowed[name] == value for name, value in wanted.items()) else None


def _of(by: str, group: str) -> Words | None:
    """Return the filters of a group's purchases; None where no filter tells them apart."""
    if by == "channel":
        return {"channel": group} if group in (COMMUNITY, UNATTRIBUTED) else None
    if group == grouping.NONE:
        return _OUTSIDE if by in ("campaign", "kind") else None
    return {by: group} if group != grouping.NOT_TOLD else None
