"""Recruiting: an approved application becomes an ambassador with a code, a link and a way in."""

from __future__ import annotations

from flask_babel import gettext as _

from ambassadors import applications, enrolment, members, program
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus
from ambassadors.models_recruiting import Application
from campaigns.models import Campaign, CampaignStatus
from core.db import db
from core.errors import ConflictError
from referrals import codes, consents, given_codes


def approve(application: Application) -> Ambassador:
    """Enrol the sender with a code and a link in the campaign, take a seat, and mail both.

    A person who is an ambassador already joins the campaign with what they have.

    Raises:
        ApplicationError: It is decided already.
        FullError: Every seat is taken.
        ConflictError: They are suspended or left, the campaign has ended, or their address
            belongs to somebody's account.
    """
    campaign = db.session.get_one(Campaign, application.campaign_id)
    if campaign.status is CampaignStatus.ENDED:
        raise ConflictError(_("This campaign has ended: nobody can join it."))
    person = members.Person(
        name=application.name, email=application.email, locale=application.locale
    )
    ambassador = enrolled(person, application.kind)
    applications.approve(application, ambassador.id)
    if application.wants_messages:  # ticked on the page: the word and its day are kept
        consents.record([
            consents.Word(
                email=application.email, may_write=True, said_at=application.applied_at,
                told_by=f"application:{application.id}",
            )
        ])  # fmt: skip
    code = code_in(ambassador, campaign)
    applications.tell_approved(
        application, brand=program.current().name, campaign=campaign.name, code=code
    )
    if ambassador.user_id is None:
        enrolment.give_access(ambassador)
    return ambassador


def enrolled(
    person: members.Person, kind: AmbassadorKind, *, invited_by_id: int | None = None
) -> Ambassador:
    """Return the active ambassador of a mailbox, enrolled now if they are none.

    Raises:
        ConflictError: They are suspended, or left: a person decides that first.
    """
    member = members.find(email=person.email) or members.create(person)
    ambassador = member.ambassador
    if ambassador is None:
        return enrolment.enrol(member, kind=kind, invited_by_id=invited_by_id)
    if ambassador.status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}:
        raise ConflictError(
            _("This ambassador is suspended or has left. Activate them on their page first.")
        )
    if ambassador.status is AmbassadorStatus.INVITED:
        enrolment.reactivate(ambassador)
    return ambassador


def code_in(ambassador: Ambassador, campaign: Campaign) -> str:
    """Return the ambassador's code in a campaign, given now with a link if they have none."""
    given = given_codes.on_joining([ambassador.id], campaign).get(ambassador.id)
    if given is not None:
        return given
    own = codes.of_ambassador(ambassador.id)
    return next(one.text for one in own if one.campaign_id == campaign.id)
