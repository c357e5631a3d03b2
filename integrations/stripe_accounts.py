"""Ambassadors' own accounts at Stripe (Connect, Express), to which transfers go.

Stripe asks each person what the law wants known of them, on pages of its own; we keep the
account's id and whether it can be paid.  In a demo a fake says yes at once.

Source: docs.stripe.com/connect/express-accounts, api/accounts, api/account_links.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.config import Settings
from integrations import stripe_client
from integrations.fields import Fields
from integrations.stripe_client import LostAnswerError, RefusedError

Refused = RefusedError
LostAnswer = LostAnswerError

CHANGED = "account.updated"  # the kind of event that tells of an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose account is to be opened."""

    key: str  # idempotency key: the same person, the same account
    email: str | None
    country: str | None  # ISO 3166-1 alpha-2; Stripe's own default unless told


@dataclass(frozen=True, slots=True)
class Told:
    """What Stripe says of an account."""

    account: str
    is_ready: bool  # it takes transfers and pays out


@dataclass(frozen=True, slots=True)
class Accounts:
    """What one can ask of Stripe about accounts; each raises `Refused` or `LostAnswer`."""

    open: Callable[[Holder], Told]
    link: Callable[[str, str, str], str]  # account, where to come back, where to ask for another
    read: Callable[[str], Told]


def accounts(settings: Settings) -> Accounts | None:
    """Return how accounts are opened and read under these settings; None without Stripe."""
    if settings.stripe_secret_key:
        client = stripe_client.client(settings)
        return Accounts(
            lambda holder: _open(client, holder),
            lambda account, back, again: _link(client, account, back, again),
            lambda account: _read(client, account),
        )
    return _PRETENDING if settings.is_demo else None


def told(about: Fields) -> Told:
    """Return what an event of kind `CHANGED` says of its account.

    Raises:
        UnreadableError: A field is not what Stripe documents.
    """
    transfers = about.inner("capabilities").text("transfers")
    is_ready = about.flag("payouts_enabled") and transfers == "active"
    return Told(about.need_text("id", longest=100), is_ready)


def _open(client: Any, holder: Holder) -> Told:
    asked: dict[str, Any] = {
        "type": "express", "capabilities": {"transfers": {"requested": True}},
        "business_type": "individual", "metadata": {"cercle_key": holder.key},
    }  # fmt: skip
    asked |= {"email": holder.email} if holder.email else {}
    asked |= {"country": holder.country} if holder.country else {}
    with stripe_client.understood():
        made = client.v1.accounts.create(asked, {"idempotency_key": holder.key})
    return _as_told(made)


def _link(client: Any, account: str, back: str, again: str) -> str:
    asked = {
        "account": account, "type": "account_onboarding", "return_url": back, "refresh_url": again,
    }  # fmt: skip
    with stripe_client.understood():
        return str(client.v1.account_links.create(asked).url)


def _read(client: Any, account: str) -> Told:
    with stripe_client.understood():
        return _as_told(client.v1.accounts.retrieve(account))


def _as_told(answer: Any) -> Told:
    return told(Fields(answer.to_dict()))


_PRETENDING = Accounts(
    lambda holder: Told(f"acct_demo_{holder.key.rpartition(':')[2]}", False),
    lambda _account, back, _again: back,
    lambda account: Told(account, True),
)
