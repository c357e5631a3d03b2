"""The forms of perks, vouchers and points, as a person writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    DateTimeLocalField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from ambassadors import program
from campaigns import campaigns
from campaigns import terms as campaign_terms
from campaigns.models import CampaignStatus
from core import clock, money
from core.errors import Fault, InvalidInputError
from core.money import POINTS
from integrations import cells
from referrals import codes
from rewards import perks, vouchers
from rewards.models import OfferStatus, Perk, PerkKind, VoucherKind
from rewards.wording_perks import PERK_KINDS, VOUCHER_KINDS
from rewards.wording_perks import name as name_of

DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}
WHOLE = {"inputmode": "numeric", "autocomplete": "off"}
NEEDED = _l("This field is needed.")
_MOST_CHOICES = 200  # campaigns or perks in a choice


class Named(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What perks and vouchers share."""

    name_fr = StringField(_l("Name in French"), [InputRequired(NEEDED), Length(max=120)])
    name_en = StringField(_l("Name in English"), [InputRequired(NEEDED), Length(max=120)])
    starts_on = DateField(_l("First day"), [Optional()])
    ends_on = DateField(_l("Last day"), [Optional()])
    campaign_id = SelectField(_l("Campaign"))

    def offer_campaigns(self) -> None:
        """Fill the choice of campaigns with those that have not ended."""
        known = campaigns.newest(limit=_MOST_CHOICES)
        self.campaign_id.choices = [SelectChoice("", _("none")), *(
            SelectChoice(str(one.id), one.name) for one in known
            if one.status is not CampaignStatus.ENDED
        )]  # fmt: skip

    def window(self) -> tuple[datetime | None, datetime | None]:
        """Return the first instant and the one after the last, as the days say."""
        zone = program.current().timezone
        return campaign_terms.window(self.starts_on.data, self.ends_on.data, zone)


class PerkForm(Named):
    """Everything a person decides of a perk."""

    kind = SelectField(
        _l("Kind"), choices=[SelectChoice(word.value, text) for word, text in PERK_KINDS.items()]
    )
    text_fr = TextAreaField(_l("Text in French"), [Length(max=500)])
    text_en = TextAreaField(_l("Text in English"), [Length(max=500)])
    price = StringField(_l("Price"), [InputRequired(NEEDED)], render_kw=DECIMAL)
    unit = SelectField(_l("Paid with"))
    stock = StringField(_l("Stock"), render_kw=WHOLE, description=_l("Leave empty for no limit."))
    per_person = StringField(
        _l("For one person"), render_kw=WHOLE, description=_l("Leave empty for no limit.")
    )
    cost = StringField(
        _l("Cost of one to the brand"),
        render_kw=DECIMAL,
        description=_l("It comes into the CAC report when points or a voucher paid for the perk."),
    )
    code_days = StringField(
        _l("Days that the code is valid"),
        render_kw=WHOLE,
        description=_l("Only for a reward code. Leave empty for no end."),
    )

    happens_at = DateTimeLocalField(
        _l("Day and hour"), [Optional()], format="%Y-%m-%dT%H:%M",
        description=_l("An experience begins, or early access opens."),
    )  # fmt: skip
    closes_at = DateTimeLocalField(
        _l("Early access is over"), [Optional()], format="%Y-%m-%dT%H:%M"
    )
    place = StringField(_l("Place of an experience"), [Length(max=200)])
    link = StringField(
        _l("Page of early access"), [Length(max=500)],
        description=_l("Only who has the perk sees it, and only in its time."),
        render_kw={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip

    def offer(self) -> None:
        """Fill the choices."""
        self.offer_campaigns()
        currency = program.current().currency
        self.unit.choices = [
            SelectChoice(POINTS, _("points")),
            SelectChoice(currency, _("balance, in %(currency)s", currency=currency)),
        ]

    def terms(self) -> perks.Terms:
        """Return the terms that the form tells.

        Raises:
            InvalidInputError: A figure that cannot be.
        """
        currency = program.current().currency
        unit = str(self.unit.data)
        starts_at, ends_at = self.window()
        price = whole(self, "price") if unit == POINTS else amount(self, "price", currency)
        return perks.Terms(
            kind=PerkKind(self.kind.data), name_en=self.name_en.data.strip(),
            name_fr=self.name_fr.data.strip(), text_en=(self.text_en.data or "").strip(),
            text_fr=(self.text_fr.data or "").strip(), price=price or 0, unit=unit,
            stock=whole(self, "stock"), per_person=whole(self, "per_person"),
            cost=amount(self, "cost", currency), campaign_id=chosen(self.campaign_id.data),
            code_days=whole(self, "code_days"), starts_at=starts_at, ends_at=ends_at,
            happens_at=_instant(self.happens_at.data), closes_at=_instant(self.closes_at.data),
            place=(self.place.data or "").strip(), link=(self.link.data or "").strip() or None,
        )  # fmt: skip


class VoucherForm(Named):
    """What a set of vouchers gives, and how many there are."""

    kind = SelectField(
        _l("Kind"), choices=[SelectChoice(word.value, text) for word, text in VOUCHER_KINDS.items()]
    )
    points = StringField(_l("Points"), render_kw=WHOLE)
    amount = StringField(_l("Amount on the balance"), render_kw=DECIMAL)
    perk_id = SelectField(_l("Perk"))
    count = StringField(_l("How many vouchers"), render_kw=WHOLE, default="1")
    text = StringField(
        _l("Code"), [Length(max=60)],
        description=_l("Empty: made at random, as it must be when one voucher carries value."),
    )  # fmt: skip
    pattern = StringField(
        _l("Pattern"), [Length(max=60)], default=codes.DEFAULT_PATTERN,
        description=_l("Each # is a random symbol."),
    )  # fmt: skip
    takes_limit = StringField(
        _l("People for each voucher"), render_kw=WHOLE, default="1",
        description=_l("Leave empty for no limit."),
    )  # fmt: skip
    per_person = StringField(
        _l("Vouchers for each person"), render_kw=WHOLE, default="1",
        description=_l("Leave empty for no limit."),
    )  # fmt: skip

    def offer(self) -> None:
        """Fill the choices."""
        self.offer_campaigns()
        known = [one for one in perks.newest() if one.status is OfferStatus.ACTIVE]
        self.perk_id.choices = [SelectChoice("", _("none"))]
        self.perk_id.choices += [SelectChoice(str(one.id), name_of(one)) for one in known]

    def terms(self) -> vouchers.Terms:
        """Return the terms that the form tells; raises InvalidInputError for a figure."""
        starts_at, ends_at = self.window()
        return vouchers.Terms(
            kind=VoucherKind(self.kind.data), name_en=self.name_en.data.strip(),
            name_fr=self.name_fr.data.strip(), points=whole(self, "points") or 0,
            amount=amount(self, "amount", program.current().currency),
            perk_id=chosen(self.perk_id.data), campaign_id=chosen(self.campaign_id.data),
            per_person=whole(self, "per_person"), starts_at=starts_at, ends_at=ends_at,
        )  # fmt: skip


class PointsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Points for one ambassador, and why."""

    ambassador = StringField(
        _l("Ambassador"), [InputRequired(NEEDED), Length(max=254)],
        description=_l("A code, an e-mail address or your own id."),
    )  # fmt: skip
    points = StringField(
        _l("Points"), [InputRequired(NEEDED)], render_kw=WHOLE,
        description=_l("Below zero takes points back, to correct a mistake."),
    )  # fmt: skip
    reason = TextAreaField(_l("Why"), [InputRequired(NEEDED), Length(max=500)])
    token = HiddenField(validators=[InputRequired(), Length(max=64)])


class RedeemForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """The one field that takes any code."""

    code = StringField(
        _l("Code"), [InputRequired(_l("Write the code that you were given.")), Length(max=100)],
        description=_l("Capitals, spaces and dashes do not matter."),
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )  # fmt: skip


class ReasonForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Why something is stopped or cancelled."""

    reason = StringField(_l("Why"), [InputRequired(NEEDED), Length(max=500)])


def of_perk(perk: Perk) -> dict[str, Any]:
    """Return a perk's terms as the form shows them."""
    currency = program.current().currency
    starts_on, ends_on = campaign_terms.days(
        perk.starts_at, perk.ends_at, program.current().timezone
    )
    is_points = perk.unit == POINTS
    return {
        "kind": perk.kind.value, "name_fr": perk.name_fr, "name_en": perk.name_en,
        "text_fr": perk.text_fr, "text_en": perk.text_en, "unit": perk.unit,
        "price": str(perk.price) if is_points else str(money.to_major(perk.price, perk.unit)),
        "stock": perk.stock, "per_person": perk.per_person, "code_days": perk.code_days,
        "cost": str(money.to_major(perk.cost, currency)) if perk.cost else "",
        "campaign_id": str(perk.campaign_id or ""), "starts_on": starts_on, "ends_on": ends_on,
        "happens_at": _local(perk.happens_at), "closes_at": _local(perk.closes_at),
        "place": perk.place, "link": perk.link or "",
    }  # fmt: skip


def _instant(local: datetime | None) -> datetime | None:
    """Return the instant of a day and hour in the program's time zone."""
    if local is None:
        return None
    try:
        return local.replace(tzinfo=clock.zone(program.current().timezone)).astimezone(UTC)
    except OverflowError:  # 1 January of year 1, east of Greenwich
        detail = _("“%(text)s” is not a date of our time.", text=local.date())
        raise InvalidInputError(detail, faults=[Fault("/happens_at", detail)]) from None


def _local(instant: datetime | None) -> datetime | None:
    zone = clock.zone(program.current().timezone)
    return instant.astimezone(zone).replace(tzinfo=None) if instant else None


def whole(form: Any, name: str) -> int | None:
    """Return the whole number of a field, or None where it is empty.

    Raises:
        InvalidInputError: Something else.
    """
    text = str(form[name].data or "").strip().replace("\N{MINUS SIGN}", "-")
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        detail = _("Write a whole number.")
        raise InvalidInputError(detail, faults=[Fault(f"/{name}", detail)])
    return int(text)


def amount(form: Any, name: str, currency: str) -> int:
    """Return the amount of a field in minor units; 0 where it is empty.

    Raises:
        InvalidInputError: Not an amount, or below zero.
    """
    text = str(form[name].data or "").strip()
    if not text:
        return 0
    try:
        found = cells.amount(text, currency, cells.decimal_sign([text])[0] or ".")
    except ValueError as error:
        raise InvalidInputError(f"{error}.", faults=[Fault(f"/{name}", f"{error}.")]) from None
    if found < 0:
        detail = _("The amount is above zero.")
        raise InvalidInputError(detail, faults=[Fault(f"/{name}", detail)])
    return found


def chosen(value: str | None) -> int | None:
    """Return the id of a choice, or None."""
    return int(value) if value and value.isdecimal() else None
