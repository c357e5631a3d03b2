"""`flask codes`: codes in bulk, and their list."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from core.db import db
from referrals import codes
from referrals.models import Code
from tests.factories import make_campaign, make_code


def _run(app: Flask, *words: str) -> tuple[int, str]:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["codes", *words])
    db.session.rollback()
    return result.exit_code, result.output


def test_codes_are_made_and_written_one_a_line(app: Flask, tmp_path: Path) -> None:
    slug = make_campaign().slug
    out = tmp_path / "codes.txt"
    code, text = _run(
        app, "generate", "--campaign", slug, "--count", "20", "--pattern", "PEAR-####-####",
        "--out", str(out),
    )  # fmt: skip
    assert code == 0, text
    made = out.read_text().splitlines()
    assert len(set(made)) == 20
    assert all(codes.find(one) for one in made)
    again = _run(app, "generate", "--campaign", slug, "--count", "1", "--out", str(out))
    assert again[0] == 1


def test_a_pattern_that_could_be_guessed_is_refused(app: Flask) -> None:
    slug = make_campaign().slug
    code, text = _run(app, "generate", "--campaign", slug, "--count", "20", "--pattern", "PEAR-##")
    assert code == 1
    assert "combinations" in text
    assert _run(app, "generate", "--campaign", "nobody", "--count", "1")[0] == 1


def test_codes_are_listed_by_campaign_and_text(app: Flask) -> None:
    campaign = make_campaign()
    make_code("ZOE10", campaign_id=campaign.id)
    make_code("ANA10")
    assert "ZOE10" in _run(app, "list", "--campaign", campaign.slug)[1]
    assert "ANA10" not in _run(app, "list", "--campaign", campaign.slug)[1]
    assert "ANA10" in _run(app, "list", "--search", "ana-1")[1]


def test_no_codes_are_made_that_could_not_be_written_down(app: Flask, tmp_path: Path) -> None:
    slug = make_campaign().slug
    out = tmp_path / "nowhere" / "codes.txt"
    code, text = _run(app, "generate", "--campaign", slug, "--count", "5", "--out", str(out))
    assert (code, "There is no folder" in text) == (1, True)
    assert db.session.scalars(sa.select(Code.id)).all() == []
