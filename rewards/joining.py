"""Joining: an invitation's link makes its reader an ambassador, once.

The link is used up in the same transaction that enrols, gives the code, takes
the seat and writes the welcome, so whoever comes second, or taps twice, finds
it used.  Where a campaign's seats are taken its reader waits on the list.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from accounts import audit, users
from accounts.models import User
from ambassadors import applications, charter, circles, enrolment, members, program
from ambassadors.models import Ambassador, AmbassadorStatus, Circle, SeatState
from ambassadors.models_recruiting import Charter
from campaigns.models import Campaign, CampaignStatus
from core import mails
from core.db import db
from core.errors import ConflictError, Fault, InvalidInputError
from referrals import codes, invitations, recruiting
from referrals.models_invitations import Invitation
from rewards import vouchers
from rewards.models import Voucher
from rewards.purse import RestingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says when they accept."""

    name: str
    locale: str  # en or fr
    charter_version: int | None  # the one they accept now; None if they did before


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What came of it; nobody is an ambassador yet who waits for a campaign's seat."""

    ambassador: Ambassador | None
    user: User | None = None
    email: str = ""

    @property
    def may_come_in(self) -> bool:
        """Tell whether the link alone opens the account: it is new, or of this very address.

        An account with a password, a colleague's, and one of another spelling of the
        address are their owner's, who gets a sign-in link by mail instead.
        """
        user = self.user
        return (
            user is not None and user.active and not enrolment.has_own_account(user)
            and user.email == self.email.strip().lower()
        )  # fmt: skip


def accept(token: str, said: Said) -> Joined:
    """Make the reader of an invitation an ambassador, with what it stands for.

    Raises:
        OverError: The link was used, is too old, or was withdrawn.
        NoVoucherError: Every place of the code was taken meanwhile.
        HadYoursError: The code gives them nothing that they do not have.
        RestingError: They are suspended, or left: a person decides that first.
        InvalidInputError: The name cannot be, or the charter is another by now.
        ConflictError: The campaign has ended, or the address is somebody's account.
    """
    invitation = invitations.take(token)
    agreed = _agreed(invitation, said)
    invitation.charter_id = agreed.id if agreed else None
    person = members.checked(
        members.Person(name=said.name, email=invitation.email, locale=said.locale)
    )
    known = members.find(email=invitation.email)
    before = known.ambassador if known else None
    if before and before.status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}:
        raise RestingError(_("Your part in the program rests, so nothing can be taken now."))
    campaign = _campaign(invitation)
    if campaign and agreed and not _is_in(before, campaign.id) and not _has_seat(campaign.id):
        _wait(invitation, person, said, campaign.id, agreed)
        return Joined(ambassador=None)
    voucher = db.session.get(Voucher, invitation.voucher_id) if invitation.voucher_id else None
    inviter_id = voucher.batch.inviter_id if voucher else None
    ambassador = recruiting.enrolled(person, invitation.kind, invited_by_id=inviter_id)
    if voucher:
        vouchers.take(voucher.id, ambassador.id, is_new=before is None)
    invitation.ambassador_id = ambassador.id
    _settle(ambassador, invitation, said, voucher)
    known_user = users.load(ambassador.user_id) if ambassador.user_id else None
    return Joined(
        ambassador=ambassador, user=known_user or enrolment.link_account(ambassador),
        email=invitation.email,
    )  # fmt: skip


def _settle(
    ambassador: Ambassador, invitation: Invitation, said: Said, voucher: Voucher | None
) -> None:
    """Give the code and the seat, keep what was said of messages, and write the welcome."""
    batch = voucher.batch if voucher else None
    campaign_id = invitation.campaign_id or (batch.campaign_id if batch else None)
    circle_id = invitation.circle_id or (batch.circle_id if batch else None)
    campaign = db.session.get(Campaign, campaign_id) if campaign_id else None
    circle = db.session.get(Circle, circle_id) if circle_id else None
    code = recruiting.code_in(ambassador, campaign) if campaign else None
    seat = circles.join(circle, ambassador.member_id) if circle else None
    audit.record(
        "invitation.accept", "invitation", invitation.id,
        {"ambassador": ambassador.id, "target": invitation.target},
    )  # fmt: skip
    mails.enqueue(
        "joined", to=invitation.email, locale=said.locale, key=f"joined:{invitation.id}",
        name=ambassador.member.name, brand=program.current().name, code=code,
        campaign=campaign.name if campaign else "", circle=circle.name if circle else "",
        waits=seat is SeatState.WAITING,
    )  # fmt: skip


def _agreed(invitation: Invitation, said: Said) -> Charter | None:
    """Return the charter that the reader accepts, now or when they asked for the link.

    Raises:
        InvalidInputError: It is not the one in force.
    """
    wanted = charter.current()
    if wanted is None or invitation.charter_id == wanted.id:
        return wanted
    if wanted.version != said.charter_version:
        detail = _("The charter has changed since you opened this page. Please read it again.")
        raise InvalidInputError(detail, faults=[Fault("/charter", detail)])
    return wanted


def _campaign(invitation: Invitation) -> Campaign | None:
    if invitation.campaign_id is None:
        return None
    campaign = db.session.get_one(Campaign, invitation.campaign_id)
    if campaign.status is CampaignStatus.ENDED:
        raise ConflictError(_("This campaign has ended: nobody can join it."))
    return campaign


def _is_in(ambassador: Ambassador | None, campaign_id: int) -> bool:
    """Tell whether somebody joined a campaign by another way meanwhile, and has a seat."""
    own = codes.of_ambassador(ambassador.id) if ambassador else []
    return any(one.campaign_id == campaign_id for one in own)


def _has_seat(campaign_id: int) -> bool:
    """Take a seat where the campaign counts them; True where it does not."""
    return applications.page_of(campaign_id) is None or applications.take_seat(campaign_id)


def _wait(
    invitation: Invitation, person: members.Person, said: Said, campaign_id: int, agreed: Charter
) -> None:
    sent = applications.Sent(
        name=person.name, email=invitation.email, locale=said.locale, kind=invitation.kind,
        charter_version=agreed.version,
    )  # fmt: skip
    brand = program.current().name
    applications.list_invited(campaign_id, sent, charter_id=agreed.id, brand=brand)
    audit.record("invitation.wait", "invitation", invitation.id, {"campaign": campaign_id})
