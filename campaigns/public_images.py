"""The door of images: anyone who has an address of one may see it, and keep it for good."""

from __future__ import annotations

from flask import Blueprint, Flask, current_app, send_file, url_for
from flask.typing import ResponseReturnValue

from accounts import permissions
from campaigns import images
from campaigns.models_images import KitImage
from core.pages import YEAR

door = permissions.guard(Blueprint("images", __name__, url_prefix="/images"), permissions.PUBLIC)


@door.record_once
def _init(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]
    app.jinja_env.globals["image_url"] = address


def address(image: KitImage, *, small: bool = False, whole: bool = False) -> str:
    """Return the address of an image.

    Args:
        image: Which.
        small: Its thumbnail.
        whole: With our own host, for other sites.
    """
    name = f"{image.digest}{'-small' if small else ''}.{image.kind}"
    host = current_app.extensions["settings"].base_url if whole else ""
    return host + url_for("images.one", name=name)


@door.get("/<name>")
def one(name: str) -> ResponseReturnValue:
    """Send an image or its thumbnail; what a name stands for never changes."""
    path, kind = images.file(name)
    answer = send_file(path, mimetype=kind, etag=name, max_age=YEAR)
    answer.headers.pop("Content-Disposition", None)  # the link that downloads it names it
    answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return answer
