"""Money to ambassadors: transfers from our balance at Stripe to their connected accounts.

A transfer is sent under a key that belongs to one payout's attempt, in a group that belongs
to the payout: under the key Stripe does it once for a day, and by the group it is found ever
after.  In a demo a fake answers at once; elsewhere, without a key, there is no Stripe.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app

from core.config import Settings
from integrations import stripe_client
from integrations import stripe_parts as parts
from integrations.stripe_client import LostAnswerError, RefusedError

Refused = RefusedError
LostAnswer = LostAnswerError

_PAGE = 100  # transfers of one call, Stripe's most


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """What to send; the same key goes with the same words, always."""

    key: str  # idempotency key, at most 255 characters
    amount: int  # minor units, positive
    currency: str  # ISO 4217
    destination_account: str  # acct_...
    transfer_group: str  # of the payout, whatever the attempt
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What Stripe has sent."""

    id: str
    amount: int  # minor units
    currency: str
    destination: str
    transfer_group: str | None
    reversed: bool  # all of it went back


@dataclass(frozen=True, slots=True)
class Transfers:
    """The two things one can ask of Stripe about transfers."""

    send: Callable[[TransferOrder], Transfer]
    find: Callable[[str], list[Transfer]]  # by transfer group


def transfers(
    settings: Settings, *, time_limit: float = stripe_client.TIME_LIMIT
) -> Transfers | None:
    """Return how transfers are sent and found under these settings; None if Stripe is not there.

    `send` raises `Refused` for a definite no and `LostAnswer` if nobody knows; `find` raises
    `LostAnswer` whenever it has no list to give.
    """
    if settings.stripe_secret_key:
        client = stripe_client.client(settings, time_limit=time_limit)
        return Transfers(
            lambda order: _send(client, order), lambda transfer_group: _find(client, transfer_group)
        )
    return pretending() if settings.is_demo else None


def is_on() -> bool:
    """Tell whether there is a Stripe to ask."""
    return transfers(current_app.extensions["settings"]) is not None


def pretending() -> Transfers:
    """Return the demo's fake: every transfer is made at once and found again."""
    return _pretending


def _send(client: Any, order: TransferOrder) -> Transfer:
    try:
        amount = parts.told(order.amount, order.currency)
    except ValueError as error:
        raise RefusedError(str(error), "amount_too_small") from error
    asked = {
        "amount": amount, "currency": order.currency.lower(),
        "destination": order.destination_account, "transfer_group": order.transfer_group,
        "description": order.description, "metadata": {"cercle_key": order.key},
    }  # fmt: skip
    with stripe_client.understood():
        made = client.v1.transfers.create(asked, {"idempotency_key": order.key})
    return _read(made)


def _find(client: Any, transfer_group: str) -> list[Transfer]:
    asked = {"transfer_group": transfer_group, "limit": _PAGE}
    try:
        with stripe_client.understood():
            found = list(client.v1.transfers.list(asked).auto_paging_iter())
    except RefusedError as error:  # a search that is refused does not say that nothing is there
        raise LostAnswerError(error.reason) from error
    return [_read(one) for one in found]


def _read(told: Any) -> Transfer:
    """Return what Stripe tells of a transfer; one that cannot be read is a lost answer."""
    try:
        currency = str(told.currency).upper()
        return Transfer(
            id=str(told.id), amount=parts.amount(int(told.amount), currency), currency=currency,
            destination=_id_of(told.destination), transfer_group=told.transfer_group,
            reversed=bool(told.reversed),
        )  # fmt: skip
    except (AttributeError, TypeError, ValueError) as error:
        raise LostAnswerError("Stripe's answer is not a transfer.") from error


def _id_of(told: Any) -> str:
    return str(told if isinstance(told, str) else told.id)


class _Pretence:
    """A Stripe of this process's memory: any account takes any amount, once a key."""

    def __init__(self) -> None:
        self._sent: dict[str, Transfer] = {}

    def send(self, order: TransferOrder) -> Transfer:
        """Answer as Stripe would, with an id that follows from the key."""
        name = hashlib.sha256(order.key.encode()).hexdigest()[:20]
        return self._sent.setdefault(
            order.key,
            Transfer(
                id=f"tr_demo_{name}", amount=order.amount, currency=order.currency,
                destination=order.destination_account, transfer_group=order.transfer_group,
                reversed=False,
            ),
        )  # fmt: skip

    def find(self, transfer_group: str) -> list[Transfer]:
        """Return what was sent in a group since this process began."""
        return [one for one in self._sent.values() if one.transfer_group == transfer_group]


_pretence = _Pretence()
_pretending = Transfers(_pretence.send, _pretence.find)
