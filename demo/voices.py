"""What the demo's ambassadors say in their portal: two questions, one of them answered."""

from __future__ import annotations

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
