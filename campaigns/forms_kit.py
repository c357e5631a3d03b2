"""Forms of a share kit: its words, and an image with what one sees on it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileRequired
from wtforms import FileField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from campaigns.briefs import LONGEST as LONGEST_TEXT
from campaigns.forms_mentions import FORMATS
from campaigns.images import LONGEST

_NEEDED = InputRequired(_l("This field is needed."))
_VARIABLES = _l("{code} and {link} become each ambassador’s own.")


class WordsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What ambassadors share, in both languages."""

    text_en = TextAreaField(
        _l("Words to share, in English"), [Length(max=LONGEST_TEXT)], description=_VARIABLES,
        render_kw={"rows": 4, "lang": "en"},
    )  # fmt: skip
    text_fr = TextAreaField(
        _l("Words to share, in French"), [Length(max=LONGEST_TEXT)], description=_VARIABLES,
        render_kw={"rows": 4, "lang": "fr"},
    )  # fmt: skip
    format = SelectField(
        _l("How it is shared"),
        choices=[SelectChoice(kind.value, text) for kind, text in FORMATS.items()],
    )


class AltForm(FlaskForm):  # type: ignore[misc]
    """What one sees on an image, for who cannot see it."""

    alt_en = StringField(
        _l("What one sees, in English"), [_NEEDED, Length(max=LONGEST)],
        description=_l("Read aloud to people who do not see the image."),
        render_kw={"lang": "en", "autocomplete": "off"},
    )  # fmt: skip
    alt_fr = StringField(
        _l("What one sees, in French"), [_NEEDED, Length(max=LONGEST)],
        render_kw={"lang": "fr", "autocomplete": "off"},
    )  # fmt: skip


class ImageForm(AltForm):
    """An image from the marketer's device."""

    file = FileField(
        _l("Image"), [FileRequired(_l("Choose a file first."))],
        description=_l(
            "JPEG, PNG or WebP, up to 8 MB and 25 million pixels, at least 200 on each side."
        ),
        render_kw={"accept": "image/jpeg,image/png,image/webp"},
    )  # fmt: skip
