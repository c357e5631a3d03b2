"""Files that people bring in, kept outside of the web root until they are imported.

Each has a name of ours, and a card beside it with the name that its owner gave it.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import current_app
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from core import clock
from core.errors import NotFoundError, UnavailableError

KEPT_DAYS = 7  # an upload that nobody imports
_TOKEN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in and waits."""

    token: str
    name: str  # as its owner calls it
    path: Path


def keep(file: FileStorage, folder: str) -> Upload:
    """Store an upload under a name of ours, in a folder of the instance.

    Raises:
        UnavailableError: It could not be written.
    """
    place = _place(folder)
    _sweep(place)
    token = secrets.token_hex(16)
    path = place / token
    name = " ".join((file.filename or "").replace("\\", "/").rpartition("/")[2].split())[:120]
    try:
        file.save(path)
        _card(path).write_text(json.dumps({"name": name or "file"}), encoding="utf-8")
    except OSError:
        path.unlink(missing_ok=True)
        raise UnavailableError(_("The file could not be stored. Is the disk full?")) from None
    return Upload(token, name, path)


def find(token: str, folder: str) -> Upload:
    """Return an upload.

    Raises:
        NotFoundError: It was imported or swept away, or never was.
    """
    path = _place(folder) / token
    if not _TOKEN.fullmatch(token) or not path.is_file() or not _card(path).is_file():
        raise NotFoundError(_("This file is no longer here. Upload it again."))
    card = json.loads(_card(path).read_text(encoding="utf-8"))
    return Upload(token, card["name"], path)


def forget(path: Path) -> None:
    """Remove an upload that nobody needs any more; its refused lines stay."""
    path.unlink(missing_ok=True)
    _card(path).unlink(missing_ok=True)


def _card(path: Path) -> Path:
    """Return where the name of an upload is kept: beside it."""
    return path.with_name(f"{path.name}.json")


def _place(folder: str) -> Path:
    place = Path(current_app.instance_path) / folder
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _sweep(place: Path) -> None:
    """Remove uploads that are old; people's data is not kept for nothing."""
    oldest = (clock.now() - timedelta(days=KEPT_DAYS)).timestamp()
    for path in place.iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
