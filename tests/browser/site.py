"""What the browser tests share: the served application, and people who use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_babel import force_locale, gettext, pgettext
from playwright.sync_api import Locator, Page

from accounts.models import RoleName
from core.db import db
from integrations import jobs as integrations_jobs
from tests.factories import PASSWORD, make_user


@dataclass(frozen=True)
class Site:
    """The application as it is served."""

    app: Flask
    url: str

    def add_person(self, role: RoleName, email: str) -> int:
        """Add a person who can sign in with `PASSWORD`, and return their id."""
        user_id = make_user(role, email=email, name=email.partition("@")[0].title()).id
        self.settle()
        return user_id

    def settle(self) -> None:
        """End the test's own transaction: nothing of it is in the server's way."""
        db.session.commit()
        db.session.remove()

    def send_mails(self) -> None:
        """Do what the worker does every few seconds."""
        integrations_jobs.send_messages()
        self.settle()

    def said(self, text: str, language: str, *, about: str = "", **values: Any) -> str:
        """Return a text of the program in a language; `about` is its context, if it has one."""
        with force_locale(language):
            return str(pgettext(about, text, **values) if about else gettext(text, **values))


@dataclass(frozen=True)
class Visitor:
    """Somebody at a browser, in their language.  Texts are given in English."""

    site: Site
    page: Page
    language: str

    def said(self, text: str, **values: Any) -> str:
        """Return a text as this person reads it."""
        return self.site.said(text, self.language, **values)

    def sign_in(self, email: str) -> None:
        """Sign in with the password."""
        self.page.goto("/sign-in")
        self.fill("E-mail", email)
        self.fill("Password", PASSWORD)
        self.press("Sign in")

    def fill(self, label: str, value: str) -> None:
        """Write into the field of a label."""
        self.field(label).fill(value)

    def field(self, label: str) -> Locator:
        """Find the field of a label, optional or not."""
        words, optional = re.escape(self.said(label)), re.escape(self.said("optional"))
        return self.main.get_by_label(re.compile(rf"^\s*{words}(\s+{optional})?\s*$")).first

    def press(self, name: str, *, about: str = "") -> None:
        """Press a button; `about` is the context of its words, where they have one."""
        words = self.said(name, about=about)
        self.page.get_by_role("button", name=words, exact=True).first.click()

    def follow(self, name: str) -> None:
        """Follow a link of the page."""
        self.page.get_by_role("main").get_by_role("link", name=self.said(name)).first.click()

    def go(self, name: str) -> None:
        """Choose an entry of the main menu."""
        menu = self.page.get_by_role("navigation", name=self.said("Main navigation"))
        menu.get_by_role("link", name=self.said(name), exact=True).click()

    @property
    def heading(self) -> Locator:
        """The heading of the page."""
        return self.page.get_by_role("heading", level=1)

    @property
    def main(self) -> Locator:
        """The page without what is around it."""
        return self.page.get_by_role("main")
