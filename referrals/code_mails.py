"""What the owner of a code is told by mail when it is stopped."""

from __future__ import annotations

from ambassadors.models import Ambassador
from core import mails
from core.db import db
from referrals.models import Code


def stopped(code: Code, replacement: Code | None) -> None:
    """Tell the owner that their code is stopped, and which one stands in for it."""
    if code.ambassador_id is None:
        return
    member = db.session.get_one(Ambassador, code.ambassador_id).member
    if not member.email:
        return
    mails.enqueue(
        "code_stopped", to=member.email, locale=member.locale, key=f"code_stopped:{code.id}",
        name=member.name, code=code.text, replacement=replacement.text if replacement else None,
    )  # fmt: skip
