"""The door on which anyone joins: with a code that they type, or by the link of an invitation.

A code says what it stands for before anything is asked.  Then its holder's
mailbox has to answer: the link that makes somebody an ambassador goes there, so
nobody is enrolled by a stranger, no place is taken by an address that does not
exist, and the page tells nobody who is known.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

from accounts import mails as account_mails
from accounts import permissions, security
from accounts.forms import AddressForm, ButtonForm
from ambassadors import charter, program
from ambassadors.models_recruiting import Charter
from core import emails, forms, i18n, limits, mails
from core.db import db, retried, writing
from core.errors import ConflictError, DomainError, NotFoundError, TooManyError
from referrals import invitations
from referrals.invitations import OverError
from referrals.invitees import Invitee, Target
from referrals.models_invitations import Invitation
from rewards import invitation_codes, joining
from rewards import wording_perks as wording
from rewards.forms_joining import AcceptForm, AskForm, for_charter
from rewards.forms_perks import RedeemForm
from rewards.models import Voucher, VoucherBatch
from rewards.vouchers import NoVoucherError

_LIMITS = ((10, timedelta(minutes=1)), (100, timedelta(hours=1)))  # checks of a network; trust.md
_QUARTER = timedelta(minutes=15)
_HALF_AN_HOUR = 1800  # seconds for which a checked code stays checked

door = permissions.guard(Blueprint("joining", __name__), permissions.PUBLIC)


@door.get("/join")
def show() -> ResponseReturnValue:
    """Show the field for a code, filled in where the address brings one."""
    form = RedeemForm(formdata=None)
    form.code.data = request.args.get("code", "")[:100]
    return render_template("rewards/public_join/code.html", form=form)


@door.post("/join")
def check() -> ResponseReturnValue:
    """Look a code up, and lead to the page of what it stands for."""
    form = RedeemForm()
    if form.validate_on_submit():
        caller = limits.network(request.remote_addr)
        for most, per in _LIMITS:
            limits.hit("invitation_check", caller, limit=most, per=per)
        try:
            found = invitation_codes.check(form.code.data)
        except NoVoucherError as error:
            form.code.errors = [error.detail]
        else:
            return redirect(url_for(".who", token=_signer().dumps(found.id)), code=303)
    return render_template("rewards/public_join/code.html", form=form), 422


@door.get("/join/ask")
def who() -> ResponseReturnValue:
    """Say what the code that was just typed stands for, and ask who would like to join.

    The page has an address of its own, so that a browser's Back finds it again.
    """
    voucher = _checked(request.args.get("token"))
    version = _version(charter.current())
    form = for_charter(AskForm(formdata=None), version)
    form.version.data, form.token.data = str(version or ""), request.args["token"]
    return _asked(form, voucher)


@door.post("/join/ask")
@retried
def ask() -> ResponseReturnValue:
    """Mail the link that joins; everybody gets the same answer."""
    agreed = charter.current()
    form = for_charter(AskForm(), _version(agreed))
    voucher = _checked(form.token.data)
    if not form.validate_on_submit():
        return _asked(form, voucher), 422
    try:
        _require_room(form.email.data)
        voucher = _checked(form.token.data)  # the count above ended what was read
        _require_shown(form, agreed)
        _ask(form, voucher, agreed)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        wait = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyError) else {}
        return _asked(form, _checked(form.token.data)), error.status, wait
    return redirect(url_for(".sent"), code=303)


@door.get("/join/sent")
def sent() -> ResponseReturnValue:
    """Say that a mail is on its way, to everybody in the same words."""
    return render_template("rewards/public_join/sent.html")


@door.get("/invitation/<token>")
def read(token: str) -> ResponseReturnValue:
    """Show what an invitation stands for; opening it uses nothing up."""
    try:
        invitation = invitations.of_token(token)
    except OverError as error:
        return _over(error)
    with writing():
        invitations.note_opened(invitation)
        db.session.commit()
    form = AcceptForm(formdata=None)
    form.name.data = invitation.name
    return _invitation(form, invitations.of_token(token), token)


@door.post("/invitation/<token>")
@retried
def accept(token: str) -> ResponseReturnValue:
    """Make the reader an ambassador, and let them in."""
    try:
        invitation = invitations.of_token(token)
        form = for_charter(AcceptForm(), _to_accept(invitation))
        if not form.validate_on_submit():
            return _invitation(form, invitation, token), 422
        joined = joining.accept(token, form.said())
        answer = _let_in(joined)
        db.session.commit()
    except OverError as error:
        db.session.rollback()
        return _over(error)
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return _invitation(form, invitations.of_token(token), token), error.status
    return answer


@door.post("/invitation/<token>/no")
def decline(token: str) -> ResponseReturnValue:
    """End the invitation; nobody writes to this address any more."""
    form = ButtonForm()
    if not form.validate_on_submit():
        raise NotFoundError(_("There is nothing at this address."))
    try:
        invitations.decline(token)
    except OverError as error:
        return _over(error)
    db.session.commit()
    return render_template("rewards/public_join/declined.html")


def _let_in(joined: joining.Joined) -> ResponseReturnValue:
    """Sign the new ambassador in, or mail the way in to whose account is theirs alone."""
    if joined.user is None:
        return render_template("rewards/public_join/waits.html")
    if not joined.may_come_in:
        account_mails.sign_in_link(joined.user)
        return render_template("rewards/public_join/sent.html")
    security.sign_in(joined.user)
    flash(_("Welcome. Your place is yours."))
    return redirect("/portal/", code=303)


def _ask(form: AskForm, voucher: Voucher, agreed: Charter | None) -> None:
    email = str(form.email.data).strip()
    person = Invitee(
        email=email, name=" ".join(form.name.data.split()), digest=emails.digest(email) or ""
    )
    locale, batch = i18n.language(), voucher.batch
    token = invitations.ask(
        person, voucher.id, locale=locale, charter_id=agreed.id if agreed else None
    )
    if token is None:
        return
    mails.enqueue(
        "join_link", to=email, locale=locale, key=f"join:{limits.digest('join', token)}",
        name=person.name, brand=program.current().name, link=invitations.link(token),
        what=wording.name(batch), hours=invitations.ASKED_LASTS // timedelta(hours=1),
    )  # fmt: skip


def _require_shown(form: AskForm, agreed: Charter | None) -> None:
    """Refuse an agreement to a charter that is another by now."""
    if agreed is not None and form.charter_version() != agreed.version:
        form.version.data = str(agreed.version)
        raise ConflictError(
            _("The charter has changed since you opened this page. Please read it again.")
        )


def _require_room(email: str) -> None:
    """Count a mail for the network and for the address, together with sign-in links.

    Raises:
        TooManyError: Either has had too many.
    """
    limits.hit("mail_from", limits.network(request.remote_addr), limit=20, per=_QUARTER)
    limits.hit("mail_to", email.strip().lower(), limit=3, per=_QUARTER)


def _checked(token: str | None) -> Voucher:
    """Return the invitation that was checked a moment ago, open or not: its link decides.

    Raises:
        NotFoundError: None was.
    """
    try:
        voucher_id = _signer().loads(token or "", max_age=_HALF_AN_HOUR)
    except (BadSignature, ValueError, TypeError):
        voucher_id = None
    found = db.session.get(Voucher, voucher_id) if isinstance(voucher_id, int) else None
    if found is None:
        raise NotFoundError(_("This page was open for too long. Type the code again."))
    return found


def _asked(form: AskForm, voucher: Voucher) -> str:
    return render_template(
        "rewards/public_join/ask.html",
        form=form, batch=voucher.batch, gifts=wording.gifts(voucher.batch), code=voucher.text,
        version=_version(charter.current()), words=wording,
    )  # fmt: skip


def _invitation(form: AcceptForm, invitation: Invitation, token: str) -> str:
    version = _to_accept(invitation)
    if "charter" in form:
        form = for_charter(form, version)
        form.version.data = str(version or "")
    batch = _batch(invitation)
    target = Target(campaign_id=invitation.campaign_id, circle_id=invitation.circle_id)
    return render_template(
        "rewards/public_join/invitation.html",
        form=form, no=ButtonForm(formdata=None), token=token, version=version,
        what=wording.name(batch) if batch else invitations.title(target),
        gifts=wording.gifts(batch) if batch else [], until=invitation.expires_at,
    )  # fmt: skip


def _batch(invitation: Invitation) -> VoucherBatch | None:
    if invitation.voucher_id is None:
        return None
    return db.session.get_one(Voucher, invitation.voucher_id).batch


def _to_accept(invitation: Invitation) -> int | None:
    """Return the version of the charter that the reader has not accepted yet, or None."""
    agreed = charter.current()
    return None if agreed is None or agreed.id == invitation.charter_id else agreed.version


def _version(agreed: Charter | None) -> int | None:
    return agreed.version if agreed else None


def _over(error: OverError) -> ResponseReturnValue:
    page = render_template("rewards/public_join/over.html", form=AddressForm(), why=error.detail)
    return page, error.status


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt="join")
