"""Many people enrolled at once, from a file or a shop's list; telling it again changes nothing.

Set-based: one look-up of everybody, then one flush, whatever the length of the
list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import members, program
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from core import clock, emails
from core.db import db
from core.errors import DomainError, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recruit:
    """A person to enrol; `person.joined_on` is also the day they were enrolled."""

    person: members.Person
    kind: AmbassadorKind = AmbassadorKind.CUSTOMER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recruit of a list."""

    state: str  # created, updated, unchanged or refused
    ambassador_id: int | None = None
    problem: DomainError | None = None


def record(recruits: Sequence[Recruit]) -> list[Outcome]:
    """Create or update members by external id, else e-mail, and enrol them as active.

    What is left out keeps what is known; an ambassador's status is never changed.

    Args:
        recruits: At most some hundreds, for one transaction; a door cuts longer lists.

    Returns:
        One outcome a recruit, in their order; a refused one says why and harms no other.
    """
    book = _Book.of(recruits)
    taken = [_take(book, recruit) for recruit in recruits]
    db.session.flush()  # outcomes name the ids
    outcomes = [
        Outcome(state, who.id) if isinstance(who, Ambassador) else Outcome(state, problem=who)
        for state, who in taken
    ]
    counts = {state: sum(o.state == state for o in outcomes) for state in ("created", "updated")}
    if any(counts.values()):
        audit.record("ambassador.import", "ambassador", "many", counts)
    return outcomes


@dataclass(slots=True)
class _Book:
    """The members of a list, by each name we may know them."""

    by_digest: dict[str, Member] = field(default_factory=dict)
    by_id: dict[str, Member] = field(default_factory=dict)

    @classmethod
    def of(cls, recruits: Sequence[Recruit]) -> _Book:
        digests = {d for r in recruits if (d := emails.digest(r.person.email))}
        ids = {r.person.external_id.strip() for r in recruits if r.person.external_id}
        book = cls()
        found = db.session.scalars(
            sa.select(Member)
            .where(sa.or_(Member.email_hash.in_(digests), Member.external_id.in_(ids)))
            .options(sa.orm.joinedload(Member.ambassador))
        )
        for member in found:
            book.note(member)
        return book

    def note(self, member: Member) -> None:
        if member.email_hash:
            self.by_digest[member.email_hash] = member
        if member.external_id:
            self.by_id[member.external_id] = member

    def find(self, person: members.Person) -> Member | None:
        """Return who this is.

        Raises:
            MemberKnownError: The id is one member's and the address another's.
        """
        by_id = self.by_id.get(person.external_id or "")
        by_digest = self.by_digest.get(emails.digest(person.email) or "")
        if by_id and by_digest and by_id is not by_digest:
            raise members.MemberKnownError(_("The id and the address belong to two members."))
        return by_id or by_digest


def _take(book: _Book, recruit: Recruit) -> tuple[str, Ambassador | DomainError]:
    try:
        person = members.checked(recruit.person)
        if not (person.external_id or person.email):
            raise InvalidInputError(_("Give an external id or an e-mail address, to know them by."))
        member = book.find(person)
    except DomainError as error:
        return "refused", error
    if member is None:
        member = Member(created_at=clock.now(), **members.columns(person))
        member.ambassador = _enrolled(recruit.kind, person)
        db.session.add(member)
        book.note(member)
        return "created", member.ambassador
    told = dataclasses.replace(person, joined_on=recruit.person.joined_on)
    is_changed = _update(member, told)
    book.note(member)
    if member.ambassador is None:
        member.ambassador = _enrolled(recruit.kind, person)
        return "created", member.ambassador
    if member.ambassador.kind is not recruit.kind:
        member.ambassador.kind, is_changed = recruit.kind, True
    return "updated" if is_changed else "unchanged", member.ambassador


def _update(member: Member, told: members.Person) -> bool:
    """Write what is told and differs; tell whether anything did."""
    new = {
        name: value
        for name, value in members.columns(told).items()
        if value is not None and getattr(member, name) != value
    }
    for name, value in new.items():
        setattr(member, name, value)
    return bool(new)


def _enrolled(kind: AmbassadorKind, person: members.Person) -> Ambassador:
    day = person.joined_on
    zone = clock.zone(program.current().timezone)
    since = datetime.combine(day, time(), zone).astimezone(UTC) if day else clock.now()
    return Ambassador(
        kind=kind, status=AmbassadorStatus.ACTIVE, enrolled_at=min(since, clock.now())
    )
