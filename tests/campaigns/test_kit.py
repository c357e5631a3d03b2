"""A campaign's share kit: images that come in, are seen, described and taken out; its words."""

from __future__ import annotations

import io
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from accounts.models import AuditLine, RoleName
from campaigns import briefs, images
from campaigns import jobs as campaigns_jobs
from campaigns.models import Campaign, Format
from campaigns.models_images import KitImage
from core import clock
from core.db import db
from core.errors import DomainError
from integrations import pictures
from tests.factories import make_campaign, make_user, must, sign_in

KIT = "/console/campaigns/friend/kit"


def picture(shade: int = 100, *, size: tuple[int, int] = (240, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 120, 60)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def campaign(app: Flask) -> Campaign:
    return make_campaign(name="Bring a friend", slug="friend")


@pytest.fixture
def staff(client: FlaskClient, campaign: Campaign) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def send(staff: FlaskClient, content: bytes, **told: str) -> TestResponse:
    """Send an image as the page does."""
    data: dict[str, Any] = {"alt_en": "A pear", "alt_fr": "Une poire"} | told
    data["file"] = (io.BytesIO(content), "pear.jpg")
    return staff.post("/console/campaigns/friend/kit/images?lang=en", data=data)


def kept() -> list[KitImage]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(KitImage).order_by(KitImage.id)))


def files(app: Flask) -> list[Path]:
    return sorted(path for path in app.extensions["settings"].images.glob("*/*") if path.is_file())


def test_an_image_is_kept_once_and_everybody_may_see_it(app: Flask, staff: FlaskClient) -> None:
    assert send(staff, picture()).status_code == 303
    assert send(staff, picture(), alt_en="A ripe pear").status_code == 303
    (image,) = kept()
    assert (image.alt_en, image.width, image.height) == ("A ripe pear", 240, 200)
    stranger = app.test_client()
    for name in (f"{image.digest}.jpg", f"{image.digest}-small.jpg"):
        answer = stranger.get(f"/images/{name}", buffered=True)
        assert answer.status_code == 200
        assert answer.mimetype == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers
        assert Image.open(io.BytesIO(answer.data)).size == (240, 200)
    page = staff.get("/console/campaigns/friend/kit?lang=fr").text
    assert f"/images/{image.digest}-small.jpg" in page
    assert 'alt="Une poire"' in page
    acts = list(db.session.scalars(sa.select(AuditLine.act)))
    assert acts.count("image.add") == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Choose a JPEG, PNG or WebP"),
        (picture()[:-40], "damaged"),
        (picture() + b"\0" * 50_000, "Save it smaller"),
        (b"", "Choose a JPEG, PNG or WebP"),
    ],
)
def test_what_is_no_picture_is_refused_beside_the_field(
    app: Flask, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    monkeypatch.setattr(pictures, "LARGEST", 50_000)
    answer = send(staff, content)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="A pear"' in answer.text  # what was written stays
    assert kept() == []
    assert files(app) == []


def test_an_image_needs_words_in_both_languages(app: Flask, staff: FlaskClient) -> None:
    assert send(staff, picture(), alt_fr=" ").status_code == 422
    assert send(staff, picture(), alt_en="x" * 201).status_code == 422
    assert staff.post("/console/campaigns/friend/kit/images", data={}).status_code == 422
    assert kept() == []


def test_words_can_be_said_anew_and_an_image_taken_out(app: Flask, staff: FlaskClient) -> None:
    send(staff, picture())
    (image,) = kept()
    base, address = (
        f"/console/campaigns/friend/kit/images/{image.id}",
        f"/images/{image.digest}.jpg",
    )
    assert staff.post(base, data={"alt_en": "", "alt_fr": "x"}).status_code == 303
    assert staff.post(base, data={"alt_en": "Pears", "alt_fr": "Poires"}).status_code == 303
    assert [(one.alt_en, one.alt_fr) for one in kept()] == [("Pears", "Poires")]
    assert staff.post(f"{base}/remove").status_code == 303
    assert kept() == []
    assert app.test_client().get(address).status_code == 404
    assert staff.post(f"{base}/remove").status_code == 404


def test_an_image_of_another_campaign_is_out_of_reach(app: Flask, staff: FlaskClient) -> None:
    send(staff, picture())
    other = make_campaign(slug="other")
    db.session.commit()
    (image,) = kept()
    path = f"/console/campaigns/{other.slug}/kit/images/{image.id}"
    assert staff.post(f"{path}/remove").status_code == 404
    assert staff.post(path, data={"alt_en": "a", "alt_fr": "b"}).status_code == 404
    assert len(kept()) == 1


@pytest.mark.parametrize(
    "name",
    ["nothing", "..%2f..%2fcercle.db", f"{'0' * 64}.jpg", f"{'0' * 64}.svg", f"{'g' * 64}.jpg",
     f"{'0' * 64}.jpg%0a"],
)  # fmt: skip
def test_other_names_lead_nowhere(app: Flask, client: FlaskClient, name: str) -> None:
    assert client.get(f"/images/{name}").status_code == 404


def test_an_image_too_small_to_share_is_refused_with_the_least_size(staff: FlaskClient) -> None:
    answer = send(staff, picture(size=(1_000, 199)))
    assert answer.status_code == 422
    assert "1000 x 199 pixels; choose one of at least 200" in answer.text
    assert kept() == []


def test_a_kit_holds_so_many_images_also_when_they_come_at_once(app: Flask) -> None:
    slug = make_campaign().slug
    db.session.commit()
    taken: list[bool] = []

    def add(number: int) -> None:
        drawn = pictures.drawn_anew(picture(number * 10))
        with app.app_context():
            digest = images.keep(drawn)
            campaign = db.session.scalars(sa.select(Campaign).where(Campaign.slug == slug)).one()
            try:
                images.add(campaign, drawn, digest, alt_en="Ice", alt_fr="Glace")
                db.session.commit()
                taken.append(True)
            except DomainError:
                db.session.rollback()
                taken.append(False)

    db.session.remove()
    threads = [threading.Thread(target=add, args=(n,)) for n in range(images.MOST + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == images.MOST
    assert len(kept()) == images.MOST


def test_files_that_no_campaign_shows_are_swept_after_a_day(app: Flask, staff: FlaskClient) -> None:
    send(staff, picture(10))
    send(staff, picture(20))
    stays, goes = [one.digest for one in kept()]
    staff.post(f"/console/campaigns/friend/kit/images/{kept()[-1].id}/remove")
    db.session.rollback()
    assert len(files(app)) == 4
    old = (clock.now() - timedelta(hours=25)).timestamp()
    for path in files(app):
        os.utime(path, (old, old))
    send(staff, picture(20))  # somebody uploads the same again: its age starts anew
    staff.post(f"/console/campaigns/friend/kit/images/{kept()[-1].id}/remove")
    db.session.rollback()
    for path in files(app):
        if path.name.startswith(goes):
            os.utime(path, (clock.now().timestamp(),) * 2)
    assert campaigns_jobs.sweep_images() == 0
    for path in files(app):
        os.utime(path, (old, old))
    assert campaigns_jobs.sweep_images() == 2
    assert {path.name[:64] for path in files(app)} == {stays}


def test_words_to_share_are_written_and_know_two_variables(app: Flask, staff: FlaskClient) -> None:
    told = {"text_en": "Pears with {code}: {link}", "text_fr": "Poires {code}", "format": "gifted"}
    path = "/console/campaigns/friend/kit/words?lang=en"
    assert staff.post(path, data=told).status_code == 303
    answer = staff.post(path, data=told | {"text_fr": "{lien}"})
    assert answer.status_code == 422
    assert "is no variable; use {code}, {link}." in answer.text
    db.session.rollback()
    brief = must(briefs.of(db.session.scalars(sa.select(Campaign)).one()))
    assert (brief.text_en, brief.text_fr, brief.format) == (
        told["text_en"], told["text_fr"], Format.GIFTED,
    )  # fmt: skip


def test_words_are_filled_with_ones_own_code_and_link(app: Flask) -> None:
    link = "https://x.example/offer/zoe"
    assert briefs.filled("Take {code}!", code="ZOE", link=link) == f"Take ZOE!\n{link}"
    assert briefs.filled("{link} {code}", code="{link}", link=link) == f"{link} {{link}}"
    assert briefs.filled("Pears.", code="ZOE", link=None) == "Pears.\nZOE"
    assert briefs.filled("At {link}", code="ZOE", link=None) is None
