"""What declarations say of a person: asked for once one is near, kept as long as the law asks.

Somebody is asked from 80 % of a declaration's threshold on, so that it is there in time.  The
tax number of the United States is encrypted; pages, files and the audit log know its last
four digits only.

Source: CGI, art. 240 and annexe III, art. 39 and 47 (DAS2: name, address, profession, SIRET);
26 CFR § 1.6041-1 (form 1099-NEC); LPF, art. L102 B (six years).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from core import clock, countries, seals
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError
from rewards import year_totals
from rewards.models_contracts import TaxDetail, ThresholdKind

ASK_AT = 80  # per cent of a threshold
KEPT = timedelta(days=6 * 366)  # after an erasure
DECLARATIONS = (ThresholdKind.DAS2, ThresholdKind.NEC)
_CONTEXT = b"cercle tax details 1"  # keeps this key apart from others of the same secret
_LONGEST = {"name": 200, "profession": 100, "street": 200, "postal_code": 20, "city": 100}


class NotAskedError(ConflictError):
    """No declaration is near, so nothing is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says for declarations."""

    name: str
    is_business: bool
    siret: str
    profession: str
    street: str
    postal_code: str
    city: str
    country: str  # ISO 3166
    tin: str  # United States only; empty keeps the one that is known


def of(ambassador_id: int) -> TaxDetail | None:
    """Return what somebody said, or None."""
    return db.session.get(TaxDetail, ambassador_id, populate_existing=True)


def needed(ambassador_id: int, *, near: int = ASK_AT) -> set[ThresholdKind]:
    """Return for which declarations of this year or the one before somebody's details are needed.

    Args:
        ambassador_id: Whose.
        near: Per cent of the threshold from which they are.
    """
    this = clock.local_day(clock.now(), program.current().timezone).year
    return {
        kind
        for kind in DECLARATIONS
        for year in (this, this - 1)
        if _is_in(kind, year, ambassador_id, near=near)
    }


def change(ambassador_id: int, said: Said) -> TaxDetail:
    """Keep what somebody says for declarations.

    Raises:
        NotAskedError: Nothing was said before, and no declaration is near.
        InvalidInputError: Something is missing or cannot be.
    """
    before, kinds = of(ambassador_id), needed(ambassador_id)
    if before is None and not kinds:
        raise NotAskedError(_("Nothing is to be declared yet, so we do not ask for this."))
    told, number = _checked(said)
    is_kept = before is not None and not number and told["country"] == year_totals.COUNTRY
    values = {
        **told, "changed_at": clock.now(), "erased_at": None,
        "sealed_tin": before.sealed_tin if before and is_kept
        else seals.seal(_CONTEXT, number) if number else None,
        "tin_last4": before.tin_last4 if before and is_kept else number[-4:],
    }  # fmt: skip
    db.session.execute(
        upsert_dialect()
        .insert(TaxDetail)
        .values(ambassador_id=ambassador_id, **values)
        .on_conflict_do_update(index_elements=["ambassador_id"], set_=values)
    )
    audit.record("tax_detail.change", "ambassador", ambassador_id, {"is_first": before is None})
    return db.session.get_one(TaxDetail, ambassador_id, populate_existing=True)


def tin(ambassador_id: int) -> str | None:
    """Return somebody's whole tax number; None if there is none, or it cannot be opened."""
    row = of(ambassador_id)
    return seals.opened(_CONTEXT, row.sealed_tin) if row and row.sealed_tin else None


def forget(ambassador_id: int) -> None:
    """Forget what an erased person said, unless a declaration that was due is about them."""
    which = TaxDetail.ambassador_id == ambassador_id
    if any(
        _is_in(kind, year, ambassador_id, near=100)
        for kind in DECLARATIONS
        for year in year_totals.years()
    ):
        db.session.execute(sa.update(TaxDetail).where(which).values(erased_at=clock.now()))
    else:
        db.session.execute(sa.delete(TaxDetail).where(which))


def sweep() -> int:
    """Delete what erased people said once the law no longer asks for it; return how many."""
    over = TaxDetail.erased_at < clock.now() - KEPT
    return affected(db.session.execute(sa.delete(TaxDetail).where(over)))


def _is_in(kind: ThresholdKind, year: int, ambassador_id: int, *, near: int) -> bool:
    """Tell whether a sum that is known is near a declaration's threshold."""
    limit, found = year_totals.declared(kind, year, only=[ambassador_id], near=near)
    return limit is not None and any(
        year_totals.is_declared(one, kind, limit.amount * near) for one in found
    )


def _checked(said: Said) -> tuple[dict[str, object], str]:
    """Return what can be kept, and the tax number apart."""
    told = {
        name: " ".join(value.split()) if isinstance(value, str) else value
        for name, value in asdict(said).items()
    }
    told["country"] = country = said.country.strip().upper()
    number = str(told.pop("tin")).replace("-", "").replace(" ", "")
    told["siret"] = str(told["siret"]).replace(" ", "") if said.is_business else ""
    faults = [
        Fault(f"/{name}", _("Write some words, at most %(most)s characters.", most=most))
        for name, most in _LONGEST.items()
        if not 0 < len(str(told[name])) <= most
    ]
    faults += _of_country(country)
    if said.is_business and country == "FR" and not _is_siret(str(told["siret"])):
        faults.append(Fault("/siret", _("A SIRET has 14 digits; one of these is not right.")))
    if country != year_totals.COUNTRY:
        number = ""
    elif number and not (len(number) == 9 and number.isascii() and number.isdecimal()):
        faults.append(Fault("/tin", _("A tax number of the United States has 9 digits.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return told, number


def _of_country(code: str) -> list[Fault]:
    try:
        countries.require(code)
    except ValueError as error:
        return [Fault("/country", str(error))]
    return []


def _is_siret(text: str) -> bool:
    """Tell whether a text has 14 digits that fit together.

    Source: ISO/IEC 7812-1 (Luhn); those of La Poste add up to a multiple of five instead.
    """
    if not (len(text) == 14 and text.isascii() and text.isdecimal()):
        return False
    digits = [int(one) for one in text]
    luhn = sum(sum(divmod(one * (2 - at % 2), 10)) for at, one in enumerate(digits))
    return luhn % 10 == 0 or (text.startswith("356000000") and sum(digits) % 5 == 0)
