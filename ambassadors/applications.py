"""Applications: the page on which people ask to join a campaign, and what becomes of each.

One mailbox applies to a campaign once; a second time is answered like the
first and changes nothing, so the page does not tell who is known.  Seats are
taken by a conditional UPDATE, so there are never more approvals than seats.
A decision is mailed; a refusal waits a while, so that it can be taken back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit, endpoints
from ambassadors import charter, members, profiles
from ambassadors.models import AmbassadorKind
from ambassadors.models_recruiting import (
    Application,
    ApplicationPage,
    ApplicationState,
    QuestionKind,
)
from core import clock, emails, mails, outbox
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

KEPT_FOR = timedelta(days=183)  # what did not lead to an enrolment is deleted then
SECOND_THOUGHTS = timedelta(minutes=15)  # before a refusal is mailed
OPEN = (ApplicationState.WAITING, ApplicationState.LISTED)  # a person still decides
_DECIDED = (ApplicationState.LISTED, ApplicationState.DECLINED)


class ApplicationError(ConflictError):
    """The application's state does not allow this."""


class FullError(ConflictError):
    """Every seat is taken."""

    code = "full"


class ClosedError(NotFoundError):
    """Nobody can apply here, or not now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the marketer's choice, in both languages."""

    kind: QuestionKind
    label_en: str
    label_fr: str
    is_required: bool = False
    choices_en: tuple[str, ...] = ()
    choices_fr: tuple[str, ...] = ()

    def label(self, locale: str) -> str:
        return self.label_fr if locale == "fr" else self.label_en

    def choices(self, locale: str) -> tuple[str, ...]:
        return self.choices_fr if locale == "fr" else self.choices_en


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a marketer decides of an application page."""

    is_open: bool
    title_en: str
    title_fr: str
    intro_en: str = ""
    intro_fr: str = ""
    capacity: int | None = None
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a person sends."""

    name: str
    email: str
    locale: str  # en or fr
    kind: AmbassadorKind
    answers: tuple[tuple[str, str], ...] = ()  # question and answer, as they read them
    charter_version: int
    wants_messages: bool = False
    profile: str | None = None  # https address of a page of theirs


def set_up(campaign_id: int, setup: Setup) -> ApplicationPage:
    """Write a campaign's application page, made where there is none.

    Raises:
        InvalidInputError: A text is missing, a choice has too few answers, there is no
            charter to accept, or fewer seats than are taken.
    """
    _require(setup)
    values = asdict(setup) | {"questions": [asdict(question) for question in setup.questions]}
    made = upsert_dialect().insert(ApplicationPage).values(
        campaign_id=campaign_id, taken=0, created_at=clock.now(), **values
    )  # fmt: skip
    fits = sa.true() if setup.capacity is None else ApplicationPage.taken <= setup.capacity
    found = db.session.scalar(
        made.on_conflict_do_update(
            index_elements=["campaign_id"], set_=values, where=fits
        ).returning(ApplicationPage.campaign_id)
    )
    if found is None:
        detail = _("More people have a seat already: write at least as many.")
        raise InvalidInputError(detail, faults=[Fault("/capacity", detail)])
    details = {"open": setup.is_open, "capacity": setup.capacity, "questions": len(setup.questions)}
    audit.record("application_page.change", "campaign", campaign_id, details)
    return db.session.get_one(ApplicationPage, campaign_id, populate_existing=True)


def page_of(campaign_id: int) -> ApplicationPage | None:
    """Return a campaign's application page, or None."""
    return db.session.get(ApplicationPage, campaign_id)


def questions_of(page: ApplicationPage) -> list[Question]:
    """Return the questions of a page in their order."""
    return [_question(said) for said in page.questions]


def apply(campaign_id: int, sent: Sent, *, brand: str) -> None:
    """Keep an application and mail a word of thanks; a second one of a mailbox changes nothing.

    Raises:
        ClosedError: The page is closed.
        InvalidInputError: A name or address cannot be, or the charter is another by now.
    """
    page = page_of(campaign_id)
    if page is None or not page.is_open:
        raise ClosedError(_("Nobody can apply here at the moment."))
    person = members.checked(members.Person(name=sent.name, email=sent.email, locale=sent.locale))
    digest = emails.digest(person.email)
    if digest is None or not has_full_domain(person.email or ""):
        detail = _("The end of the address is missing, such as “.com”.")
        raise InvalidInputError(detail, faults=[Fault("/email", detail)])
    accepted = charter.current()
    if accepted is None or accepted.version != sent.charter_version:
        detail = _("The charter has changed since you opened this page. Please read it again.")
        raise InvalidInputError(detail, faults=[Fault("/charter", detail)])
    now = clock.now()
    application_id = db.session.scalar(
        upsert_dialect()
        .insert(Application)
        .values(
            campaign_id=campaign_id, name=person.name, email=person.email, email_hash=digest,
            locale=sent.locale, kind=sent.kind, charter_id=accepted.id, applied_at=now,
            answers=[{"question": asked, "answer": said} for asked, said in sent.answers],
            wants_messages=sent.wants_messages, state=ApplicationState.WAITING, state_since=now,
            turn=0, reason="",
        )
        .on_conflict_do_nothing(index_elements=["campaign_id", "email_hash"])
        .returning(Application.id)
    )  # fmt: skip
    if application_id is None:
        return
    profile = profiles.begin(application_id, sent.profile) if sent.profile else None
    code = profile.code if profile else None
    _notify("application.received", get(application_id))
    _tell(get(application_id), "application_received", brand=brand, code=code)


def has_full_domain(email: str) -> bool:
    """Tell whether an address ends in a domain with a dot, as those of the internet do."""
    _mailbox, _at, domain = email.strip().rpartition("@")
    return all(domain.split(".")) and "." in domain


def get(application_id: int) -> Application:
    """Return an application.

    Raises:
        NotFoundError: There is none of this id.
    """
    found = db.session.get(Application, application_id)
    if found is None:
        raise NotFoundError(_("There is no such application."))
    return found


def approve(application: Application, ambassador_id: int) -> None:
    """Give a seat to a waiting or listed application's sender, who is enrolled already.

    Raises:
        ApplicationError: It is decided already.
        FullError: Every seat is taken.
    """
    _move(application, ApplicationState.APPROVED, OPEN, ambassador_id=ambassador_id)
    if not take_seat(application.campaign_id):
        raise FullError(
            _("Every seat is taken. Add seats on the application page, or use the waiting list.")
        )
    audit.record(
        "application.approve", "application", application.id, {"ambassador": ambassador_id}
    )
    _notify("ambassador.approved", application, ambassador=ambassador_id)


def take_seat(campaign_id: int) -> bool:
    """Take a seat of a campaign's application page; False if there is no page or none is free."""
    page = ApplicationPage
    seat = (
        sa.update(page)
        .where(
            page.campaign_id == campaign_id,
            sa.or_(page.capacity.is_(None), page.taken < page.capacity),
        )
        .values(taken=page.taken + 1)
        .returning(page.campaign_id)
    )
    return db.session.scalar(seat) is not None


def list_invited(campaign_id: int, sent: Sent, *, charter_id: int, brand: str) -> None:
    """Put somebody who was invited when every seat was taken on the waiting list.

    Who applied before keeps that application, which moves to the list if it waited or
    was declined.
    """
    digest, now = emails.digest(sent.email), clock.now()
    application_id = db.session.scalar(
        upsert_dialect()
        .insert(Application)
        .values(
            campaign_id=campaign_id, name=sent.name, email=sent.email, email_hash=digest,
            locale=sent.locale, kind=sent.kind, charter_id=charter_id, applied_at=now, answers=[],
            wants_messages=sent.wants_messages, state=ApplicationState.LISTED, state_since=now,
            turn=0, reason="",
        )
        .on_conflict_do_update(
            index_elements=["campaign_id", "email_hash"],
            set_={
                "state": ApplicationState.LISTED, "state_since": now,
                "turn": Application.turn + 1,
            },
            where=Application.state.in_((ApplicationState.WAITING, ApplicationState.DECLINED)),
        )
        .returning(Application.id)
    )  # fmt: skip
    if application_id is not None:
        _tell(get(application_id), "application_listed", brand=brand)


def decline(application: Application, *, reason: str, brand: str) -> None:
    """Refuse, with a reason that the person reads; the mail waits 15 minutes.

    Raises:
        InvalidInputError: There is no reason, or it is too long.
        ApplicationError: It is decided already.
    """
    said = " ".join(reason.split())
    if not said or len(said) > 500:
        detail = _("Write a reason of 1 to 500 letters: the person reads it.")
        raise InvalidInputError(detail, faults=[Fault("/reason", detail)])
    _move(application, ApplicationState.DECLINED, OPEN, reason=said)
    audit.record("application.decline", "application", application.id, {})
    _notify("application.declined", application)
    _tell(application, "application_declined", later=True, brand=brand, reason=said)


def put_on_list(application: Application, *, brand: str) -> None:
    """Keep a seat in mind for the person; raises ApplicationError unless it waits."""
    _move(application, ApplicationState.LISTED, (ApplicationState.WAITING,))
    audit.record("application.list", "application", application.id, {})
    _tell(application, "application_listed", later=True, brand=brand)


def take_back(application: Application) -> bool:
    """Let a refused or listed application wait again.

    Returns:
        Whether the mail had not gone out: then nobody was told.

    Raises:
        ApplicationError: It waits already, or is approved: an enrolment is ended, not undone.
    """
    withheld = outbox.withdraw(_key(application))
    _move(application, ApplicationState.WAITING, _DECIDED, reason="")
    audit.record("application.take_back", "application", application.id, {"told": not withheld})
    return withheld


def queue(
    campaign_id: int | None, state: ApplicationState, *, after: int = 0, limit: int = 20
) -> list[Application]:
    """Return applications in a state, the oldest first."""
    query = sa.select(Application).where(Application.state == state, Application.id > after)
    if campaign_id is not None:
        query = query.where(Application.campaign_id == campaign_id)
    return list(db.session.scalars(query.order_by(Application.id).limit(limit)))


def counts(campaign_id: int | None) -> dict[ApplicationState, int]:
    """Return how many applications stand in each state."""
    query = sa.select(Application.state, sa.func.count()).group_by(Application.state)
    if campaign_id is not None:
        query = query.where(Application.campaign_id == campaign_id)
    known = {row[0]: row[1] for row in db.session.execute(query)}
    return {state: known.get(state, 0) for state in ApplicationState}


def sweep() -> int:
    """Delete what did not lead to an enrolment within half a year; return how many."""
    gone = db.session.execute(
        sa.delete(Application).where(
            Application.state != ApplicationState.APPROVED,
            Application.state_since < clock.now() - KEPT_FOR,
        )
    )
    return affected(gone)


def _move(
    application: Application,
    to: ApplicationState,
    sources: tuple[ApplicationState, ...],
    **values: Any,
) -> None:
    """Move an application if it still stands where it may; whoever comes second is refused."""
    moved = db.session.scalar(
        sa.update(Application)
        .where(Application.id == application.id, Application.state.in_(sources))
        .values(state=to, state_since=clock.now(), turn=Application.turn + 1, **values)
        .returning(Application.id)
    )
    if moved is None:
        raise ApplicationError(_("This application was decided already."))
    db.session.refresh(application)


def _notify(event: str, application: Application, **more: int) -> None:
    """Tell other programs; names and addresses stay here."""
    said = {"application": application.id, "campaign": application.campaign_id, **more}
    endpoints.tell(event, [endpoints.Event(key=_key(application), data=said)])


def _key(application: Application) -> str:
    return f"application:{application.id}:{application.turn}"


def _tell(application: Application, message: str, *, later: bool = False, **said: Any) -> None:
    written = mails.render(message, locale=application.locale, name=application.name, **said)
    outbox.enqueue(
        "email",
        {"to": application.email, **written},
        key=_key(application),
        due_at=clock.now() + SECOND_THOUGHTS if later else None,
    )


def tell_approved(application: Application, *, brand: str, **said: Any) -> None:
    """Mail the welcome of an approved application."""
    _tell(application, "application_approved", brand=brand, **said)


def _question(said: dict[str, Any]) -> Question:
    return Question(
        kind=QuestionKind(said["kind"]), label_en=said["label_en"], label_fr=said["label_fr"],
        is_required=said["is_required"], choices_en=tuple(said["choices_en"]),
        choices_fr=tuple(said["choices_fr"]),
    )  # fmt: skip


def _require(setup: Setup) -> None:
    faults = [
        Fault(f"/{name}", _("Write it in both languages."))
        for name in ("title_en", "title_fr")
        if not getattr(setup, name)
    ]
    if bool(setup.intro_en) != bool(setup.intro_fr):
        empty = "intro_fr" if setup.intro_en else "intro_en"
        faults.append(Fault(f"/{empty}", _("Write it in both languages.")))
    if setup.capacity is not None and setup.capacity < 1:
        faults.append(Fault("/capacity", _("Write 1 or more, or leave it empty.")))
    if setup.is_open and charter.current() is None:
        faults.append(Fault("/is_open", _("Publish the charter first: people accept it here.")))
    for question in setup.questions:
        faults += _question_faults(question)
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)


def _question_faults(question: Question) -> list[Fault]:
    if not question.label_en or not question.label_fr:
        return [Fault("/questions", _("Write each question in both languages."))]
    if question.kind is not QuestionKind.CHOICE:
        return []
    if len(question.choices_en) < 2 or len(question.choices_en) != len(question.choices_fr):
        told = _("A choice needs at least two answers, as many in French as in English.")
        return [Fault("/questions", told)]
    return []
