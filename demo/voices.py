"""What the demo's ambassadors say in their portal: questions, and what they published."""

from __future__ import annotations

from referrals import content_links
from rewards import earnings, questions
from rewards.models import QuestionKind

_ASKED = (
    "Ma voisine a bien utilisé mon code, je crois. Pouvez-vous regarder ?",
    "La somme me semble petite pour ce panier. Qu’est-ce qui compte ?",
)
_ANSWER = (
    "Le taux s’applique au montant après remise, hors livraison et taxes : "
    "les glaces comptent, le port non."
)


_PUBLISHED = ("https://www.instagram.com/p/lea-poire", "https://lea-goute.example/glaces-d-automne")
_THANKS = "Merci Léa, la photo de la coupe poire est superbe."


def show(ambassador_id: int, *, by: str) -> None:
    """Have an ambassador hand in what they published; the team has seen the first of it.

    Args:
        ambassador_id: Who.
        by: Who thanks, as the audit log names people.
    """
    campaign_id = content_links.campaigns_of(ambassador_id)[0][0]
    for address in _PUBLISHED:
        content_links.hand_in(ambassador_id, campaign_id, address)
    first = content_links.of_ambassador(ambassador_id)[-1]
    content_links.thank(first.id, _THANKS, by=by)


def ask(ambassador_id: int, *, by: str) -> None:
    """Have an ambassador ask about what did not count, and about what did.

    Args:
        ambassador_id: Who asks; nothing happens before they brought anything.
        by: Who answers, as the audit log names people.
    """
    listed = earnings.brought(ambassador_id, limit=40)
    lost = next((one.id for one in listed if not one.is_credited), None)
    won = next((one.id for one in listed if one.is_credited), None)
    if lost is not None:
        questions.ask(ambassador_id, lost, QuestionKind.OBJECTION, _ASKED[0])
    if won is not None:
        questions.ask(ambassador_id, won, QuestionKind.QUESTION, _ASKED[1])
        number = questions.of_purchases(ambassador_id, [won])[won].id
        questions.answer(number, _ANSWER, by=by)
