"""Images of share kits: a row for each campaign that shows one, a file for each content.

A file is named by the digest of what is in it, so it never changes, and the same
image again is the same file.  It is written before its row and served only while
a row speaks of it; files that none speaks of are swept a day later, so that an
upload on its way loses nothing to a colleague's removal.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from accounts import audit
from campaigns.models import Campaign
from campaigns.models_images import KitImage
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError, UnavailableError
from integrations.pictures import TYPES, Picture

MOST = 12  # images of one campaign
SMALLEST = 200  # pixels of the shorter side: below, a post shows mush
LONGEST = 200  # characters of an alternative text
KEPT = timedelta(days=1)  # a file that no row speaks of
_NAME = re.compile(r"([0-9a-f]{64})(-small)?\.(jpg|png)")


class FullKitError(ConflictError):
    """The share kit holds as many images as one can choose from."""


def keep(picture: Picture) -> str:
    """Write a picture and its thumbnail into the folder, and return their digest.

    Not part of any transaction: call it before the one that adds the row.

    Raises:
        UnavailableError: The disk does not take it.
    """
    digest = hashlib.sha256(picture.data).hexdigest()
    try:
        _write(_path(f"{digest}-small.{picture.kind}"), picture.small)
        _write(_path(f"{digest}.{picture.kind}"), picture.data)
    except OSError:
        raise UnavailableError(_("The file could not be stored. Is the disk full?")) from None
    return digest


def add(campaign: Campaign, picture: Picture, digest: str, *, alt_en: str, alt_fr: str) -> None:
    """Put a picture that `keep` wrote into a campaign's kit; again, it only gets other words.

    Raises:
        InvalidInputError: It is too small, or an alternative text is missing or too long.
        FullKitError: There are `MOST` already.
    """
    _require_size(picture)
    words = _words(alt_en, alt_fr)
    db.session.refresh(campaign, with_for_update=True)  # two uploads at once count one by one
    others = sa.select(sa.func.count()).where(
        KitImage.campaign_id == campaign.id, KitImage.digest != digest
    )
    if (db.session.scalar(others) or 0) >= MOST:
        raise FullKitError(_("There are %(most)s images already. Remove one first.", most=MOST))
    statement = upsert_dialect().insert(KitImage).values(
        campaign_id=campaign.id, digest=digest, kind=picture.kind, width=picture.width,
        height=picture.height, created_at=clock.now(), **words,
    )  # fmt: skip
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["campaign_id", "digest"], set_=words)
    )
    audit.record("image.add", "campaign", campaign.slug, {"digest": digest, **words})


def describe(campaign: Campaign, image_id: int, *, alt_en: str, alt_fr: str) -> None:
    """Say anew what one sees on an image.

    Raises:
        InvalidInputError: An alternative text is missing or too long.
        NotFoundError: The campaign has no such image.
    """
    image, words = get(campaign, image_id), _words(alt_en, alt_fr)
    image.alt_en, image.alt_fr = words["alt_en"], words["alt_fr"]
    audit.record("image.change", "campaign", campaign.slug, {"digest": image.digest, **words})


def remove(campaign: Campaign, image_id: int) -> None:
    """Take an image out of a kit; raises NotFoundError if it is not there."""
    image = get(campaign, image_id)
    db.session.delete(image)
    audit.record("image.remove", "campaign", campaign.slug, {"digest": image.digest})


def get(campaign: Campaign, image_id: int) -> KitImage:
    """Return an image of a campaign.

    Raises:
        NotFoundError: It has no such image.
    """
    image = db.session.scalar(
        sa.select(KitImage).where(KitImage.id == image_id, KitImage.campaign_id == campaign.id)
    )
    if image is None:
        raise NotFoundError(_("There is no such image."))
    return image


def of_campaign(campaign_id: int) -> Sequence[KitImage]:
    """Return a campaign's images in the order in which they came."""
    query = sa.select(KitImage).where(KitImage.campaign_id == campaign_id).order_by(KitImage.id)
    return db.session.scalars(query).all()


def file(name: str) -> tuple[Path, str]:
    """Return the file behind a name that some campaign's image has, and its type.

    Raises:
        NotFoundError: No campaign shows it.
    """
    match = _NAME.fullmatch(name)
    is_shown = match and db.session.scalar(
        sa.select(KitImage.id)
        .where(KitImage.digest == match[1], KitImage.kind == match[3])
        .limit(1)
    )
    path = _path(name)
    if match is None or is_shown is None or not path.is_file():
        raise NotFoundError(_("There is no such image."))
    return path, TYPES[match[3]]


def sweep() -> int:
    """Delete the files of which no row has spoken for a day; return how many."""
    oldest = (clock.now() - KEPT).timestamp()
    old = [
        path for path in _folder().glob("*/*")
        if path.is_file() and path.stat().st_mtime < oldest
    ]  # fmt: skip
    gone = 0
    for path in old:
        digest = path.name[:64]
        if db.session.scalar(sa.select(KitImage.id).where(KitImage.digest == digest).limit(1)):
            continue
        path.unlink(missing_ok=True)
        gone += 1
    return gone


def _require_size(picture: Picture) -> None:
    if min(picture.width, picture.height) < SMALLEST:
        detail = _(
            "This picture has %(width)s x %(height)s pixels; choose one of at least %(least)s on "
            "each side.", width=picture.width, height=picture.height, least=SMALLEST,
        )  # fmt: skip
        raise InvalidInputError(detail, faults=[Fault("/file", detail)])


def _words(alt_en: str, alt_fr: str) -> dict[str, str]:
    told = {"alt_en": " ".join(alt_en.split()), "alt_fr": " ".join(alt_fr.split())}
    faults = [
        Fault(f"/{name}", _("Write some words, at most %(most)s characters.", most=LONGEST))
        for name, text in told.items()
        if not 0 < len(text) <= LONGEST or not text.isprintable()
    ]
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return told


def _folder() -> Path:
    folder: Path = current_app.extensions["settings"].images
    return folder.resolve()


def _path(name: str) -> Path:
    return _folder() / name[:2] / name


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, whoever else writes the same; its age starts anew."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix="part-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())  # a row that is committed finds its file after a power cut
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
