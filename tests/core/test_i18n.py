"""Figures as a person reads them, in both languages."""

from __future__ import annotations

import pytest
from flask import Flask

from core import i18n


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_negative_figure_has_a_minus_sign_not_a_hyphen(app: Flask, lang: str) -> None:
    with app.test_request_context(f"/?lang={lang}"):
        said = (
            i18n.money(-299, "CHF"),
            i18n.amount(-299, "CHF"),
            i18n.number(-3),
            i18n.percent(-0.25),
        )
    for text in said:
        assert text.count("\u2212") == 1
        assert "-" not in text
