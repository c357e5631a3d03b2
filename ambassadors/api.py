"""The machines' door of the ambassadors room: members and ambassadors."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request

from accounts import idempotency, permissions
from accounts.models import Scope
from ambassadors import directory, enrolment, members
from ambassadors.directory import Search
from ambassadors.members import Person
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from core import api
from core.api import Struct
from core.db import db
from core.errors import InvalidInputError

READ = permissions.key_with(Scope.READ, Scope.COMMUNITY)

door = permissions.guard(
    Blueprint("ambassadors_api", __name__, url_prefix="/api/v1"),
    permissions.key_with(Scope.COMMUNITY),
)


class MemberIn(Struct):
    """A person of the community; give an e-mail address or an external id to know them by."""

    name: str
    email: str | None = None
    external_id: str | None = None
    country: str | None = None
    locale: str | None = None
    joined_on: date | None = None


class AmbassadorIn(MemberIn):
    """A person to enrol; a known member is enrolled, a new one is added first."""

    kind: AmbassadorKind = AmbassadorKind.CUSTOMER
    status: AmbassadorStatus = AmbassadorStatus.ACTIVE


class MemberOut(Struct):
    """A member as recorded; `ambassador` is their number, if they are one."""

    id: int
    external_id: str | None
    name: str
    email: str | None
    country: str | None
    locale: str | None
    joined_on: date
    ambassador: int | None


class AmbassadorOut(Struct):
    """An ambassador as recorded."""

    id: int
    kind: AmbassadorKind
    status: AmbassadorStatus
    enrolled_at: str
    member: MemberOut


class MembersOut(Struct):
    """A page of members; `next` goes into `?after=`."""

    data: list[MemberOut]
    next: str | None


class AmbassadorsOut(Struct):
    """A page of ambassadors; `next` goes into `?after=`."""

    data: list[AmbassadorOut]
    next: str | None


_PAGES = {
    "limit": "Rows, 100 unless given, at most 1000.",
    "after": "The `next` of the page before.",
    "q": "In the name, the e-mail address or the external id.",
}


@door.get("/members")
@permissions.allow(READ)
@api.operation("List members.", answers={200: MembersOut}, query=_PAGES)
def list_members() -> Response:
    """Answer a page of members."""
    limit = api.page_limit()
    found = directory.members_after(_text(), after=api.page_after(), limit=limit + 1)
    last = str(found[limit - 1].id) if len(found) > limit else None
    return api.answer(MembersOut(data=[_member(one) for one in found[:limit]], next=last))


@door.get("/members/<int:member_id>")
@permissions.allow(READ)
@api.operation("Show one member.", answers={200: MemberOut})
def show_member(member_id: int) -> Response:
    """Answer one member."""
    return api.answer(_member(members.get(member_id)))


@door.post("/members")
@idempotency.honoured
@api.operation("Add a member.", body=MemberIn, answers={201: MemberOut})
def create_member() -> Response:
    """Add a member."""
    member = members.create(_person(api.read(MemberIn)))
    db.session.commit()
    return api.answer(_member(member), 201)


@door.get("/ambassadors")
@permissions.allow(READ)
@api.operation(
    "List ambassadors.",
    answers={200: AmbassadorsOut},
    query={**_PAGES, "status": "Their status.", "kind": "Their kind."},
    choices={"status": list(AmbassadorStatus), "kind": list(AmbassadorKind)},
)
def list_ambassadors() -> Response:
    """Answer a page of ambassadors."""
    limit = api.page_limit()
    found = directory.ambassadors_after(_search(), after=api.page_after(), limit=limit + 1)
    last = str(found[limit - 1].id) if len(found) > limit else None
    return api.answer(AmbassadorsOut(data=[_ambassador(one) for one in found[:limit]], next=last))


@door.get("/ambassadors/<int:ambassador_id>")
@permissions.allow(READ)
@api.operation("Show one ambassador.", answers={200: AmbassadorOut})
def show_ambassador(ambassador_id: int) -> Response:
    """Answer one ambassador."""
    return api.answer(_ambassador(enrolment.get(ambassador_id)))


@door.post("/ambassadors")
@idempotency.honoured
@api.operation("Enrol an ambassador.", body=AmbassadorIn, answers={201: AmbassadorOut})
def create_ambassador() -> Response:
    """Enrol a known member, or a new one."""
    body = api.read(AmbassadorIn)
    member = members.find(email=body.email, external_id=body.external_id)
    if member is None:
        member = members.create(_person(body))
    ambassador = enrolment.enrol(member, kind=body.kind, status=body.status)
    db.session.commit()
    return api.answer(_ambassador(ambassador), 201)


def _person(body: MemberIn) -> Person:
    return Person(
        name=body.name, email=body.email, external_id=body.external_id, country=body.country,
        locale=body.locale, joined_on=body.joined_on,
    )  # fmt: skip


def _member(member: Member) -> MemberOut:
    return MemberOut(
        id=member.id, external_id=member.external_id, name=member.name, email=member.email,
        country=member.country, locale=member.locale, joined_on=member.joined_on,
        ambassador=member.ambassador.id if member.ambassador else None,
    )  # fmt: skip


def _ambassador(ambassador: Ambassador) -> AmbassadorOut:
    member = ambassador.member
    return AmbassadorOut(
        id=ambassador.id, kind=ambassador.kind, status=ambassador.status,
        enrolled_at=ambassador.enrolled_at.isoformat(),
        member=MemberOut(
            id=member.id, external_id=member.external_id, name=member.name, email=member.email,
            country=member.country, locale=member.locale, joined_on=member.joined_on,
            ambassador=ambassador.id,
        ),
    )  # fmt: skip


def _text() -> str:
    return request.args.get("q", "")[:200]


def _search() -> Search:
    status, kind = request.args.get("status"), request.args.get("kind")
    if status is not None and status not in set(AmbassadorStatus):
        raise InvalidInputError("status: use invited, active, suspended or left")
    if kind is not None and kind not in set(AmbassadorKind):
        raise InvalidInputError("kind: use customer, micro_creator, employee or partner")
    return Search(
        text=_text(),
        status=AmbassadorStatus(status) if status else None,
        kind=AmbassadorKind(kind) if kind else None,
    )
