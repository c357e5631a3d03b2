"""The forms of missions and badges, as a person writes them."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from ambassadors import program
from rewards import badges, missions, perks
from rewards.forms_perks import DECIMAL, NEEDED, WHOLE, Named, amount, chosen, whole
from rewards.models import OfferStatus
from rewards.models_missions import Proof
from rewards.wording_missions import PROOFS
from rewards.wording_missions import name as name_of_badge
from rewards.wording_perks import name as name_of


class MissionForm(Named):
    """Everything a person decides of a mission."""

    text_fr = TextAreaField(_l("What to do, in French"), [InputRequired(NEEDED), Length(max=1000)])
    text_en = TextAreaField(_l("What to do, in English"), [InputRequired(NEEDED), Length(max=1000)])
    proof = SelectField(
        _l("How it is proven"),
        choices=[SelectChoice(word.value, text) for word, text in PROOFS.items()],
    )
    goal = StringField(
        _l("Purchases to reach"), render_kw=WHOLE,
        description=_l("For a number of purchases. A tier's first purchase makes it a tier bonus."),
    )  # fmt: skip
    code = StringField(
        _l("Code of the check-in"), [Length(max=60)],
        description=_l("For a code told on the spot. Capitals, spaces and dashes do not matter."),
    )  # fmt: skip
    amount = StringField(_l("Amount on the balance"), render_kw=DECIMAL)
    points = StringField(_l("Points"), render_kw=WHOLE)
    perk_id = SelectField(_l("Perk"))
    badge_id = SelectField(_l("Badge"))
    takes_limit = StringField(
        _l("People to whom it gives, at most"), render_kw=WHOLE,
        description=_l("Leave empty for no limit."),
    )  # fmt: skip
    budget = StringField(
        _l("Budget"), render_kw=DECIMAL, description=_l("Leave empty for no limit.")
    )

    def offer(self) -> None:
        """Fill the choices."""
        self.offer_campaigns()
        known = [one for one in perks.newest() if one.status is OfferStatus.ACTIVE]
        none = SelectChoice("", _("none"))
        self.perk_id.choices = [none, *(SelectChoice(str(p.id), name_of(p)) for p in known)]
        self.badge_id.choices = [
            none, *(SelectChoice(str(b.id), name_of_badge(b)) for b, _n in badges.everything())
        ]  # fmt: skip

    def terms(self) -> missions.Terms:
        """Return the terms that the form tells; raises InvalidInputError for a figure."""
        currency = program.current().currency
        starts_at, ends_at = self.window()
        return missions.Terms(
            campaign_id=chosen(self.campaign_id.data) or 0, proof=Proof(self.proof.data),
            name_en=self.name_en.data.strip(), name_fr=self.name_fr.data.strip(),
            text_en=self.text_en.data.strip(), text_fr=self.text_fr.data.strip(),
            goal=whole(self, "goal") if self.proof.data == Proof.PURCHASES else None,
            code=self.code.data or "", amount=amount(self, "amount", currency),
            points=whole(self, "points") or 0, perk_id=chosen(self.perk_id.data),
            badge_id=chosen(self.badge_id.data), starts_at=starts_at, ends_at=ends_at,
            takes_limit=whole(self, "takes_limit"),
            budget=amount(self, "budget", currency) or None,
        )  # fmt: skip


class ProofForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """The proof of a mission: an address or a code."""

    text = StringField(
        _l("Address or code"),
        [InputRequired(_l("Write the address or the code.")), Length(max=500)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip


class BadgeForm(FlaskForm):  # type: ignore[misc]
    """The name of a badge."""

    name_fr = StringField(_l("Name in French"), [InputRequired(NEEDED), Length(max=60)])
    name_en = StringField(_l("Name in English"), [InputRequired(NEEDED), Length(max=60)])


class WhoForm(FlaskForm):  # type: ignore[misc]
    """One ambassador."""

    ambassador = StringField(
        _l("Ambassador"), [InputRequired(NEEDED), Length(max=254)],
        description=_l("A code, an e-mail address or your own id."),
    )  # fmt: skip
