"""The purchases behind a figure, read from the same copy as the figure itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext as _

from ambassadors import program
from ambassadors.models import AmbassadorKind
from core import clock
from core.errors import InvalidInputError
from reports import engine, people, wording
from reports.models import Period
from reports.models import period as months

NAME = "purchases"
PAGE = 50
BLOCK = 5_000  # rows at a time on the way into a file
MOST = 2**31 - 1  # as many as Spark can be asked for
COLUMNS = (
    wording.MONTH, wording.LOCAL_DAY, wording.SOURCE, wording.ORDER, wording.CUSTOMER,
    wording.CODE, wording.AMBASSADOR, wording.CAMPAIGN, wording.TOUCH, wording.TOTAL,
    wording.DISCOUNT, wording.REFUNDED, wording.NET, wording.COMMISSION,
)  # fmt: skip
CUSTOMERS = ("new", "existing", "unknown")
CHANNELS = ("community", "unattributed")
ANSWERS = ("community", "other", "nothing")
SEGMENTS = ("community", "other")
KINDS = tuple(kind.value for kind in AmbassadorKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which purchases; what is None lets everything through."""

    customers: str | None = None  # new, existing or unknown
    channel: str | None = None  # community or unattributed
    code: str | None = None
    with_code: bool = False  # only those whose credit was won by a code
    refunded: bool = False  # only those with a refund
    commission: bool = False  # only those with a commission
    survey: str | None = None  # the answer named the community, something other, or nothing
    country: str | None = None  # of the order, ISO 3166-1
    campaign: str | None = None  # its slug; only those credited through it
    kind: str | None = None  # of the ambassador who has the credit
    circle: str | None = None  # its name; only of ambassadors who sit in it
    cohort: str | None = None  # the month of the customer's first purchase
    segment: str | None = None  # how the customer came, beside a cohort: community or other


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One purchase; amounts in minor units."""

    id: int
    month: str
    day: date
    occurred_at: datetime
    source: str
    external_id: str
    customer_status: str
    total: int
    discount: int
    refunded: int
    net: int
    ambassador_id: int | None
    ambassador: str | None
    campaign: str | None
    code: str | None
    touch: str | None
    commission: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The sums over all purchases of a filter; amounts in minor units."""

    purchases: int
    new_customers: int
    gross: int
    discounts: int
    refunds: int
    net: int
    commission: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the next begins after it."""

    at: datetime
    id: int


def asked_filter(asked: Mapping[str, str]) -> Filter:
    """Return the filter that a query string tells.

    Raises:
        InvalidInputError: A word that no filter knows.
    """
    words = (
        ("customers", CUSTOMERS), ("channel", CHANNELS), ("survey", ANSWERS), ("segment", SEGMENTS),
        ("kind", KINDS),
    )  # fmt: skip
    for name, known in words:
        if asked.get(name) and asked[name] not in known:
            raise InvalidInputError(
                _("%(name)s: use one of %(known)s.", name=name, known=", ".join(known))
            )
    if asked.get("cohort"):
        months(asked["cohort"], asked["cohort"])  # refuses what is no month
    return Filter(
        customers=asked.get("customers") or None, channel=asked.get("channel") or None,
        code=asked.get("code") or None, with_code=bool(asked.get("with_code")),
        refunded=bool(asked.get("refunded")), commission=bool(asked.get("commission")),
        survey=asked.get("survey") or None, country=asked.get("country") or None,
        campaign=asked.get("campaign") or None,
        kind=asked.get("kind") or None, circle=asked.get("circle") or None,
        cohort=asked.get("cohort") or None, segment=asked.get("segment") or None,
    )  # fmt: skip


def asked_place(text: str | None) -> Place | None:
    """Return the place that `place_text` wrote.

    Raises:
        InvalidInputError: Not such a text.
    """
    if not text:
        return None
    try:
        stamp, _tilde, number = text.rpartition("~")
        return Place(clock.parse_instant(stamp), int(number[:18]))
    except (ValueError, OverflowError):
        raise InvalidInputError(_("Use the address of the page before.")) from None


def place_text(row: Row) -> str:
    """Return a row's place for an address."""
    return f"{row.occurred_at.isoformat()}~{row.id}"


def page(
    copy: engine.Copy,
    period: Period,
    currency: str,
    wanted: Filter,
    *,
    after: Place | None = None,
    limit: int = PAGE,
) -> list[Row]:
    """Return purchases, latest first, with the names of ambassadors.

    Args:
        copy: From `engine.fresh`.
        period: Whole months.
        currency: Only purchases in it.
        wanted: Which ones.
        after: The last row of the page before.
        limit: At most so many.
    """
    at = after.at.astimezone(UTC).replace(tzinfo=None).isoformat() if after else None
    place = {"before_at": at, "before_id": after.id if after else None, "limit": limit}
    asked = _parameters(period, currency, wanted) | place
    return _rows(engine.run(copy, NAME, _seen(period, wanted), asked))


def every(copy: engine.Copy, period: Period, currency: str, wanted: Filter) -> Iterator[Row]:
    """Yield all purchases that `page` would give, page after page, as of one moment."""
    whole = {"before_at": None, "before_id": None, "limit": MOST}
    parameters = _parameters(period, currency, wanted) | whole
    for found in engine.stream(copy, NAME, _seen(period, wanted), parameters, block=BLOCK):
        yield from _rows(found)


def totals(copy: engine.Copy, period: Period, currency: str, wanted: Filter) -> Totals:
    """Return the sums over all of them; the figure that led here is one of these."""
    asked = _parameters(period, currency, wanted)
    (found,) = engine.run(copy, "purchases_totals", _seen(period, wanted), asked)
    return Totals(**found)


def _parameters(period: Period, currency: str, wanted: Filter) -> dict[str, Any]:
    told = {"from": period.first, "to": period.last, "currency": currency, **asdict(wanted)}
    return told | {"ambassadors": _ambassadors(wanted)}


def _ambassadors(wanted: Filter) -> str | None:
    """Return the ids of the ambassadors who are asked for, with commas between; None for all."""
    if not wanted.kind and not wanted.circle:
        return None
    return ",".join(map(str, people.ambassadors(kind=wanted.kind, circle=wanted.circle))) or "0"


def _seen(period: Period, wanted: Filter) -> Period:
    """Return the months to look at: a cohort is known by purchases before the period."""
    return Period(min(period.first, wanted.cohort or period.first), period.last)


def _rows(found: Sequence[Mapping[str, Any]]) -> list[Row]:
    names = people.names({row["ambassador_id"] for row in found} - {None})
    zone = program.current().timezone
    return [_row(row, names, zone) for row in found]


def _row(found: Mapping[str, Any], names: Mapping[int, str], zone: str) -> Row:
    at = found["occurred_at"].replace(tzinfo=UTC)
    kept = {name: found[name] for name in Row.__dataclass_fields__ if name in found}
    kept |= {"occurred_at": at, "day": clock.local_day(at, zone)}
    return Row(**kept, ambassador=names.get(found["ambassador_id"]))
