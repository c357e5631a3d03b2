"""QR codes of promo codes: they lead through the link of the same person and campaign.

A code without a link is drawn as its own text, to be read off at a counter.
"""

from __future__ import annotations

import io

import segno
import sqlalchemy as sa

from core.db import db
from referrals.models import Code, Link

KINDS = {"svg": "image/svg+xml", "png": "image/png"}


def target(code: Code, base_url: str) -> str:
    """Return what the QR code of a promo code says: the address of a link, or the code."""
    if code.ambassador_id is None:
        return code.text
    slug = db.session.scalar(
        sa.select(Link.slug)
        .where(Link.ambassador_id == code.ambassador_id, Link.campaign_id == code.campaign_id)
        .order_by(Link.id)
        .limit(1)
    )
    return f"{base_url}/r/{slug}" if slug else code.text


def draw(text: str, kind: str) -> bytes:
    """Return a QR code as a file to print.

    Args:
        text: What it says.
        kind: `svg`, or `png` of some 600 pixels.
    """
    out = io.BytesIO()
    made = segno.make(text, error="m", micro=False)
    if kind == "svg":
        made.save(out, kind="svg", scale=8, border=4)
    else:
        made.save(out, kind="png", scale=max(8, 600 // (made.symbol_size()[0])), border=4)
    return out.getvalue()


def inline(text: str, title: str) -> str:
    """Return a QR code as SVG for a page, in attributes and classes only; segno escapes both."""
    made = segno.make(text, error="m", micro=False)
    return str(made.svg_inline(svgclass="qr", lineclass=None, omitsize=True, border=2, title=title))
