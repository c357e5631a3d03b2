"""Compiled texts: a `.mo` beside each `.po`, made when it is missing or older.

The application makes them as it starts, so a fresh clone speaks French whatever
starts it; `make translations` makes them beforehand, for a folder that the
application may not write.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import structlog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

log = structlog.get_logger()


def compile_stale(folder: Path) -> list[Path]:
    """Compile the catalogues that are newer than what was compiled, and return these.

    Args:
        folder: Holds `<language>/LC_MESSAGES/messages.po`.
    """
    stale = [path for path in folder.glob("*/LC_MESSAGES/*.po") if _is_stale(path)]
    for path in stale:
        try:
            _compile(path)
        except OSError as error:  # without the texts every page still works, in English
            log.warning("translations.not_compiled", catalogue=str(path), error=str(error))
    return stale


def _is_stale(path: Path) -> bool:
    compiled = path.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime


def _compile(path: Path) -> None:
    language = path.parents[1].name
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    # another process may start at this moment: nobody reads half a file
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".mo.part")
    try:
        with os.fdopen(handle, "wb") as target:
            write_mo(target, catalogue)
        Path(name).chmod(0o644)
        Path(name).replace(path.with_suffix(".mo"))
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
