"""The shop's door for codes: check, reserve, redeem, make."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request

from accounts import idempotency, identities, permissions
from accounts.models import Scope
from ambassadors.models import Ambassador, Member
from campaigns.models import BenefitKind, Campaign
from core import api, limits, money
from core.api import Struct
from core.db import db, reading, retried
from core.errors import Fault, InvalidInputError, NotFoundError
from referrals import codes, eligibility, redemptions
from referrals.eligibility import Basket, BasketLine, Terms, Verdict
from referrals.models import Code, Redemption

door = permissions.guard(
    Blueprint("codes_api", __name__, url_prefix="/api/v1"), permissions.key_with(Scope.CODES)
)

_CODES = (
    sa.select(Code, Campaign.slug, Member.external_id)
    .join(Campaign, Campaign.id == Code.campaign_id)
    .outerjoin(Ambassador, Ambassador.id == Code.ambassador_id)
    .outerjoin(Member, Member.id == Ambassador.member_id)
)

_MISSES = 30  # unknown codes that one key may ask about in a minute
_MINUTE = timedelta(minutes=1)
_CONTROL = re.compile(r"[\x00-\x1f]")


class CustomerIn(Struct):
    """Who is buying, as far as the shop knows."""

    external_id: str | None = None
    email: str | None = None


class LineIn(Struct):
    """One line of a basket."""

    sku: str
    quantity: int
    amount: int


class BasketIn(Struct):
    """A basket and a code.  `subtotal`: minor units before the code, without tax and shipping."""

    code: str
    currency: str
    subtotal: int
    source: str = "api"  # whose `customer.external_id` it is
    country: str | None = None
    customer: CustomerIn | None = None
    lines: list[LineIn] = []


class RedemptionIn(Struct):
    """A use of a code for an order."""

    order: str
    currency: str
    subtotal: int
    mode: str = "redeem"
    expires_in: int | None = None
    source: str = "api"
    country: str | None = None
    customer: CustomerIn | None = None
    lines: list[LineIn] = []


class BenefitOut(Struct):
    """One of the things the code gives."""

    kind: str
    percent: int | None = None
    amount: int | None = None
    product: str | None = None


class DiscountOut(Struct):
    """What the code takes off this basket."""

    amount: int
    currency: str


class VerdictOut(Struct):
    """Whether the code applies; a `reason` says why not."""

    valid: bool
    code: str
    campaign: str | None
    benefits: list[BenefitOut]
    discount: DiscountOut | None
    reason: str | None


class RedemptionOut(Struct):
    """A use of a code."""

    id: int
    state: str
    expires_at: str | None = None


class CodeIn(Struct):
    """A code to make for an ambassador in a campaign."""

    code: str
    campaign: str
    ambassador: str | None = None  # the member's external id
    uses_limit: int | None = None
    stripe_promotion_code: str | None = None  # Stripe's id of the same code: promo_...


class CodeOut(Struct):
    """A code."""

    code: str
    campaign: str
    ambassador: str | None
    status: str
    used: int
    uses_limit: int | None


class CodeList(Struct):
    """A page of codes."""

    data: list[CodeOut]
    next: str | None


@door.post("/codes/validate")
@api.operation("Tell whether a code applies to a basket.", body=BasketIn, answers={200: VerdictOut})
@permissions.allow(permissions.key_with(Scope.CODES, Scope.READ))
def validate() -> Response:
    body = api.read(BasketIn)
    _require_printable(body.code, "/code")
    with reading():  # a check at the till waits for no write
        terms = eligibility.remembered(body.code) or _look_up(body.code, may_remember=True)
        basket = _basket(body)
        verdict = eligibility.validate(terms, basket)
    return api.answer(_verdict(body.code, verdict, basket.currency))


@door.post("/codes/<code>/redemptions")
@retried
@idempotency.honoured
@api.operation(
    "Reserve or redeem a code for an order.", body=RedemptionIn, answers={201: RedemptionOut}
)
def redeem(code: str) -> Response:
    body = api.read(RedemptionIn)
    _require_text(body.order, "/order", 150)
    _require_text(body.source, "/source", 40)
    _require_printable(code, "/code")
    if body.mode not in {"reserve", "redeem"}:
        raise InvalidInputError("mode: use reserve or redeem.")
    basket = _basket(body)
    verdict = eligibility.validate(_look_up(code), basket)
    if verdict.terms is None or _is_final(verdict):
        raise redemptions.NotRedeemableError(verdict.reason or eligibility.Reason.NOT_FOUND)
    redemption = _use(verdict.terms, body, basket)
    db.session.commit()
    return api.answer(_redemption(redemption), 201)


@door.post("/redemptions/<int:redemption_id>/confirm")
@retried
@idempotency.honoured
@api.operation("Turn a reservation into a use.", answers={200: RedemptionOut})
def confirm(redemption_id: int) -> Response:
    _require_no_body()
    return _settled(redemptions.confirm(redemption_id))


@door.post("/redemptions/<int:redemption_id>/release")
@retried
@idempotency.honoured
@api.operation("Give a reservation back.", answers={200: RedemptionOut})
def release(redemption_id: int) -> Response:
    _require_no_body()
    return _settled(redemptions.release(redemption_id))


@door.post("/redemptions/<int:redemption_id>/rollback")
@retried
@idempotency.honoured
@api.operation("Give a use back, once.", answers={200: RedemptionOut})
def roll_back(redemption_id: int) -> Response:
    _require_no_body()
    return _settled(redemptions.roll_back(redemption_id))


@door.post("/codes")
@retried
@idempotency.honoured
@api.operation("Make one code.", body=CodeIn, answers={201: CodeOut})
def create() -> Response:
    body = api.read(CodeIn)
    campaign = _campaign(body.campaign)
    if body.uses_limit is not None and not 0 < body.uses_limit < 2**31:
        raise InvalidInputError("uses_limit: use a whole number from 1.")
    if body.stripe_promotion_code is not None:
        _require_text(body.stripe_promotion_code, "/stripe_promotion_code", 100)
    code = codes.create(
        body.code, campaign_id=campaign.id, ambassador_id=ambassador_id(body.ambassador),
        uses_limit=body.uses_limit, stripe_promotion_code=body.stripe_promotion_code,
    )  # fmt: skip
    answer = CodeOut(
        code=code.text, campaign=campaign.slug, ambassador=body.ambassador,
        status=code.status.value, used=code.used, uses_limit=code.uses_limit,
    )  # fmt: skip
    db.session.commit()
    return api.answer(answer, 201)


@door.get("/codes")
@api.operation(
    "List codes.", answers={200: CodeList},
    query={"limit": "100, at most 1000", "after": "`next` of the page before", "campaign": "slug"},
)  # fmt: skip
@permissions.allow(permissions.key_with(Scope.CODES, Scope.READ))
def list_codes() -> Response:
    limit = api.page_limit()
    query = _CODES.where(Code.id > api.page_after()).order_by(Code.id).limit(limit + 1)
    if "campaign" in request.args:
        query = query.where(Campaign.slug == request.args["campaign"])
    rows = db.session.execute(query).all()
    data = [_code(row) for row in rows[:limit]]
    after = str(rows[limit - 1].Code.id) if len(rows) > limit else None
    return api.answer(CodeList(data=data, next=after))


@door.get("/codes/<code>")
@api.operation("Read one code.", answers={200: CodeOut})
@permissions.allow(permissions.key_with(Scope.CODES, Scope.READ))
def read_code(code: str) -> Response:
    caller = _require_room()
    row = db.session.execute(_CODES.where(Code.key == codes.fold(code))).one_or_none()
    if row is None:
        limits.hit("code_miss", caller, limit=_MISSES, per=_MINUTE)
        raise NotFoundError("There is no such code.")
    return api.answer(_code(row))


def _require_room() -> str:
    """Return how this key's misses are counted; one that misses too often has to wait."""
    caller = str(identities.current().key_id)
    limits.require_room("code_miss", caller, limit=_MISSES, per=_MINUTE)
    return caller


def _look_up(text: str, *, may_remember: bool = False) -> Terms | None:
    """Return a code's terms; a key that misses too often has to wait, also for its hits."""
    caller = _require_room()
    terms = eligibility.look_up(text, may_remember=may_remember)
    if terms is None:
        db.session.rollback()
        limits.hit("code_miss", caller, limit=_MISSES, per=_MINUTE)
    return terms


def _code(row: Any) -> CodeOut:
    return CodeOut(
        code=row.Code.text, campaign=row.slug, ambassador=row.external_id,
        status=row.Code.status.value, used=row.Code.used, uses_limit=row.Code.uses_limit,
    )  # fmt: skip


def _basket(body: BasketIn | RedemptionIn) -> Basket:
    if not 0 <= body.subtotal <= money.LARGEST:
        raise _fault("/subtotal", "use minor units, zero or more")
    if any(abs(line.amount) > money.LARGEST for line in body.lines):
        raise _fault("/lines", "use minor units")
    who = body.customer or CustomerIn()
    _require_printable(who.external_id or "", "/customer/external_id")
    _require_printable(body.source, "/source")
    try:
        return eligibility.basket_of(
            currency=body.currency, subtotal=body.subtotal, country=body.country, email=who.email,
            external_id=who.external_id, source=body.source,
            lines=tuple(BasketLine(line.sku, line.quantity, line.amount) for line in body.lines),
        )  # fmt: skip
    except money.MoneyError as error:
        raise _fault("/currency", str(error)) from None


def _fault(pointer: str, detail: str) -> InvalidInputError:
    return InvalidInputError("The body does not fit.", faults=[Fault(pointer, detail)])


def _require_text(text: str, pointer: str, longest: int) -> None:
    if not text.strip() or len(text) > longest or _CONTROL.search(text):
        raise _fault(pointer, f"use 1 to {longest} characters")


def _require_printable(text: str, pointer: str) -> None:
    if _CONTROL.search(text):
        raise _fault(pointer, "use no control characters")


def _is_final(verdict: Verdict) -> bool:
    """Tell whether a refusal stands: limits are decided where the use is written."""
    limits = {eligibility.Reason.LIMIT_REACHED, eligibility.Reason.CUSTOMER_LIMIT_REACHED}
    return verdict.reason is not None and verdict.reason not in limits


def _use(terms: Terms, body: RedemptionIn, basket: Basket) -> Redemption:
    order_key = f"{body.source}:{body.order}"
    if body.mode == "redeem":
        return redemptions.redeem(terms, order_key, customer_key=basket.customer_key)
    length = None
    if body.expires_in is not None:
        if not 0 < body.expires_in <= redemptions.LONGEST_RESERVATION.total_seconds():
            raise _fault("/expires_in", "use 1 second to 7 days, in seconds")
        length = timedelta(seconds=body.expires_in)
    return redemptions.reserve(
        terms, order_key, customer_key=basket.customer_key, expires_in=length
    )


class _Nothing(Struct):
    """The body of a call that needs none."""


def _require_no_body() -> None:
    if request.get_data(cache=True):
        api.read(_Nothing)


def _settled(redemption: Redemption) -> Response:
    answer = _redemption(redemption)
    db.session.commit()
    return api.answer(answer)


def _redemption(redemption: Redemption) -> RedemptionOut:
    until = redemption.expires_at
    return RedemptionOut(
        id=redemption.id, state=redemption.state.value,
        expires_at=until.isoformat() if until else None,
    )  # fmt: skip


def _verdict(asked: str, verdict: Verdict, currency: str) -> VerdictOut:
    terms = verdict.terms
    return VerdictOut(
        valid=verdict.is_valid,
        code=terms.text if terms else asked[:60],
        campaign=terms.campaign_slug if terms else None,
        benefits=_benefits(terms) if terms and verdict.is_valid else [],
        discount=DiscountOut(amount=verdict.discount, currency=currency)
        if verdict.is_valid
        else None,
        reason=verdict.reason.value if verdict.reason else None,
    )


def _benefits(terms: Terms) -> list[BenefitOut]:
    return [
        BenefitOut(
            kind=BenefitKind(benefit.kind).value,
            percent=benefit.percent,
            amount=benefit.amount,
            product=benefit.product,
        )
        for benefit in terms.benefits
    ]


def _campaign(slug: str) -> Campaign:
    campaign = db.session.scalar(sa.select(Campaign).where(Campaign.slug == slug))
    if campaign is None:
        raise NotFoundError(f"There is no campaign {slug}.")
    return campaign


def ambassador_id(external_id: str | None) -> int | None:
    """Return the ambassador of a member's external id; None for none."""
    if external_id is None:
        return None
    found = db.session.scalar(
        sa.select(Ambassador.id)
        .join(Member, Member.id == Ambassador.member_id)
        .where(Member.external_id == external_id)
    )
    if found is None:
        raise NotFoundError(f"There is no ambassador {external_id}.")
    return found
