"""Circles, segments and a message of the demo brand, as they stand today."""

from __future__ import annotations

from ambassadors import circles, enrolment, guard, segments, tags
from ambassadors.audiences import Audience
from ambassadors.segments import Rule
from campaigns import messages
from campaigns.messages import Draft

FIRST_CIRCLE = 12  # ambassadors
TASTERS = 10  # seats of the panel
_PANEL = "Panel de dégustation / Tasting panel"


def tell(ambassador_ids: list[int]) -> None:
    """Tell who belongs where.

    Args:
        ambassador_ids: In the order of joining.
    """
    member_ids = [enrolment.get(one).member_id for one in ambassador_ids]
    _circles(member_ids)
    _segments()
    tags.tag(member_ids[1:30:4], "pistache")
    tags.tag(member_ids[2:40:6], "presse locale")
    guard.gave(member_ids[:FIRST_CIRCLE], what="Coffret découverte", key="demo:box")
    messages.create(_message())


def _circles(member_ids: list[int]) -> None:
    first = circles.create(
        "Premier cercle / First circle", purpose="Les premières personnes qui nous ont recommandés."
    )
    panel = circles.create(
        _PANEL, purpose="Goûte les parfums avant tout le monde.", capacity=TASTERS
    )
    for member_id in member_ids[:FIRST_CIRCLE]:
        circles.join(first, member_id)
    for member_id in member_ids[3:28:2]:
        circles.join(panel, member_id)


def _segments() -> None:
    for name, rule in (
        ("Trois achats en 90 jours / Three purchases in 90 days", Rule(brought_at_least=3)),
        ("Silence de 60 jours / Silent for 60 days", Rule(silent_days=60, statuses=("active",))),
        ("Micro-créateurs en Suisse / Swiss micro-creators",
         Rule(kinds=("micro_creator",), countries=("CH",))),
    ):  # fmt: skip
        segments.create(name, rule)


def _message() -> Draft:
    return Draft(
        name="Poire d’automne / Autumn pear",
        subject_fr="{first_name}, la poire d’automne est là",
        body_fr=(
            "Bonjour {first_name},\n\nLa première tournée de poire sort demain. Avant de "
            "l’annoncer, nous aimerions votre avis.\n\n"
            "Vos codes vous attendent\u202f: {portal}\n\n{brand}"
        ),
        subject_en="{first_name}, the autumn pear is here",
        body_en=(
            "Hello {first_name},\n\nThe first batch of pear comes out tomorrow. Before we announce "
            "it, we would love to hear what you think.\n\nYour codes wait here: {portal}\n\n{brand}"
        ),
        audience=Audience(),
    )
