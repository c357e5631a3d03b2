"""A marketer writes a message, looks at it in both languages, tries it, sends and follows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from playwright.sync_api import expect

from accounts.models import RoleName
from ambassadors import choices, guard
from ambassadors.guard import Spared
from ambassadors.models import Member
from campaigns import jobs
from campaigns.models import MessageReader
from core import clock, emails
from core.db import db
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor
from tests.factories import make_member

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # 10 in the morning in Paris, not quiet
MARKETER, ADMIN = "mia@brand.example", "ada@brand.example"
TEXTS = {
    "Name": "Pear season",
    "Subject in French": "La poire arrive, {first_name}",
    "Text in French": "Venez goûter chez {brand}.",
    "Subject in English": "Pears are here, {first_name}",
    "Text in English": "Come and taste at {brand}.",
}


@pytest.mark.parametrize(
    ("app", "language"), [("sqlite", "en"), ("postgresql", "fr")], indirect=["app"]
)
def test_a_message_is_written_looked_at_tried_sent_and_followed(
    app: Flask, site: Site, visit: Opener, language: str
) -> None:
    clock.set_now(MONDAY)
    _people()
    site.add_person(RoleName.MARKETER, MARKETER)
    site.add_person(RoleName.ADMIN, ADMIN)
    marketer = visit(language)
    marketer.sign_in(MARKETER)
    _write(marketer)
    _look(marketer)
    marketer.press("Send it to me")
    site.send_mails()
    _send(marketer, site)
    _follow(marketer)
    admin = visit(language)
    admin.sign_in(ADMIN)
    _read_mailbox(admin)


def _people() -> None:
    """Add two who are reached, and four who are spared, each for a reason of their own."""
    for name, locale in (("Ana Blanc", "fr"), ("Bob Green", "en")):
        _member(name, locale)
    choices.unsubscribe(_member("Cleo Noir"))
    choices.snooze(_member("Dan Roux"))
    make_member(name="Eva Sand")  # no address
    asked = _member("Finn Weiss").id
    guard.gave([asked], what="box", key="g")
    for key in ("1", "2"):
        guard.ask([asked], what="message", key=key)


def _member(name: str, locale: str = "fr") -> Member:
    email = f"{name.split()[0].lower()}@example.com"
    return make_member(name=name, email=email, email_hash=emails.digest(email), locale=locale)


def _write(marketer: Visitor) -> None:
    marketer.go("Messages")
    marketer.follow("New message")
    assert looks.faults(marketer.page) == []
    for label, text in TEXTS.items():
        marketer.fill(label, text)
    marketer.press("Save and look at it")


def _look(marketer: Visitor) -> None:
    """See both languages as Ana would, and whom it reaches and spares, before it is sent."""
    main = marketer.main
    expect(marketer.heading).to_have_text("Pear season")
    for heading in ("La poire arrive, Ana", "Pears are here, Ana"):
        expect(main.get_by_role("heading", name=heading)).to_be_visible()
    expect(main).to_contain_text("Venez goûter chez Cercle.")
    expect(main).to_contain_text("Come and taste at Cercle.")
    expect(main).to_contain_text(
        marketer.said("%(reached)s reached, %(spared)s spared", reached="2", spared="4")
    )
    for words in _reasons(marketer):
        expect(main).to_contain_text(words)
    assert looks.faults(marketer.page) == []


def _reasons(visitor: Visitor) -> list[str]:
    why = (Spared.UNSUBSCRIBED, Spared.SNOOZED, Spared.NO_ADDRESS, Spared.WEEKLY_LIMIT)
    with force_locale(visitor.language):
        return [str(guard.WORDS[one]) for one in why]


def _send(marketer: Visitor, site: Site) -> None:
    marketer.press("Send")
    dialog = marketer.page.get_by_role("dialog")
    dialog.get_by_role("button", name=marketer.said("Send"), exact=True).click()
    expect(marketer.main).to_contain_text("Pear season")
    assert jobs.send_messages() == 2
    site.settle()
    assert jobs.send_messages() == 0  # nobody gets it twice
    site.settle()


def _follow(marketer: Visitor) -> None:
    marketer.page.reload()
    table = marketer.main.get_by_role("table")
    for name, word in (("Ana Blanc", "sent"), ("Bob Green", "sent"), ("Cleo Noir", "spared")):
        row = table.get_by_role("row").filter(has_text=name)
        expect(row).to_contain_text(marketer.said(word))
    for name, words in zip(("Cleo", "Dan", "Eva", "Finn"), _reasons(marketer), strict=True):
        expect(table.get_by_role("row").filter(has_text=name)).to_contain_text(words)
    assert looks.faults(marketer.page) == []
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count(MessageReader.sent_at))) == 2
    db.session.rollback()


def _read_mailbox(admin: Visitor) -> None:
    """Find the two trials and the two mails, each person's in their own language."""
    admin.go("Mailbox")
    mails = admin.main.get_by_role("region")
    expect(mails).to_have_count(4)
    to = {"ana@example.com": "La poire arrive, Ana", "bob@example.com": "Pears are here, Bob"}
    for address, subject in to.items():
        one = mails.filter(has_text=address)
        expect(one).to_have_count(1)
        expect(one.get_by_role("heading")).to_have_text(subject)
    expect(mails.filter(has_text=MARKETER)).to_have_count(2)
    assert looks.faults(admin.page) == []
