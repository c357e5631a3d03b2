"""Table of what ambassadors published and handed in."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BigId, Model, PrimaryKey, UtcTime


class ContentLink(Model):
    """The address of something that an ambassador published for a campaign."""

    __tablename__ = "content_link"
    __table_args__ = (sa.UniqueConstraint("ambassador_id", "url"),)

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"))
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    url: Mapped[str] = mapped_column(sa.String(500))  # https, never fetched
    handed_in_at: Mapped[UtcTime]
    seen_at: Mapped[UtcTime | None] = mapped_column(index=True)
    seen_by: Mapped[str | None] = mapped_column(sa.String(100))  # as the audit log names people
    thanks: Mapped[str | None] = mapped_column(sa.String(300))
