"""Tables of the rewards room: commissions, and the ledger's entries and postings."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import RewardKind
from campaigns.models_perks import OfferStatus as OfferStatus
from campaigns.models_perks import Perk as Perk
from campaigns.models_perks import PerkKind as PerkKind
from core.db import (
    BasisPoints,
    BigId,
    CurrencyCode,
    ExactDecimal,
    LocalDay,
    MinorUnits,
    Model,
    PrimaryKey,
    UtcTime,
    choice,
)  # fmt: skip


class Account(StrEnum):
    """Where money can stand.  Debits are positive, credits negative."""

    EXPENSE = "expense"  # what the program has cost the brand
    PENDING = "pending"  # owed to an ambassador, inside the hold period
    HELD = "held"  # owed to an ambassador, waiting for a person to decide
    PAYABLE = "payable"  # owed to an ambassador, hold period over
    TRANSIT = "transit"  # set aside for a payout that is under way
    CASH = "cash"  # left the brand's bank
    STORE_CREDIT = "store_credit"  # paid as codes of the shop
    BONUS = "bonus"  # what money not tied to a purchase has cost the brand
    PERKS = "perks"  # payable money that was taken as perks
    POINTS = "points"  # points that an ambassador has
    POINTS_GIVEN = "points_given"  # points that the program has given
    POINTS_SPENT = "points_spent"  # points that were exchanged for perks
    POINTS_EXPIRED = "points_expired"  # points that nobody spent in time


class EntryKind(StrEnum):
    """Why money moved."""

    COMMISSION = "commission"
    RELEASE = "release"  # the hold period is over, or a person has decided
    HOLD = "hold"  # something is suspicious: a person has to decide
    CLAWBACK = "clawback"  # a refund, a lost dispute, a withdrawn credit
    REINSTATEMENT = "reinstatement"  # a refund failed, a dispute was won
    PAYOUT = "payout"  # approved: set aside
    PAYOUT_SETTLED = "payout_settled"  # it arrived
    PAYOUT_RETURNED = "payout_returned"  # it failed or came back
    BONUS = "bonus"  # money not tied to a purchase
    BONUS_BACK = "bonus_back"  # taken back by a person
    POINTS = "points"  # given, or by a correction taken back
    EXPIRY = "expiry"  # points that were not spent in time
    EXCHANGE = "exchange"  # points or payable money became a perk
    EXCHANGE_BACK = "exchange_back"  # that perk was cancelled


class Commission(Model):
    """Money earned by one attribution, with the rule frozen as it was.

    A purchase that is credited to somebody else later keeps its first
    commission and gets a second one, so `(purchase_id, ambassador_id)` is the key.
    """

    __tablename__ = "commission"
    __table_args__ = (
        sa.UniqueConstraint("purchase_id", "ambassador_id"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.Index("ix_commission_release", "payable_at"),
    )

    id: Mapped[PrimaryKey]
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    rule_id: Mapped[BigId] = mapped_column(sa.ForeignKey("reward_rule.id"))
    kind: Mapped[RewardKind] = mapped_column(choice(RewardKind))
    rate: Mapped[BasisPoints | None]
    fixed: Mapped[MinorUnits | None]
    base: Mapped[MinorUnits]  # what the rate applied to, before any refund
    parts: Mapped[list[list[int]] | None] = mapped_column(
        sa.JSON(none_as_null=True)
    )  # [rate, base] each, where lines earn at different rates
    number: Mapped[int | None]  # which of the ambassador's purchases, where that decides
    currency: Mapped[CurrencyCode]
    amount: Mapped[MinorUnits]  # at accrual, after caps, before any refund
    is_active: Mapped[bool]  # False once the credit went to somebody else
    earned_at: Mapped[UtcTime]
    payable_at: Mapped[UtcTime]


class RewardCount(Model):
    """What a campaign's commissions are for one ambassador, where a cap or a tier counts them.

    A refund gives nothing back, as with budgets.
    """

    __tablename__ = "reward_count"
    __table_args__ = (sa.CheckConstraint("committed >= 0 AND purchases >= 0", name="not_negative"),)

    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ambassador.id"), primary_key=True, index=True
    )
    committed: Mapped[MinorUnits]  # accrued in all
    purchases: Mapped[int]


class CurrencyRate(Model):
    """What one unit of a currency was worth in another on a day, as a source published it.

    A correction changes it; what was converted with it stays (`Conversion`).
    """

    __tablename__ = "currency_rate"
    __table_args__ = (sa.UniqueConstraint("rate_on", "base", "quote", "source"),)

    id: Mapped[PrimaryKey]
    on: Mapped[LocalDay] = mapped_column("rate_on")
    base: Mapped[CurrencyCode]  # one unit of it
    quote: Mapped[CurrencyCode]  # is worth `value` of this
    value: Mapped[ExactDecimal]
    source: Mapped[str] = mapped_column(sa.String(40))  # ecb, or as the brand calls its own
    recorded_at: Mapped[UtcTime]


class Conversion(Model):
    """The rate that a commission was converted with, frozen with what it gave (rule 19).

    Commissions on orders in the currency of their campaign have none.
    """

    __tablename__ = "conversion"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["purchase_id", "ambassador_id"], ["commission.purchase_id", "commission.ambassador_id"]
        ),
    )

    purchase_id: Mapped[BigId] = mapped_column(primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(primary_key=True)
    base: Mapped[CurrencyCode]  # of the campaign: its amounts, caps and budget
    quote: Mapped[CurrencyCode]  # of the order and of its commission
    value: Mapped[ExactDecimal]  # one unit of the base in the quote
    rate_on: Mapped[LocalDay]
    source: Mapped[str] = mapped_column(sa.String(40))
    amount: Mapped[MinorUnits]  # the commission, in the quote
    counted: Mapped[MinorUnits]  # the same in the base: what caps and budget count
    worth: Mapped[MinorUnits]  # the base that the commission is computed on, in `base`


OF_COMMISSION = sa.and_(  # joins a conversion to its commission
    Conversion.purchase_id == Commission.purchase_id,
    Conversion.ambassador_id == Commission.ambassador_id,
)


class RateWait(Model):
    """A credited purchase that earns nothing before there is a rate for its currency and day."""

    __tablename__ = "rate_wait"

    purchase_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("purchase.id"), primary_key=True, autoincrement=False
    )
    since: Mapped[UtcTime]


class Entry(Model):
    """One immutable event in the ledger; its postings add up to zero."""

    __tablename__ = "ledger_entry"

    id: Mapped[PrimaryKey]
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    source: Mapped[str] = mapped_column(sa.String(200), unique=True)
    occurred_at: Mapped[UtcTime] = mapped_column(index=True)
    recorded_at: Mapped[UtcTime]
    booked_at: Mapped[UtcTime | None] = mapped_column(index=True)  # if not as it occurred

    postings: Mapped[list[Posting]] = relationship(back_populates="entry")


class Posting(Model):
    """One leg of an entry: a signed amount on one account."""

    __tablename__ = "ledger_posting"
    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.Index("ix_ledger_posting_owed", "ambassador_id", "account", "currency"),
    )

    id: Mapped[PrimaryKey]
    entry_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ledger_entry.id"), index=True)
    ambassador_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"))
    purchase_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("purchase.id"), index=True)
    account: Mapped[Account] = mapped_column(choice(Account))
    amount: Mapped[MinorUnits]
    currency: Mapped[CurrencyCode]

    entry: Mapped[Entry] = relationship(back_populates="postings")


class QuestionKind(StrEnum):
    """What an ambassador says of a purchase."""

    QUESTION = "question"
    OBJECTION = "objection"  # it should have counted


class PurchaseQuestion(Model):
    """What an ambassador asked about a purchase of their list, and what the team answered."""

    __tablename__ = "purchase_question"
    __table_args__ = (sa.UniqueConstraint("purchase_id", "ambassador_id"),)

    id: Mapped[PrimaryKey]
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    kind: Mapped[QuestionKind] = mapped_column(choice(QuestionKind))
    text: Mapped[str] = mapped_column(sa.String(1000))  # may be empty: one click asks
    asked_at: Mapped[UtcTime]
    answer: Mapped[str | None] = mapped_column(sa.String(2000))
    answered_at: Mapped[UtcTime | None] = mapped_column(index=True)
    answered_by: Mapped[str | None] = mapped_column(sa.String(100))  # as the audit log names people
    read_at: Mapped[UtcTime | None]  # when the ambassador saw the answer


class DataExport(Model):
    """The file of all we hold of a member, while it can be fetched; one a member."""

    __tablename__ = "data_export"

    id: Mapped[PrimaryKey]
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"), unique=True)
    asked_at: Mapped[UtcTime]
    ready_at: Mapped[UtcTime | None]
    expires_at: Mapped[UtcTime]
    body: Mapped[str | None] = mapped_column(sa.Text)  # JSON


class PayoutMethod(StrEnum):
    """How an ambassador wishes to be paid."""

    BANK = "bank"  # to an IBAN
    STORE_CREDIT = "store_credit"  # as a code of the shop
    STRIPE = "stripe"  # to an account connected at Stripe
    MANUAL = "manual"  # by the team, outside Cercle; nobody chooses it for themselves


class PayoutDetail(Model):
    """Where an ambassador's money goes; the account number only sealed."""

    __tablename__ = "payout_detail"

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), unique=True)
    method: Mapped[PayoutMethod] = mapped_column(choice(PayoutMethod))
    holder: Mapped[str] = mapped_column(sa.String(70))
    sealed: Mapped[str | None] = mapped_column(sa.Text)  # encrypted IBAN
    last4: Mapped[str] = mapped_column(sa.String(4))
    fingerprint: Mapped[str | None] = mapped_column(sa.String(64), index=True)  # same account
    changed_at: Mapped[UtcTime]  # payouts wait 72 h after it


class ExchangeState(StrEnum):
    """Where an exchange stands."""

    PREPARING = "preparing"  # its code is on the way to the shop's checkout
    WAITING = "waiting"  # somebody has to hand the thing over
    DONE = "done"
    CANCELLED = "cancelled"  # what was paid has been given back


class EarnedState(StrEnum):
    """Where points or a perk that a purchase earned stand."""

    WAITING = "waiting"  # for the end of the hold period, or for a person to decide
    GIVEN = "given"
    GONE = "gone"  # none of the perk was left: nothing is given later either
    LIMITED = "limited"  # the campaign rewards no more purchases
    TAKEN_BACK = "taken_back"  # refunded, cancelled or credited to somebody else
    KEPT = "kept"  # refunded, but the perk was used already


class PurchaseReward(Model):
    """Points or a perk earned by one attribution, with the rule frozen as it was.

    What a commission is for money; a purchase earns an ambassador the one or the other.
    """

    __tablename__ = "purchase_reward"
    __table_args__ = (
        sa.UniqueConstraint("purchase_id", "ambassador_id"),
        sa.CheckConstraint("points >= 0", name="points_not_negative"),
        sa.Index("ix_purchase_reward_due", "state", "due_at"),
    )

    id: Mapped[PrimaryKey]
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    rule_id: Mapped[BigId] = mapped_column(sa.ForeignKey("reward_rule.id"))
    kind: Mapped[RewardKind] = mapped_column(choice(RewardKind))
    points: Mapped[MinorUnits]  # before any refund; 0 for a perk
    perk_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk.id"), index=True)
    number: Mapped[int | None]  # which of the ambassador's purchases, where that decides
    earned_at: Mapped[UtcTime]
    due_at: Mapped[UtcTime]  # when the hold period is over
    state: Mapped[EarnedState] = mapped_column(choice(EarnedState))
    exchange_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk_exchange.id"))
    times: Mapped[int]  # how often the perk was given: again after a refund that failed

    perk: Mapped[Perk | None] = relationship(lazy="joined")
    exchange: Mapped[Exchange | None] = relationship()


class VoucherKind(StrEnum):
    """What a code that is entered on the portal stands for."""

    INVITATION = "invitation"
    EVENT = "event"
    BOX = "box"
    REWARD = "reward"
    WELCOME = "welcome"


class PerkPerson(Model):
    """How often one ambassador has one perk; the row that a limit per person locks."""

    __tablename__ = "perk_person"
    __table_args__ = (sa.CheckConstraint("taken >= 0", name="taken_not_negative"),)

    perk_id: Mapped[BigId] = mapped_column(sa.ForeignKey("perk.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), primary_key=True)
    taken: Mapped[int]


class Exchange(Model):
    """One perk taken by one ambassador, with the price frozen as it was."""

    __tablename__ = "perk_exchange"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)  # a repeat is the same exchange
    perk_id: Mapped[BigId] = mapped_column(sa.ForeignKey("perk.id"), index=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    price: Mapped[MinorUnits]  # 0: a voucher gave it
    unit: Mapped[CurrencyCode]
    cost: Mapped[MinorUnits]  # to the brand, in the currency beside it
    cost_currency: Mapped[CurrencyCode]
    state: Mapped[ExchangeState] = mapped_column(choice(ExchangeState), index=True)
    code_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("code.id"), unique=True)
    created_at: Mapped[UtcTime]
    settled_at: Mapped[UtcTime | None]  # ready, handed over or cancelled

    perk: Mapped[Perk] = relationship(lazy="joined")


class VoucherBatch(Model):
    """What a set of vouchers gives, and to whom; one voucher is a set of one."""

    __tablename__ = "voucher_batch"
    __table_args__ = (sa.CheckConstraint("points >= 0 AND amount >= 0", name="not_negative"),)

    id: Mapped[PrimaryKey]
    kind: Mapped[VoucherKind] = mapped_column(choice(VoucherKind))
    name_en: Mapped[str] = mapped_column(sa.String(120))
    name_fr: Mapped[str] = mapped_column(sa.String(120))
    points: Mapped[MinorUnits]
    amount: Mapped[MinorUnits]  # added to the balance
    currency: Mapped[CurrencyCode]  # of the amount
    perk_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk.id"))
    campaign_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"))
    circle_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("circle.id"))
    inviter_id: Mapped[BigId | None] = mapped_column(
        sa.ForeignKey("ambassador.id"), index=True
    )  # the ambassador who invites with it; None: the team
    note: Mapped[str] = mapped_column(
        sa.String(60), server_default=""
    )  # the inviter's own: for whom
    per_person: Mapped[int | None]  # vouchers of this set that one ambassador may take
    starts_at: Mapped[UtcTime | None]
    ends_at: Mapped[UtcTime | None]
    status: Mapped[OfferStatus] = mapped_column(choice(OfferStatus))
    created_at: Mapped[UtcTime]

    perk: Mapped[Perk | None] = relationship()


class Voucher(Model):
    """A code for the portal.  Its key never changes, and it is never deleted."""

    __tablename__ = "voucher"
    __table_args__ = (
        sa.CheckConstraint("taken >= 0", name="taken_not_negative"),
        sa.CheckConstraint("takes_limit IS NULL OR taken <= takes_limit", name="within_limit"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(60), unique=True)  # folded as promo codes are
    text: Mapped[str] = mapped_column(sa.String(60))
    batch_id: Mapped[BigId] = mapped_column(sa.ForeignKey("voucher_batch.id"), index=True)
    takes_limit: Mapped[int | None]
    taken: Mapped[int]
    status: Mapped[OfferStatus] = mapped_column(choice(OfferStatus))

    batch: Mapped[VoucherBatch] = relationship(lazy="joined")


class VoucherPerson(Model):
    """How many vouchers of a set one ambassador took; the row that a limit per person locks."""

    __tablename__ = "voucher_person"

    batch_id: Mapped[BigId] = mapped_column(sa.ForeignKey("voucher_batch.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), primary_key=True)
    taken: Mapped[int]


class VoucherTake(Model):
    """One voucher taken by one ambassador, once."""

    __tablename__ = "voucher_take"
    __table_args__ = (sa.UniqueConstraint("voucher_id", "ambassador_id"),)

    id: Mapped[PrimaryKey]
    voucher_id: Mapped[BigId] = mapped_column(sa.ForeignKey("voucher.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    exchange_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk_exchange.id"))
    taken_at: Mapped[UtcTime]

    voucher: Mapped[Voucher] = relationship(lazy="joined")
