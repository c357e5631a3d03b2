"""Countries by their ISO 3166-1 alpha-2 code, and their names in the reader's language."""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale
from flask_babel import gettext as _

from core import i18n

_CODE = re.compile(r"[A-Z]{2}")
UNREAL = frozenset({"ZZ", "EU", "EZ", "UN", "XA", "XB"})  # have names in CLDR, and no customers


def require(code: str) -> str:
    """Return the code in upper case.

    Raises:
        ValueError: No country has this code.
    """
    upper = code.strip().upper()
    if not _CODE.fullmatch(upper) or upper in UNREAL or upper not in _names("en"):
        raise ValueError(_("“%(text)s” is not a country code such as CH or FR", text=code))
    return upper


def name(code: str | None) -> str:
    """Return a country's name in the language of this request."""
    return _names(i18n.language()).get(code, code) if code else "–"


@lru_cache(maxsize=4)
def _names(language: str) -> dict[str, str]:
    named: dict[str, str] = dict(Locale(language).territories)
    return named
