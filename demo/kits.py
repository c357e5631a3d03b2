"""Share kits of the demo brand: words in both languages, and images that are drawn here."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from ambassadors.audiences import Audience
from campaigns import briefs, images
from campaigns.briefs import Told
from campaigns.models import Campaign
from core.db import db
from demo import brand
from integrations import pictures

Colour = tuple[int, int, int]

_SIZE, _FINER = (960, 720), 2  # pixels, and how much larger it is drawn for smooth edges
_PEAR, _CREAM, _BERRY = (222, 196, 110), (251, 246, 230), (140, 63, 87)
_PUMPKIN, _CHOCOLATE, _WAFER = (214, 128, 52), (92, 58, 44), (201, 138, 75)
_NIGHT, _LEAF = (18, 39, 44), (76, 110, 70)
_APRICOT, _LAKE, _SNOW = (250, 226, 203), (196, 222, 224), (240, 236, 228)


@dataclass(frozen=True, slots=True)
class _Shot:
    """An image: what is on it, and its words for who cannot see it."""

    ground: Colour
    draw: Callable[[ImageDraw.ImageDraw], None]
    alt_en: str
    alt_fr: str


def tell(campaign_ids: Mapping[str, int]) -> None:
    """Write what ambassadors share of each campaign, and put the images into its kit."""
    for slug, (told, shots) in _kits().items():
        campaign = db.session.get_one(Campaign, campaign_ids[slug])
        briefs.write(campaign, told)
        for shot in shots:
            picture = pictures.drawn_anew(_png(shot))
            images.add(
                campaign, picture, images.keep(picture), alt_en=shot.alt_en, alt_fr=shot.alt_fr
            )


def _kits() -> dict[str, tuple[Told, tuple[_Shot, ...]]]:
    cone = _Shot(
        _APRICOT, lambda pen: _cone(pen, _PEAR, _BERRY, _CREAM),
        "A cone with three scoops: pear, raspberry and vanilla.",
        "Un cornet de trois boules : poire, framboise et vanille.",
    )  # fmt: skip
    pot = _Shot(
        _LAKE, lambda pen: _pot(pen, _CREAM), "A pot of double cream ice cream.",
        "Un pot de glace à la double crème.",
    )  # fmt: skip
    pear = _Shot(_SNOW, _pear, "A ripe pear.", "Une poire mûre.")
    dark = _Shot(
        _SNOW, lambda pen: _cone(pen, _CHOCOLATE, _CREAM, _CHOCOLATE),
        "A cone with three scoops: chocolate and vanilla.",
        "Un cornet de trois boules : chocolat et vanille.",
    )  # fmt: skip
    autumn = _Shot(
        _APRICOT, lambda pen: _pot(pen, _PUMPKIN), "A pot of pumpkin ice cream.",
        "Un pot de glace à la courge.",
    )  # fmt: skip
    return {
        brand.FRIENDS: (
            _told(
                "Maison Givre makes my favourite ice cream, here in Lausanne. With {code} your "
                "first order costs less and comes home for free: {link}",
                "Maison Givre fait ma glace préférée, ici à Lausanne. Avec {code}, votre première "
                "commande coûte moins et arrive chez vous sans frais\u202f: {link}",
            ),
            (cone, pear, pot),
        ),
        brand.READERS: (
            _told(
                "For our readers: a quarter off at Maison Givre, and free delivery, with {code}.",
                "Pour nos lectrices et lecteurs\u202f: un quart de moins chez Maison Givre, "
                "livraison offerte, avec {code}.",
            ),
            (dark, pot),
        ),
        brand.TASTING: (
            _told(
                "Pumpkin or pear? Taste the autumn with us: {code} adds a small pot to your order.",
                "Courge ou poire\u202f? Goûtez l’automne avec nous\u202f: {code} ajoute un petit "
                "pot à votre commande.",
                goal=150,
            ),
            (autumn, pear),
        ),
        brand.STALLS: (
            _told(
                "See you at the market: {code} takes five francs off.",
                "Rendez-vous au marché\u202f: {code} enlève cinq francs.",
            ),
            (),
        ),
    }


def _told(text_en: str, text_fr: str, *, goal: int | None = None) -> Told:
    return Told(audience=Audience(), text_en=text_en, text_fr=text_fr, goal=goal)


def _png(shot: _Shot) -> bytes:
    large = Image.new("RGB", (_SIZE[0] * _FINER, _SIZE[1] * _FINER), shot.ground)
    shot.draw(ImageDraw.Draw(large))
    out = io.BytesIO()
    large.resize(_SIZE, Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _ball(pen: ImageDraw.ImageDraw, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """Draw a filled circle; all lengths are of the small picture."""
    box = [value * _FINER for x in (-radius, radius) for value in (centre[0] + x, centre[1] + x)]
    pen.ellipse(box, fill=colour)


def _shape(pen: ImageDraw.ImageDraw, points: list[tuple[int, int]], colour: Colour) -> None:
    pen.polygon([(x * _FINER, y * _FINER) for x, y in points], fill=colour)


def _cone(pen: ImageDraw.ImageDraw, left: Colour, right: Colour, top: Colour) -> None:
    _shape(pen, [(320, 390), (640, 390), (480, 670)], _WAFER)
    for centre, colour in (((385, 320), left), ((575, 320), right), ((480, 195), top)):
        _ball(pen, centre, 108, colour)
    for centre in ((440, 165), (520, 215), (485, 255)):
        _ball(pen, centre, 8, _WAFER)


def _pot(pen: ImageDraw.ImageDraw, colour: Colour) -> None:
    for centre in ((400, 300), (560, 300), (480, 240)):
        _ball(pen, centre, 100, colour)
    _shape(pen, [(280, 330), (680, 330), (630, 620), (330, 620)], _NIGHT)
    _ball(pen, (480, 470), 70, _APRICOT)
    _ball(pen, (480, 470), 46, _NIGHT)


def _pear(pen: ImageDraw.ImageDraw) -> None:
    _shape(pen, [(470, 190), (490, 190), (500, 110), (478, 105)], _CHOCOLATE)
    _shape(pen, [(495, 150), (590, 95), (620, 130), (540, 175)], _LEAF)
    _shape(pen, [(385, 270), (575, 270), (640, 470), (320, 470)], _PEAR)
    _ball(pen, (480, 275), 97, _PEAR)
    _ball(pen, (480, 485), 172, _PEAR)
