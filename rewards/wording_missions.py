"""Missions and badges in words."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext, ngettext

from campaigns import wording as campaign_words
from core import i18n
from rewards import wording_perks
from rewards.models_missions import Badge, Mission, Proof, TakeState

PROOFS = {
    Proof.CONTENT: _l("A link to what they published, looked at by the team"),
    Proof.PURCHASES: _l("A number of purchases through them"),
    Proof.CHECK_IN: _l("A code told on the spot"),
    Proof.HAND: _l("The team says so"),
}
STATES = {  # words and the look of their pill
    TakeState.WAITING: (_l("the team looks at it"), "pending"),
    TakeState.DONE: (lazy_pgettext("mission", "done"), "good"),
    TakeState.DECLINED: (lazy_pgettext("mission", "declined"), "watch"),
    TakeState.REVERSED: (lazy_pgettext("mission", "taken back"), "clawed"),
}


def name(thing: Mission | Badge) -> str:
    """Return the name in the reader's language."""
    return i18n.words(en=thing.name_en, fr=thing.name_fr)


def text(mission: Mission) -> str:
    """Return what to do, in the reader's language."""
    return i18n.words(en=mission.text_en, fr=mission.text_fr)


def gifts(mission: Mission) -> list[str]:
    """Return what a mission gives, a line each."""
    found = []
    if mission.amount:
        amount = i18n.money(mission.amount, mission.currency)
        found.append(str(_("%(amount)s on your balance", amount=amount)))
    if mission.points:
        found.append(campaign_words.points(mission.points))
    if mission.perk is not None:
        found.append(wording_perks.name(mission.perk))
    if mission.badge is not None:
        found.append(str(_("the badge “%(name)s”", name=name(mission.badge))))
    return found


def proof(mission: Mission) -> str:
    """Return how an ambassador shows that it is done."""
    if mission.proof is Proof.PURCHASES:
        return str(ngettext(
            "Counted by itself from %(count)s purchase on, once it can no longer be returned.",
            "Counted by itself from %(count)s purchases on, once they can no longer be returned.",
            mission.goal or 0, count=i18n.number(mission.goal or 0),
        ))  # fmt: skip
    return str({
        Proof.CONTENT: _("Hand in the address of what you published. Say that you are rewarded."),
        Proof.CHECK_IN: _("Enter the code that you are told on the spot."),
        Proof.HAND: _("The team notes it; you have nothing to hand in."),
    }[mission.proof])  # fmt: skip
