"""The shop's door for purchases and refunds: `/api/v1/purchases`, `/api/v1/refunds`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import Blueprint, Response, request

from accounts import idempotency, permissions
from accounts.models import Scope
from core import api
from core.api import Struct
from core.db import BATCH_ROWS, db, retried
from core.errors import ConflictError, DomainError, Fault, InvalidInputError, NotFoundError
from core.gather import Gatherer
from integrations import facts
from referrals import purchases, refunds, survey
from referrals.models import Refund
from rewards import credits, intake
from rewards.credits import Credited

door = permissions.guard(
    Blueprint("purchases_api", __name__, url_prefix="/api/v1"),
    permissions.key_with(Scope.PURCHASES),
)

MOST_AT_ONCE = 1000


class CustomerIn(Struct):
    """Who bought; each field may be absent."""

    external_id: str | None = None
    email: str | None = None
    country: str | None = None
    accepts_mail: bool | None = None  # they agreed to be written to, or said no


class LineIn(Struct):
    """One line of an order."""

    sku: str
    quantity: int
    amount: int


class SubscriptionIn(Struct):
    """The subscription that an order renews."""

    external_id: str
    period_index: int | None = None


class PurchaseIn(Struct):
    """An order.  Amounts in minor units; `total` is what was charged, after discount."""

    external_id: str
    occurred_at: str
    currency: str
    total: int
    source: str = "api"
    discount: int = 0
    tax: int = 0
    shipping: int = 0
    customer: CustomerIn | None = None
    codes: list[str] = []
    click_id: str | None = None
    heard_from: str | None = None
    lines: list[LineIn] = []
    subscription: SubscriptionIn | None = None
    status: str = "paid"
    test: bool = False


class BatchIn(Struct):
    """Up to 1,000 purchases, each read on its own."""

    purchases: list[msgspec.Raw]


class OrderRef(Struct):
    """An order by its source and id."""

    external_id: str
    source: str = "api"


class RefundIn(Struct):
    """Money that went back."""

    external_id: str
    purchase: OrderRef
    amount: int
    occurred_at: str
    source: str = "api"


class LostOut(Struct):
    """A touch that did not get the credit."""

    touch: str
    name: str
    reason: str


class AttributionOut(Struct):
    """Who got the credit and why."""

    ambassador: str | None
    campaign: str | None
    code: str | None
    touch: str | None
    reason: str
    lost: list[LostOut]


class CommissionOut(Struct):
    """What the ambassador earned, as it stands."""

    amount: int
    currency: str
    state: str
    payable_at: str


class EarnedOut(Struct):
    """Points or a perk that the purchase earned the ambassador, as they stand."""

    kind: str  # points or perk
    points: int
    perk: int | None  # its id
    state: str
    due_at: str


class RefundOut(Struct):
    """A refund as it is recorded; `parked` waits for its purchase."""

    source: str
    external_id: str
    amount: int
    state: str
    occurred_at: str


class PurchaseOut(Struct):
    """What became of an order."""

    source: str
    external_id: str
    net_amount: int
    currency: str
    customer_status: str
    attribution: AttributionOut | None
    commission: CommissionOut | None
    reward: EarnedOut | None  # in place of a commission


class PurchaseDetail(PurchaseOut):
    """An order with everything that happened to it."""

    occurred_at: str
    total: int
    refunded: int
    status: str
    codes: list[str]
    refunds: list[RefundOut]
    heard_url: str  # for the order mail: the survey's one question, until 60 days after the order


class ProblemOut(Struct):
    """What is wrong with one entry of a batch."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


class BatchOut(Struct):
    """What became of each purchase, in the order sent."""

    results: list[Any]  # a PurchaseOut or a ProblemOut each


@door.post("/purchases")
@retried
@idempotency.honoured
@api.operation(
    "Report a purchase; the same one again changes nothing.",
    body=PurchaseIn, answers={201: PurchaseOut, 200: PurchaseOut},
)  # fmt: skip
def report_purchase() -> Response:
    fact = _fact(api.read(PurchaseIn))
    if "Idempotency-Key" in request.headers:
        (taken,) = _take([fact])  # alone: the key's mark is in this transaction
    else:
        db.session.rollback()  # the one who leads writes, nobody else holds the database
        taken = _gathered.submit(fact)
    if isinstance(taken.answer, DomainError):
        raise taken.answer
    return api.answer(taken.answer, 201 if taken.is_new else 200)


@door.post("/purchases/batch")
@retried
@idempotency.honoured
@api.operation(
    "Report up to 1,000 purchases; a bad one harms no other.",
    body=BatchIn, answers={200: BatchOut},
)  # fmt: skip
def report_purchases() -> Response:
    entries = api.read(BatchIn).purchases
    if len(entries) > MOST_AT_ONCE:
        raise InvalidInputError(f"Send at most {MOST_AT_ONCE} purchases at once.")
    # A key's mark goes in with the one commit of all; without, the parts that are in stay in.
    part = MOST_AT_ONCE if "Idempotency-Key" in request.headers else BATCH_ROWS
    results: list[Any] = []
    for start in range(0, len(entries), part):
        results += _results(entries[start : start + part])
    return api.answer(BatchOut(results=results))


@door.get("/purchases/<source>/<path:external_id>")  # an order number may hold a slash
@api.operation("Read a purchase with its refunds and the full why.", answers={200: PurchaseDetail})
@permissions.allow(permissions.key_with(Scope.PURCHASES, Scope.READ))
def read_purchase(source: str, external_id: str) -> Response:
    purchase = purchases.find(source, external_id)
    if purchase is None:
        raise NotFoundError(f"There is no purchase {external_id} of {source}.")
    return api.answer(_detail(credits.describe([purchase.id])[purchase.id]))


@door.post("/refunds")
@retried
@idempotency.honoured
@api.operation(
    "Report a refund; it may come before its purchase.",
    body=RefundIn, answers={201: RefundOut, 200: RefundOut, 202: RefundOut},
)  # fmt: skip
def report_refund() -> Response:
    body = api.read(RefundIn)
    fact = facts.Refund(
        source=body.source, external_id=body.external_id, order_source=body.purchase.source,
        order_external_id=body.purchase.external_id, amount=body.amount,
        occurred_at=api.instant(body.occurred_at, "/occurred_at"),
    )  # fmt: skip
    (outcome,) = intake.take_refunds([fact])
    if outcome.problem:
        raise outcome.problem
    state = refunds.state_of(fact.source, fact.external_id)
    db.session.commit()
    status = {refunds.State.CREATED: 201, refunds.State.PARKED: 202}.get(outcome.state, 200)
    answer = RefundOut(
        source=fact.source, external_id=fact.external_id, amount=fact.amount,
        state=state.value if state else "applied",  # a total told again adds no refund of its own
        occurred_at=fact.occurred_at.isoformat(),
    )  # fmt: skip
    return api.answer(answer, status)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one purchase: its answer, or the problem with it."""

    answer: PurchaseOut | DomainError
    is_new: bool = False


def _take(told: Sequence[facts.Purchase]) -> list[Taken]:
    """Record purchases, commit once, and return what became of each."""
    try:
        outcomes = intake.take_purchases(told)
        described = credits.describe([one.purchase_id for one in outcomes if one.purchase_id])
        taken = [_taken(outcome, described) for outcome in outcomes]
        db.session.commit()
    except Exception:
        db.session.rollback()  # others may be waiting to use this session
        raise
    return taken


_gathered: Gatherer[facts.Purchase, Taken] = Gatherer(
    _take, most=100, wrong_for_all=(sa.exc.OperationalError,)
)


def _taken(outcome: purchases.Outcome, described: dict[int, Credited]) -> Taken:
    if outcome.problem is not None or outcome.purchase_id is None:
        return Taken(outcome.problem or ConflictError("This purchase was not recorded."))
    return Taken(
        _out(described[outcome.purchase_id]), is_new=outcome.state is purchases.State.CREATED
    )


def _results(entries: list[msgspec.Raw]) -> list[PurchaseOut | ProblemOut]:
    """Record a part of a batch and return an answer or a problem for each entry."""
    read = [_read(raw) for raw in entries]
    taken = iter(_take([fact for fact in read if isinstance(fact, facts.Purchase)]))
    answers = [next(taken).answer if isinstance(fact, facts.Purchase) else fact for fact in read]
    return [_problem(one) if isinstance(one, DomainError) else one for one in answers]


def _read(raw: msgspec.Raw) -> facts.Purchase | DomainError:
    try:
        return _fact(api.decode(bytes(raw), PurchaseIn))
    except InvalidInputError as error:
        return error


def _problem(problem: DomainError) -> ProblemOut:
    return ProblemOut(
        type=f"urn:cercle:problem:{problem.code}", title=type(problem).__name__,
        status=problem.status, detail=problem.detail,
        errors=[fault._asdict() for fault in problem.faults],
    )  # fmt: skip


def _fact(body: PurchaseIn) -> facts.Purchase:
    who = body.customer or CustomerIn()
    if not all(code.strip() for code in body.codes):
        raise InvalidInputError(
            "The body does not fit.", faults=[Fault("/codes", "leave empty codes out")]
        )
    return facts.Purchase(
        source=body.source, external_id=body.external_id,
        occurred_at=api.instant(body.occurred_at, "/occurred_at"), currency=body.currency,
        total=body.total, discount=body.discount, tax=body.tax, shipping=body.shipping,
        customer_external_id=who.external_id, email=who.email, country=who.country,
        accepts_mail=who.accepts_mail,
        codes=tuple(body.codes), click_token=body.click_id, heard_from=body.heard_from,
        lines=tuple(
            facts.Line(sku=x.sku, quantity=x.quantity, amount=x.amount) for x in body.lines
        ),
        subscription=body.subscription.external_id if body.subscription else None,
        period_index=body.subscription.period_index if body.subscription else None,
        status=body.status, is_test=body.test,
    )  # fmt: skip


def _out(credited: Credited) -> PurchaseOut:
    return PurchaseOut(**_fields(credited))


def _fields(credited: Credited) -> dict[str, Any]:
    purchase = credited.purchase
    return {
        "source": purchase.source,
        "external_id": purchase.external_id,
        "net_amount": purchase.net_amount,
        "currency": purchase.currency,
        "customer_status": credited.customer_status,
        "attribution": _attribution(credited),
        "commission": _commission(credited),
        "reward": _earned(credited),
    }


def _attribution(credited: Credited) -> AttributionOut | None:
    decided = credited.attribution
    if decided is None:
        return None
    return AttributionOut(
        ambassador=credited.ambassador, campaign=credited.campaign, code=credited.code,
        touch=decided.touch.value if decided.touch else None, reason=decided.reason,
        lost=[
            LostOut(touch=one["touch"], name=one["name"], reason=one["reason"])
            for one in decided.lost
        ],
    )  # fmt: skip


def _commission(credited: Credited) -> CommissionOut | None:
    if credited.commission is None:
        return None
    return CommissionOut(
        amount=credited.commission.amount, currency=credited.commission.currency,
        state=credited.commission.state, payable_at=credited.commission.payable_at.isoformat(),
    )  # fmt: skip


def _earned(credited: Credited) -> EarnedOut | None:
    earned = credited.reward
    if earned is None:
        return None
    return EarnedOut(
        kind=earned.kind.value, points=earned.points, perk=earned.perk_id,
        state=earned.state.value, due_at=earned.due_at.isoformat(),
    )  # fmt: skip


def _detail(credited: Credited) -> PurchaseDetail:
    purchase = credited.purchase
    return PurchaseDetail(
        **_fields(credited), occurred_at=purchase.occurred_at.isoformat(), total=purchase.total,
        refunded=purchase.refunded, status=purchase.status.value, codes=purchase.codes,
        refunds=[_refund(refund) for refund in purchase.refunds],
        heard_url=survey.link(purchase.id),
    )  # fmt: skip


def _refund(refund: Refund) -> RefundOut:
    return RefundOut(
        source=refund.source, external_id=refund.external_id, amount=refund.amount,
        state=refund.state.value, occurred_at=refund.occurred_at.isoformat(),
    )  # fmt: skip
