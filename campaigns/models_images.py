"""Table of the images of share kits; their files are named by their content."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BigId, Digest, Model, PrimaryKey, UtcTime


class KitImage(Model):
    """An image that a campaign's ambassadors may share."""

    __tablename__ = "kit_image"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "digest"),)

    id: Mapped[PrimaryKey]
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    digest: Mapped[Digest] = mapped_column(index=True)  # of the file, and its name
    kind: Mapped[str] = mapped_column(sa.String(4))  # jpg or png
    width: Mapped[int]  # pixels
    height: Mapped[int]
    alt_en: Mapped[str] = mapped_column(sa.String(200))  # what one sees, for who cannot
    alt_fr: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[UtcTime]

    def alt(self, language: str) -> str:
        """Return what one sees on it, in a language."""
        return self.alt_fr if language == "fr" else self.alt_en
