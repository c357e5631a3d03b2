"""Pictures that people upload: drawn anew, so that nothing of the file is kept but what one sees.

JPEG, PNG and WebP, told by their content and never by their name.  Size and pixels are
looked at before anything is unpacked; place, camera, colour profile and comments are gone
afterwards.  What is transparent or was PNG becomes PNG, the rest JPEG, which every network takes.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from flask_babel import gettext as _
from PIL import Image, ImageCms, ImageOps

from core.errors import DomainError

LARGEST = 8 * 1024 * 1024  # bytes of an upload
MOST_PIXELS = 25_000_000
MEGA = 1_000_000
LONGEST_SIDE, SMALL_SIDE = 2400, 480  # pixels of what is kept, and of its thumbnail
FORMATS = ("JPEG", "PNG", "WEBP")
TYPES = {"jpg": "image/jpeg", "png": "image/png"}

_QUALITY = 88
_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}  # 8 bits a channel at most
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_BROKEN = (  # what a decoder says of a file that is not what it claims to be
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError,
    OverflowError, MemoryError, RuntimeError, struct.error, zlib.error, ImageCms.PyCMSError,
)  # fmt: skip


class PictureError(DomainError):
    """A file that we do not take as a picture; says why."""

    code = "unfit_picture"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as we keep it."""

    kind: str  # a key of `TYPES`
    width: int
    height: int
    data: bytes
    small: bytes  # its thumbnail, of the same kind


def drawn_anew(content: bytes) -> Picture:
    """Return a picture made from the pixels of a file; takes up to a second, so hold no lock.

    Raises:
        PictureError: Too large, too many pixels, or no JPEG, PNG or WebP that is whole.
    """
    if len(content) > LARGEST:
        most = LARGEST // 1024 // 1024
        raise PictureError(_("This file is larger than %(most)s MB. Save it smaller.", most=most))
    source = _opened(content)
    kind = "png" if source.format == "PNG" or source.has_transparency_data else "jpg"
    try:
        source.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is unpacked no larger
        seen = _in_srgb(source, "RGBA" if source.has_transparency_data else "RGB")
        seen.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        _turn_upright(seen)
        seen.info.clear()  # what would be written beside the pixels
        small = seen.copy()
        small.thumbnail((SMALL_SIDE, SMALL_SIDE))
        return Picture(kind, *seen.size, _encoded(seen, kind), _encoded(small, kind))
    except _BROKEN:
        raise PictureError(_("This picture is damaged. Save it anew and try again.")) from None


def _opened(content: bytes) -> Image.Image:
    """Read the head of a file: its format and its size, no pixel yet."""
    too_many = _(
        "This picture has more than %(most)s million pixels. Save it smaller.",
        most=MOST_PIXELS // MEGA,
    )
    try:
        source = Image.open(io.BytesIO(content), formats=FORMATS)
    except _BOMB:
        raise PictureError(too_many) from None
    except _BROKEN:
        source = None
    if source is None or source.mode not in _MODES:
        raise PictureError(_("This is no picture that we can read. Choose a JPEG, PNG or WebP."))
    if source.width * source.height > MOST_PIXELS:
        raise PictureError(too_many)
    return source


def _in_srgb(source: Image.Image, mode: str) -> Image.Image:
    """Return a picture in the colours that every screen knows, for its profile does not stay."""
    source.load()
    told = dict(source.info)  # also how the camera was held
    plain = source if source.mode in {mode, "CMYK"} else source.convert(mode)
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(told["icc_profile"]))
        screen = ImageCms.createProfile("sRGB")
        as_seen = ImageCms.profileToProfile(plain, own, screen, outputMode=mode)
    except _BROKEN:  # no profile, or one that is none: it changes no colour
        as_seen = None
    if as_seen is None:
        as_seen = plain if plain.mode == mode else plain.convert(mode)
    as_seen.info = told
    return as_seen


def _turn_upright(picture: Image.Image) -> None:
    """Turn a picture as the camera was held."""
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except _BROKEN:  # of a camera that does not say it in a way one can read
        return


def _encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "png":
        picture.save(out, "PNG")
    else:
        picture.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return out.getvalue()
