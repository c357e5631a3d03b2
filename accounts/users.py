"""People who can sign in: made by an operator or an admin, never by themselves.

Whatever changes what a person may do (roles, suspension, a new password) ends
every session and withdraws every one-time link of that person.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Set

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_security.utils import hash_password, verify_password

from accounts import audit, links, sessions
from accounts.models import Role, RoleName, User
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

STAFF_ROLES = (RoleName.ADMIN, RoleName.MARKETER, RoleName.FINANCE)
SHORTEST_PASSWORD = 12  # characters; NIST SP 800-63B asks for length, not for symbols
LONGEST_PASSWORD = 200


def create(email: str, *, roles: Set[RoleName], name: str = "", locale: str | None = None) -> User:
    """Add a person without a password; a one-time link lets them set one.

    Args:
        email: Where our mail reaches them; compared without regard to case.
        roles: At least one.
        name: As it is shown to colleagues.
        locale: `en` or `fr`, the language of their pages and mail.

    Raises:
        InvalidInputError: Not an address, or no role.
        ConflictError: Somebody signs in with this address already.
    """
    address = normal_email(email)
    if not roles:
        raise InvalidInputError(_("Choose at least one role."))
    if find(address) is not None:
        raise ConflictError(_("Somebody signs in with this e-mail address already."))
    user = User(
        email=address, name=name.strip(), locale=locale, active=True, confirmed_at=None,
        fs_uniquifier=secrets.token_hex(32), created_at=clock.now(), roles=_roles(roles),
    )  # fmt: skip
    db.session.add(user)
    try:
        db.session.flush()  # the audit line names its id
    except sa.exc.IntegrityError:  # somebody was quicker
        raise ConflictError(_("Somebody signs in with this e-mail address already.")) from None
    audit.record("user.create", "user", user.id, {"roles": sorted(roles)})
    return user


def link_ambassador_user(email: str, *, name: str = "", locale: str | None = None) -> User:
    """Return the person of this address with the role ambassador, made if need be.

    For whoever enrols an ambassador: store the id on the ambassador.

    Raises:
        InvalidInputError: Not an address.
    """
    user = find(normal_email(email))
    if user is None:
        return create(email, roles={RoleName.AMBASSADOR}, name=name, locale=locale)
    roles = roles_of(user)
    if RoleName.AMBASSADOR not in roles:
        set_roles(user, roles | {RoleName.AMBASSADOR})
    return user


def find(email: str) -> User | None:
    """Return the person of an address, whatever its case."""
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def load(user_id: int) -> User:
    """Return a person.

    Raises:
        NotFoundError: There is none with this id.
    """
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFoundError(_("There is no such person."))
    return user


def everyone(*, role: RoleName | None = None) -> list[User]:
    """Return the staff, or the people of one role, by address."""
    names = [role.value] if role else [name.value for name in STAFF_ROLES]
    query = sa.select(User).where(User.roles.any(Role.name.in_(names))).order_by(User.email)
    return list(db.session.scalars(query))


def named(user_ids: Set[int]) -> list[User]:
    """Return the people of these ids, those that exist."""
    return list(db.session.scalars(sa.select(User).where(User.id.in_(user_ids))))


def actor_names(actors: Iterable[str]) -> dict[str, str]:
    """Return the present names of those whom the audit log calls `user:7` or `operator`."""
    ids = {actor.removeprefix("user:") for actor in actors if actor.startswith("user:")}
    people = named({int(text) for text in ids if text.isdigit()})
    names = {f"user:{user.id}": user.name or user.email for user in people}
    return {"operator": _("Operator")} | names


def roles_of(user: User) -> frozenset[RoleName]:
    """Return the roles of a person."""
    return frozenset(RoleName(role.name) for role in user.roles)


def set_roles(user: User, roles: Set[RoleName]) -> None:
    """Give a person exactly these roles; their sessions end.

    Raises:
        InvalidInputError: No role.
        ConflictError: Nobody would be left who administers the program.
    """
    before = roles_of(user)
    if roles == before:
        return
    if not roles:
        raise InvalidInputError(_("Choose at least one role."))
    if RoleName.ADMIN in before - roles:
        _require_other_admin(user)
    user.roles = _roles(roles)
    revoke(user)
    details = {"before": sorted(before), "after": sorted(roles)}
    audit.record("user.roles", "user", user.id, details)


def suspend(user: User) -> None:
    """Keep a person out until `restore`.

    Raises:
        ConflictError: Nobody would be left who administers the program.
    """
    if RoleName.ADMIN in roles_of(user):
        _require_other_admin(user)
    user.active = False
    revoke(user)
    audit.record("user.suspend", "user", user.id, {})


def restore(user: User) -> None:
    """Let a suspended person in again."""
    user.active = True
    audit.record("user.restore", "user", user.id, {})


def end_sessions(user: User) -> int:
    """Sign a person out everywhere; return how many sessions there were."""
    ended = revoke(user)
    audit.record("user.end_sessions", "user", user.id, {"sessions": ended})
    return ended


def set_password(user: User, password: str) -> None:
    """Give a person a new password; their sessions end.

    Raises:
        InvalidInputError: Too short, too long, or easy to guess.
    """
    user.password = hash_password(_good_password(user, password))
    user.confirmed_at = user.confirmed_at or clock.now()  # the link came by their mail
    revoke(user)
    audit.record("user.password", "user", user.id, {})


def has_password(user: User | None, password: str) -> bool:
    """Tell whether this is the person's password; as slow for nobody as for somebody."""
    text = _normal_password(password)
    if user is None or not user.active or not user.password:
        hash_password(text)
        return False
    return bool(verify_password(text, user.password))


def revoke(user: User) -> int:
    """End the sessions and links of a person; return how many sessions there were."""
    user.fs_uniquifier = secrets.token_hex(32)
    links.withdraw(user.id)
    return sessions.end_all(user.id)


def normal_email(email: str) -> str:
    """Return an address as it is stored.

    Raises:
        InvalidInputError: Not an address.
    """
    try:
        known = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        said = _("Enter an e-mail address such as name@example.com.")
        raise InvalidInputError(said, faults=[Fault("/email", said)]) from None
    return known.normalized.lower()


def _roles(names: Set[RoleName]) -> list[Role]:
    """Return the rows of these roles, made on first use."""
    rows = [{"name": name.value} for name in sorted(names)]
    db.session.execute(
        upsert_dialect().insert(Role).values(rows).on_conflict_do_nothing(index_elements=["name"])
    )
    wanted = [name.value for name in names]
    return list(db.session.scalars(sa.select(Role).where(Role.name.in_(wanted))))


def _require_other_admin(user: User) -> None:
    """Refuse to leave the program without an administrator."""
    others = sa.select(User.id).where(
        User.id != user.id, User.active.is_(True), User.roles.any(Role.name == RoleName.ADMIN.value)
    )
    if db.session.scalar(others.with_for_update().limit(1)) is None:
        raise ConflictError(_("Make somebody else an administrator first."))


def _good_password(user: User, password: str) -> str:
    text = _normal_password(password)
    said = None
    if len(text) < SHORTEST_PASSWORD:
        said = _("Use at least %(n)s characters; a few words are good.", n=SHORTEST_PASSWORD)
    elif len(text) > LONGEST_PASSWORD:
        said = _("Use at most %(n)s characters.", n=LONGEST_PASSWORD)
    elif len(set(text)) < 5 or text.lower() in {user.email, user.name.lower()}:
        said = _("This password is easy to guess. Choose a few words instead.")
    if said:
        raise InvalidInputError(said, faults=[Fault("/password", said)])
    return text


def _normal_password(password: str) -> str:
    """Return one spelling of a password however a keyboard composed its accents."""
    return unicodedata.normalize("NFKC", password)
