"""How the demo brand recruits: its charter, an application page with its queue, invitations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ambassadors import applications, charter, circles, enrolment, members
from ambassadors.applications import Question, Sent, Setup
from ambassadors.models import AmbassadorKind, Circle
from ambassadors.models_recruiting import ApplicationState, QuestionKind
from core import clock
from demo import brand
from demo.calendar import midnight
from demo.year import Year
from referrals import invitations, invitees
from referrals.invitees import Target
from rewards import invitation_codes

SEATS = 80
CODE = "PREMIER-CERCLE"  # typed at /join
_CHARTER_FR = (
    "Je dis toujours qu’une récompense m’attend quand je partage un code.\n"
    "Je ne parle que de ce que j’ai goûté.\n"
    "Je ne publie pas mon code sur les sites de bons de réduction.\n"
    "Maison Givre me paie ce qu’elle me doit, m’explique chaque achat et ne publie rien en mon nom."
)
_CHARTER_EN = (
    "I always say that I am rewarded when I share a code.\n"
    "I only speak of what I have tasted.\n"
    "I do not put my code on coupon sites.\n"
    "Maison Givre pays me what it owes me, explains each purchase and publishes nothing in my name."
)
_PAGE = Setup(
    is_open=True, title_fr="Rejoindre le cercle de Maison Givre",
    title_en="Join the circle of Maison Givre",
    intro_fr="Nous cherchons des gens qui aiment la glace et le disent simplement.",
    intro_en="We look for people who love ice cream and say so in plain words.",
    capacity=SEATS,
    questions=(
        Question(
            kind=QuestionKind.LONG, is_required=True,
            label_fr="Racontez-nous un moment avec nos glaces",
            label_en="Tell us about a moment with our ice cream",
        ),
        Question(
            kind=QuestionKind.CHOICE, label_fr="Où en parlez-vous\N{NARROW NO-BREAK SPACE}?",
            label_en="Where do you speak of it?",
            choices_fr=("À table", "Au marché", "En ligne"),
            choices_en=("At table", "At the market", "Online"),
        ),
        Question(
            kind=QuestionKind.LINK, label_fr="Une page à vous", label_en="A page of yours"
        ),
    ),
)  # fmt: skip
_STORIES = (
    ("Aline Rosset", "Le vacherin de Noël, coupé à minuit avec mes grands-parents.", "À table"),
    ("Karim Golay", "Je commande la pistache chaque été pour l’équipe du bureau.", "Au marché"),
    ("Imogen Hughes", "Poached pears, then your pear ice cream: my best Sunday.", "At table"),
    ("Loïc Pidoux", "J’ai découvert la courge à Vevey et j’en parle encore.", "En ligne"),
    ("Sabine Jaccard", "Vos cornets ont sauvé l’anniversaire de ma fille.", "À table"),
)
_TAKING_PART = ("Estelle Morel", "Fabrice Guex")  # members of a circle, no ambassadors
_INVITED = ("joana.tissot@post.example", "peter.ellis@post.example", "nina.capt@post.example")


def tell(year: Year, campaign_ids: dict[str, int], inviter_id: int) -> None:
    """Open the page, let a few people apply, and invite a few.

    Args:
        year: What happened; two who apply bought in it.
        campaign_ids: Campaigns by their name in addresses.
        inviter_id: The ambassador whose portal the demo shows.
    """
    friends, today = campaign_ids[brand.FRIENDS], year.calendar.today
    with clock.frozen(midnight(today - timedelta(days=40))):
        charter.publish(text_en=_CHARTER_EN, text_fr=_CHARTER_FR)
        applications.set_up(friends, _PAGE)
    buyers = _regulars(year)
    for number, (name, story, where) in enumerate(_STORIES):
        with clock.frozen(midnight(today - timedelta(days=9 - number))):
            email = buyers[number] if number < 2 else brand.address(name)
            called = _named(email) if number < 2 else name
            applications.apply(friends, _sent(called, email, story, where), brand=_NAME)
    waiting = applications.queue(friends, ApplicationState.WAITING)
    applications.put_on_list(waiting[-1], brand=_NAME)
    _invite(friends)
    for name in _TAKING_PART:
        person = members.Person(name=name, email=brand.address(name), country="CH", locale="fr")
        circles.join(_open_circle(), members.create(person).id)
    with clock.frozen(midnight(today - timedelta(days=6))):
        ends_at = midnight(today + timedelta(days=60))
        invitation_codes.create(Target(campaign_id=friends), text=CODE, places=25, ends_at=ends_at)
        invitation_codes.invite(enrolment.get(inviter_id), note="Ma cousine Aline")


_NAME = brand.PROGRAM["name"]


def _sent(name: str, email: str, story: str, where: str) -> Sent:
    is_english = where == "At table"
    questions = _PAGE.questions[:2]
    locale = "en" if is_english else "fr"
    answers = tuple(
        (question.label(locale), said)
        for question, said in zip(questions, (story, where), strict=True)
    )
    sent = Sent(
        name=name, email=email, locale=locale, kind=AmbassadorKind.CUSTOMER, answers=answers,
        charter_version=1, wants_messages=True,
    )  # fmt: skip
    if name == "Loïc Pidoux":
        return replace(
            sent, kind=AmbassadorKind.MICRO_CREATOR, profile="https://loic-goute.example/a-propos"
        )
    return sent


def _named(email: str) -> str:
    """Return the name that an address of a customer was made of."""
    mailbox = email.partition("@")[0].rstrip("0123456789")
    return " ".join(word.capitalize() for word in mailbox.split("."))


def _open_circle() -> Circle:
    """Return the circle that takes as many as come."""
    return next(circle for circle, _waiting in circles.everything() if circle.capacity is None)


def _regulars(year: Year) -> list[str]:
    """Return the addresses of two customers who bought most often and are no ambassadors."""
    own = {ally.email for ally in year.allies}
    counts: dict[str, int] = {}
    for _at, fact in year.purchases:
        if fact.email and fact.email not in own:
            counts[fact.email] = counts.get(fact.email, 0) + 1
    return sorted(counts, key=lambda email: (-counts[email], email))[:2]


def _invite(campaign_id: int) -> None:
    """Invite three people at different times: one mail is old, one link was opened."""
    manner = invitations.Manner(locale="fr", brand=_NAME)
    target = Target(campaign_id=campaign_id)
    for days, address in zip((25, 8, 2), _INVITED, strict=True):
        with clock.frozen(clock.now() - timedelta(days=days)):
            invitations.send(invitees.read(address), target, manner)
    invitations.note_opened(invitations.of_team()[1])
