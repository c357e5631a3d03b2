"""The marketer's door of a campaign's share kit: its words, its images."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from accounts import permissions
from ambassadors import program
from campaigns import briefs, campaigns, images
from campaigns.forms_kit import AltForm, ImageForm, WordsForm
from campaigns.models import Campaign, Format
from core import clock, forms
from core.db import db
from core.errors import DomainError, Fault
from integrations import pictures

door = permissions.guard(
    Blueprint("kit_console", __name__, url_prefix="/console/campaigns"), permissions.MARKETER
)


@door.url_value_preprocessor
def _take_photographs(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Take more than we keep, so that a file that is too large is told so beside its field."""
    if endpoint == "kit_console.add_image":
        request.max_content_length = 3 * pictures.LARGEST


@door.get("/<slug>/kit")
def show(slug: str) -> ResponseReturnValue:
    """Show the words and images that ambassadors share."""
    return _page(campaigns.get(slug))


@door.post("/<slug>/kit/words")
def write(slug: str) -> ResponseReturnValue:
    """Write other words to share."""
    form = WordsForm()
    if not form.validate_on_submit():
        return _page(campaigns.get(slug), words=form), 422
    try:
        briefs.write_words(
            campaigns.get(slug), text_en=form.text_en.data or "", text_fr=form.text_fr.data or "",
            kind=Format(form.format.data),
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        return _refused(slug, error, words=form)
    flash(_("Saved."))
    return redirect(url_for(".show", slug=slug), code=303)


@door.post("/<slug>/kit/images")
def add_image(slug: str) -> ResponseReturnValue:
    """Take an image in."""
    form = ImageForm()
    if not form.validate_on_submit():
        return _page(campaigns.get(slug), image=form), 422
    campaigns.get(slug)
    db.session.rollback()  # nothing is held while the picture is drawn and written
    with form.file.data.stream as upload:
        content = upload.read(pictures.LARGEST + 1)
    try:
        picture = pictures.drawn_anew(content)
        digest = images.keep(picture)
        images.add(
            campaigns.get(slug), picture, digest,
            alt_en=form.alt_en.data or "", alt_fr=form.alt_fr.data or "",
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        if not error.faults:
            error.faults = [Fault("/file", error.detail)]
        return _refused(slug, error, image=form)
    flash(_("The image is in the kit."))
    return redirect(url_for(".show", slug=slug), code=303)


@door.post("/<slug>/kit/images/<int:image_id>")
def describe(slug: str, image_id: int) -> ResponseReturnValue:
    """Say anew what one sees on an image."""
    form = AltForm()
    try:
        images.describe(
            campaigns.get(slug), image_id,
            alt_en=form.alt_en.data or "", alt_fr=form.alt_fr.data or "",
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        if not error.faults:
            raise
        db.session.rollback()
        flash(f"{error.detail} {error.faults[0].detail}", "error")
    else:
        flash(_("Saved."))
    return redirect(url_for(".show", slug=slug), code=303)


@door.post("/<slug>/kit/images/<int:image_id>/remove")
def remove(slug: str, image_id: int) -> ResponseReturnValue:
    """Take an image out of the kit."""
    images.remove(campaigns.get(slug), image_id)
    db.session.commit()
    flash(_("The image is gone. Copies that people saved stay with them."))
    return redirect(url_for(".show", slug=slug), code=303)


def _refused(slug: str, error: DomainError, **form: FlaskForm) -> ResponseReturnValue:
    db.session.rollback()
    for one in form.values():
        forms.show(one, error)
    return _page(campaigns.get(slug), **form), 422


def _page(campaign: Campaign, *, words: Any = None, image: Any = None) -> str:
    brief, today = briefs.of(campaign), clock.local_day(clock.now(), program.current().timezone)
    kind = briefs.format_of(campaign)
    told = {"text_en": brief.text_en, "text_fr": brief.text_fr} if brief else {}
    return render_template(
        "campaigns/console_kit/kit.html",
        campaign=campaign, images=images.of_campaign(campaign.id), most=images.MOST,
        words=words or WordsForm(formdata=None, data={"format": kind.value, **told}),
        form=image or ImageForm(formdata=None), mention=briefs.mention(kind, today),
    )  # fmt: skip
