"""Social profiles: whose page it is, proven by a code in its bio.

The code is mailed to the applicant.  A person of the team looks at the page
and confirms, or lets the worker look; the page is fetched outside any
transaction, and what came of it is written only if it is still awaited.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models_recruiting import ProofState, SocialProfile
from core import clock
from core.db import db
from core.errors import ConflictError, NotFoundError

_SYMBOLS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 8  # symbols, 39 bits; a code proves one page of one applicant only
_OPEN = (ProofState.ASKED, ProofState.CHECKING, ProofState.MISSING, ProofState.UNREACHABLE)


class ProfileError(ConflictError):
    """The profile's state does not allow this."""


def begin(application_id: int, address: str) -> SocialProfile:
    """Keep the page that an applicant names, and make the code for its bio."""
    code = "cercle-" + "".join(secrets.choice(_SYMBOLS) for _n in range(_LENGTH))
    profile = SocialProfile(
        application_id=application_id, address=address, code=code, state=ProofState.ASKED,
        state_since=clock.now(),
    )  # fmt: skip
    db.session.add(profile)
    db.session.flush()  # the mail speaks of its code
    return profile


def of_applications(ids: Collection[int]) -> dict[int, SocialProfile]:
    """Return the profiles of applications, by application."""
    if not ids:
        return {}
    found = db.session.scalars(
        sa.select(SocialProfile).where(SocialProfile.application_id.in_(ids))
    )
    return {one.application_id: one for one in found}


def get(profile_id: int) -> SocialProfile:
    """Return a profile.

    Raises:
        NotFoundError: There is none of this id.
    """
    found = db.session.get(SocialProfile, profile_id)
    if found is None:
        raise NotFoundError(_("There is no such profile."))
    return found


def ask_check(profile: SocialProfile) -> None:
    """Let the worker look at the page; raises ProfileError if it is proven."""
    _move(profile.id, ProofState.CHECKING, _OPEN)


def confirm(profile: SocialProfile) -> None:
    """Note that a person saw the code; raises ProfileError if it is proven already."""
    _move(profile.id, ProofState.PROVEN, _OPEN)
    audit.record("profile.prove", "application", profile.application_id, {"how": "person"})


def awaited(*, after: int, limit: int = 20) -> list[SocialProfile]:
    """Return the profiles whose page is to be looked at."""
    query = sa.select(SocialProfile).where(
        SocialProfile.state == ProofState.CHECKING, SocialProfile.id > after
    )
    return list(db.session.scalars(query.order_by(SocialProfile.id).limit(limit)))


def settle(profile_id: int, *, application_id: int, is_there: bool | None) -> bool:
    """Write what a look at the page showed, if it is still awaited; tell whether it was.

    Args:
        profile_id: Whose page.
        application_id: Of whom.
        is_there: Whether the code was on it; None if the page did not show itself.
    """
    states = {True: ProofState.PROVEN, False: ProofState.MISSING, None: ProofState.UNREACHABLE}
    try:
        _move(profile_id, states[is_there], (ProofState.CHECKING,))
    except ProfileError:
        return False
    if is_there:
        audit.record("profile.prove", "application", application_id, {"how": "page"})
    return True


def _move(profile_id: int, to: ProofState, sources: tuple[ProofState, ...]) -> None:
    moved = db.session.scalar(
        sa.update(SocialProfile)
        .where(SocialProfile.id == profile_id, SocialProfile.state.in_(sources))
        .values(state=to, state_since=clock.now())
        .returning(SocialProfile.id)
    )
    if moved is None:
        raise ProfileError(_("This profile is proven already."))
