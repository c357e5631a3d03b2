"""Members: the people of the community, known by an e-mail's hash or the brand's own id.

One mailbox is one member: two spellings of an address meet in one hash, and
the database refuses a second row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from ambassadors.models import Member
from core import clock, countries, emails
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
LOCALES = ("en", "fr")


class MemberKnownError(ConflictError):
    """Somebody has this e-mail address or external id already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What one tells us of a person."""

    name: str
    email: str | None = None
    external_id: str | None = None  # the brand's own, at most 100 characters
    country: str | None = None
    locale: str | None = None  # en or fr
    joined_on: date | None = None  # today in the program's time zone when not said


def checked(person: Person) -> Person:
    """Return the person with trimmed texts and codes in upper case.

    Raises:
        InvalidInputError: A field cannot be what it claims; all faults at once.
    """
    faults: list[Fault] = []
    name = person.name.strip()
    if not name or len(name) > 200 or _CONTROL.search(name):
        faults.append(Fault("/name", _("Write a name of 1 to 200 characters.")))
    email = (person.email or "").strip() or None
    if email and emails.normalise(email) is None:
        faults.append(Fault("/email", _("Write an e-mail address such as zoe@example.com.")))
    external_id = (person.external_id or "").strip() or None
    if external_id and (len(external_id) > 100 or _CONTROL.search(external_id)):
        faults.append(Fault("/external_id", _("Write an id of at most 100 characters.")))
    country = _country(person.country, faults)
    if person.locale and person.locale not in LOCALES:
        faults.append(Fault("/locale", _("Choose en or fr.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return Person(
        name=name, email=email, external_id=external_id, country=country,
        locale=person.locale or None, joined_on=person.joined_on or _today(),
    )  # fmt: skip


def create(person: Person) -> Member:
    """Add a member and return them.

    Raises:
        InvalidInputError: A field cannot be what it claims.
        MemberKnownError: The e-mail address or the external id is somebody's already.
    """
    member_id = db.session.scalar(
        upsert_dialect()
        .insert(Member)
        .values(created_at=clock.now(), **columns(checked(person)))
        .on_conflict_do_nothing()
        .returning(Member.id)
    )
    if member_id is None:
        raise _known(person)
    return db.session.get_one(Member, member_id)


def change(member: Member, person: Person) -> None:
    """Write what is now known of a member.

    Raises:
        InvalidInputError: A field cannot be what it claims.
        MemberKnownError: The e-mail address or the external id is somebody else's.
    """
    values = columns(checked(person))
    taken = _same_identity(values["email_hash"], values["external_id"])
    if db.session.scalar(sa.select(Member.id).where(taken, Member.id != member.id).limit(1)):
        raise _known(person)
    for name, value in values.items():
        setattr(member, name, value)
    db.session.flush()  # a clash with a writer at the same moment shows here


def get(member_id: int) -> Member:
    """Return a member.

    Raises:
        NotFoundError: There is none of this id.
    """
    member = db.session.get(Member, member_id)
    if member is None:
        raise NotFoundError(_("There is no such member."))
    return member


def find(*, email: str | None = None, external_id: str | None = None) -> Member | None:
    """Return the member who has this external id, else this e-mail address, or None."""
    if external_id and (found := _one(Member.external_id == external_id)):
        return found
    digest = emails.digest(email)
    return _one(Member.email_hash == digest) if digest else None


def columns(person: Person) -> dict[str, object]:
    """Return the columns of a checked person."""
    return {
        "name": person.name,
        "email": person.email,
        "email_hash": emails.digest(person.email),
        "external_id": person.external_id,
        "country": person.country,
        "locale": person.locale,
        "joined_on": person.joined_on,
    }


def _one(condition: sa.ColumnElement[bool]) -> Member | None:
    return db.session.scalar(sa.select(Member).where(condition))


def _same_identity(email_hash: object, external_id: object) -> sa.ColumnElement[bool]:
    """Match rows of the same identity; two unknowns are not the same."""
    pairs = ((Member.email_hash, email_hash), (Member.external_id, external_id))
    same = [column == value for column, value in pairs if value is not None]
    return sa.or_(sa.false(), *same)


def _known(person: Person) -> MemberKnownError:
    by_id = person.external_id and find(external_id=person.external_id.strip())
    pointer = "/external_id" if by_id else "/email"
    detail = (
        _("A member has this external id already.") if by_id else _("A member has this address.")
    )
    return MemberKnownError(detail, faults=[Fault(pointer, detail)])


def _country(code: str | None, faults: list[Fault]) -> str | None:
    if not code or not code.strip():
        return None
    try:
        return countries.require(code)
    except ValueError:
        faults.append(Fault("/country", _("Write a country code of two letters such as CH.")))
        return None


def _today() -> date:
    return clock.local_day(clock.now(), program.current().timezone)
