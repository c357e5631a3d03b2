"""Pictures that come in are drawn anew; hostile and broken ones are refused in a sentence."""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest
from flask import Flask
from PIL import Image, ImageCms, PngImagePlugin

from integrations import pictures
from integrations.pictures import PictureError

PEAR, NIGHT = (214, 178, 62), (18, 39, 44)

pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)


def encoded(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    """Return a small picture: a pear-coloured field with a dark left half."""
    mode = str(options.pop("mode", "RGB"))
    image = Image.new("RGB", size, PEAR)
    image.paste(NIGHT, (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def is_like(pixel: object, colour: tuple[int, ...]) -> bool:
    return isinstance(pixel, tuple) and all(
        abs(one - other) < 12 for one, other in zip(pixel, colour, strict=False)
    )


@pytest.mark.parametrize(
    ("kind", "mode", "becomes"),
    [
        ("JPEG", "RGB", "jpg"), ("JPEG", "L", "jpg"), ("JPEG", "CMYK", "jpg"),
        ("PNG", "RGB", "png"), ("PNG", "P", "png"), ("PNG", "1", "png"), ("PNG", "LA", "png"),
        ("WEBP", "RGB", "jpg"), ("WEBP", "RGBA", "jpg"),
    ],
)  # fmt: skip
def test_each_kind_of_picture_is_kept_with_its_thumbnail(
    app: Flask, kind: str, mode: str, becomes: str
) -> None:
    kept = pictures.drawn_anew(encoded(kind, (900, 600), mode=mode))
    image, small = opened(kept.data), opened(kept.small)
    assert (kept.kind, kept.width, kept.height) == (becomes, 900, 600)
    assert image.format == small.format == ("PNG" if becomes == "png" else "JPEG")
    assert (image.size, small.size) == ((900, 600), (480, 320))


def test_what_is_transparent_stays_so(app: Flask) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (30, 30), (*PEAR, 0)).save(out, "WEBP", lossless=True)
    kept = pictures.drawn_anew(out.getvalue())
    assert kept.kind == "png"
    pixel = opened(kept.data).getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


def test_nothing_stays_of_a_file_but_what_one_sees(app: Flask) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[1] = "N"  # a place
    photo = encoded("JPEG", exif=exif, comment=b"Secret words", dpi=(72, 72))
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "Secret author")
    drawing = encoded("PNG", pnginfo=told, exif=exif)
    trailing = encoded("JPEG") + b"<script>Secret tail</script>"
    for content in (photo, drawing, trailing):
        kept = pictures.drawn_anew(content)
        for data in (kept.data, kept.small):
            assert b"Secret" not in data
            assert b"Exif" not in data
            assert set(opened(data).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density",
                                              "progressive", "progression"}  # fmt: skip


@pytest.mark.parametrize("kind", pictures.FORMATS)
@pytest.mark.parametrize("has_profile", [True, False])
def test_a_picture_stands_upright_without_the_word_of_the_camera(
    app: Flask, kind: str, has_profile: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = pictures.drawn_anew(encoded(kind, exif=exif, icc_profile=own if has_profile else None))
    assert (kept.width, kept.height) == (40, 60)
    image = opened(kept.data)
    assert is_like(image.getpixel((20, 5)), NIGHT)
    assert is_like(image.getpixel((20, 55)), PEAR)


def test_a_colour_profile_is_applied_before_it_goes(app: Flask) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = pictures.drawn_anew(encoded("PNG", icc_profile=own))
    assert "icc_profile" not in opened(kept.data).info
    assert is_like(opened(kept.data).getpixel((50, 20)), PEAR)
    nonsense = pictures.drawn_anew(encoded("JPEG", icc_profile=b"nonsense" * 40))
    assert is_like(opened(nonsense.data).getpixel((50, 20)), PEAR)


def test_a_profile_takes_no_transparency_away(app: Flask) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    image = Image.new("RGBA", (30, 30), (*PEAR, 0))
    image.paste((*NIGHT, 255), (0, 0, 10, 10))
    image.save(out, "PNG", icc_profile=own)
    palette = io.BytesIO()
    image.quantize().save(palette, "PNG", icc_profile=own)
    for content in (out.getvalue(), palette.getvalue()):
        kept = opened(pictures.drawn_anew(content).data)
        assert is_like(kept.getpixel((5, 5)), (*NIGHT, 255))
        clear = kept.getpixel((20, 20))
        assert isinstance(clear, tuple)
        assert clear[3] == 0


def test_of_moving_pictures_the_first_is_kept(app: Flask) -> None:
    out = io.BytesIO()
    first, second = Image.new("RGB", (40, 40), PEAR), Image.new("RGB", (40, 40), NIGHT)
    first.save(out, "WEBP", save_all=True, append_images=[second], duration=100, lossless=True)
    kept = pictures.drawn_anew(out.getvalue())
    assert is_like(opened(kept.data).getpixel((20, 20)), PEAR)


def test_a_large_picture_is_made_as_large_as_one_can_use(app: Flask) -> None:
    kept = pictures.drawn_anew(encoded("JPEG", (5000, 2500)))
    assert (kept.width, kept.height) == (pictures.LONGEST_SIDE, pictures.LONGEST_SIDE // 2)


def _claiming(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that claims to be so large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (head, body, b"IEND")
    )


@pytest.mark.parametrize("size", [(5001, 5000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)])
def test_more_pixels_than_we_take_are_refused_before_they_are_unpacked(
    app: Flask, size: tuple[int, int]
) -> None:
    with pytest.raises(PictureError, match="more than 25 million pixels"):
        pictures.drawn_anew(_claiming(*size))


def test_a_file_that_is_too_large_is_refused_unread(app: Flask) -> None:
    with pytest.raises(PictureError, match="larger than 8 MB"):
        pictures.drawn_anew(encoded("JPEG") + b"\0" * pictures.LARGEST)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff",
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_whatever_its_name(app: Flask, content: bytes) -> None:
    with pytest.raises(PictureError, match="Choose a JPEG, PNG or WebP"):
        pictures.drawn_anew(content)


def test_half_a_picture_is_refused(app: Flask) -> None:
    for kind in pictures.FORMATS:
        content = encoded(kind, (300, 300))
        with pytest.raises(PictureError):
            pictures.drawn_anew(content[: len(content) // 2])


def test_a_picture_with_16_bits_a_channel_is_refused_rather_than_spoilt(app: Flask) -> None:
    out = io.BytesIO()
    Image.new("I;16", (8, 8), 40_000).save(out, "PNG")
    with pytest.raises(PictureError):
        pictures.drawn_anew(out.getvalue())


@pytest.mark.filterwarnings("ignore::UserWarning")  # remarks of the decoder, no failures
def test_spoilt_files_are_read_or_refused_and_never_a_surprise(app: Flask) -> None:
    draw = random.Random(7)  # noqa: S311  the same files every time
    exif = Image.Exif()
    exif[0x0112] = 3
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in pictures.FORMATS:
        whole = encoded(kind, exif=exif, icc_profile=own)
        for _n in range(300):
            content = bytearray(whole)
            for _m in range(draw.randint(1, 12)):
                content[draw.randrange(len(content))] = draw.randrange(256)
            try:
                kept = pictures.drawn_anew(bytes(content))
            except PictureError:
                continue
            assert opened(kept.data).size == (kept.width, kept.height)
