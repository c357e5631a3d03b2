"""What is forgotten when its time is over (rule 29): every term of the program in one list.

Terms that are looked at every hour delete a few rows at once.  The large ones are read once,
while nobody who writes waits, and then forgotten in batches.  Forgetting twice forgets
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts import endpoints, idempotency, links, sessions, throttle
from ambassadors import applications
from core import limits, outbox
from integrations import inbox
from referrals import click_terms
from rewards import person_data, tax_details


@dataclass(frozen=True, slots=True)
class Large:
    """A term that many rows can reach at once."""

    due: Callable[[], list[int]]
    forget: Callable[[Sequence[int]], int]


SMALL: dict[str, Callable[[], int]] = {
    "sessions that ended 30 days ago": sessions.sweep,
    "links by mail that ended a week ago": links.sweep,
    "failed sign-ins that delay nobody": throttle.sweep,
    "counts of attempts that are over": limits.sweep,
    "answers to repeated calls, after a week": idempotency.sweep,
    "texts of webhooks that came in, after 90 days": inbox.sweep,
    "texts of webhooks that went out, after 90 days": endpoints.sweep,
    "texts of messages that never went out, after 90 days": outbox.sweep,
    "copies of personal data, after a week": person_data.sweep,
    "what declarations said of erased people, after six years": tax_details.sweep,
    "applications that led nowhere, after 183 days": applications.sweep,
}
LARGE: dict[str, Large] = {
    "addresses of clicks, after 90 days": Large(
        click_terms.with_old_address, click_terms.forget_address
    ),
    "clicks that no purchase names, after 13 months": Large(click_terms.over, click_terms.delete),
}
