"""Mail to a person: rendered in their language when decided, sent by the outbox.

A message is a folder `templates/emails/<message>/` with `subject.txt`,
`body.txt` and `body.html`.
"""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import force_locale
from flask_babel import gettext as _

from core import outbox
from core.errors import InvalidInputError
from core.i18n import LANGUAGES


def enqueue(message: str, *, to: str, locale: str | None, key: str, **context: Any) -> None:
    """Add a mail to the outbox, in the caller's transaction.

    Args:
        message: Name of the folder of templates.
        to: The address; line breaks are refused, they would forge headers.
        locale: `en` or `fr`; anything else gives English.
        key: The same key again sends nothing more.
        context: What the templates print.

    Raises:
        InvalidInputError: The address has a line break.
    """
    if any(ord(letter) < 32 for letter in to):
        raise InvalidInputError(_("An e-mail address is on one line."))
    outbox.enqueue("email", {"to": to, **render(message, locale=locale, **context)}, key=key)


def render(message: str, *, locale: str | None, **context: Any) -> dict[str, str]:
    """Return subject, text and html of a message in a language."""
    with force_locale(locale if locale in LANGUAGES else "en"):
        subject = render_template(f"emails/{message}/subject.txt", **context)
        text = render_template(f"emails/{message}/body.txt", **context)
        html = render_template(f"emails/{message}/body.html", **context)
    return {"subject": " ".join(subject.split()), "text": text.strip() + "\n", "html": html}
