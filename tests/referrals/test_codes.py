"""A code means one thing for ever, however people write it, and cannot be guessed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditLine
from core.db import db
from core.errors import NotFoundError
from referrals import codes
from referrals.codes import CodeTakenError, InvalidCodeError, TooFewCodesError
from referrals.models import Code
from tests.factories import make_ambassador, make_campaign, make_code


def create(text: str, **overrides: Any) -> Code:
    values = {"campaign_id": make_campaign().id, "ambassador_id": make_ambassador().id}
    return codes.create(text, **values | overrides)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("zoé-10", "ZOE10"), ("Zo\u0065\u0301 10", "ZOE10"),
        ("ＺＯＥ１０", "ZOE10"), (" z o e ", "ZOE"),
        ("ZOE\u201010", "ZOE10"), ("ZOE\u201310", "ZOE10"), ("zoe\u00a010", "ZOE10"),
        ("ÇÀÉÎÕÜ", "CAEIOU"),
        ("straße", "STRASSE"), ("ﬁn", "FIN"), ("", ""),
    ],
)  # fmt: skip
def test_a_code_is_matched_however_people_write_it(text: str, key: str) -> None:
    assert codes.fold(text) == key


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert codes.fold(codes.fold(text)) == codes.fold(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "--",
        "a" * 51,
        "ZOE!",
        "ZOE_10",
        "ZOE\x00",
        "Ω12",
        "ЗОЯ10",
        "fuck10",
        "n-a-z-i",
        "x\ud800y",
    ],
)
def test_a_text_that_cannot_be_a_code_is_refused(app: Flask, text: str) -> None:
    with pytest.raises(InvalidCodeError):
        create(text)


@pytest.mark.parametrize(
    ("there", "like"),
    [("ZOE10", "zoé-10"), ("ZOE10", "ZOEIO"), ("LILO", "1110"), ("B0B", "BOB"), ("I11L", "LLLL")],
)
def test_a_code_that_reads_like_another_is_refused(app: Flask, there: str, like: str) -> None:
    create(there)
    with pytest.raises(CodeTakenError):
        create(like)


def test_a_code_keeps_its_dashes_its_limits_and_an_audit_line(app: Flask) -> None:
    campaign = make_campaign(uses_per_code=7, uses_per_customer=1)
    code = create("zoé summer-10", campaign_id=campaign.id)
    assert (code.key, code.uses_limit, code.uses_per_customer) == ("ZOESUMMER10", 7, 1)
    assert create("Ana Summer-10").text == "ANA-SUMMER-10"
    lines = db.session.scalars(db.select(AuditLine.act)).all()
    assert lines == ["code.create", "code.create"]
    with pytest.raises(NotFoundError):
        create("EVE10", campaign_id=10**6)


def test_generated_codes_are_unique_sorted_and_unambiguous(app: Flask) -> None:
    campaign = make_campaign()
    made = codes.generate(1_200, campaign_id=campaign.id, pattern="summer-####-####")
    assert made == sorted(set(made))
    assert len(made) == db.session.query(Code).count() == 1_200
    assert all(re.fullmatch(r"SUMMER(-[A-HJKMNP-Z2-9]{4}){2}", text) for text in made)
    symbols = "".join(text.removeprefix("SUMMER-").replace("-", "") for text in made)
    counts = [symbols.count(symbol) for symbol in codes.ALPHABET]
    assert min(counts) > 0.7 * len(symbols) / 31  # evenly, give or take
    by_id = db.session.scalars(db.select(Code.key).order_by(Code.id)).all()
    assert by_id == sorted(by_id)  # ids do not tell which came first from the source
    line = db.session.scalars(db.select(AuditLine)).one()
    assert (line.act, line.details["count"]) == ("code.generate", 1_200)


def test_a_job_that_would_fill_more_than_one_percent_is_refused_with_the_numbers(
    app: Flask,
) -> None:
    campaign = make_campaign()
    with pytest.raises(TooFewCodesError, match=r"A-## has 961 combinations; 10 codes"):
        codes.generate(10, campaign_id=campaign.id, pattern="A-##")
    assert len(codes.generate(9, campaign_id=campaign.id, pattern="A-##")) == 9


@pytest.mark.parametrize("pattern", ["", "SUMMER", "#", "Ω####", "SUMMER_####", "#" * 51, "A%####"])
def test_a_pattern_that_cannot_make_codes_is_refused(app: Flask, pattern: str) -> None:
    with pytest.raises(InvalidCodeError):
        codes.generate(1, campaign_id=make_campaign().id, pattern=pattern)


def test_generation_goes_on_when_codes_are_taken(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = iter([{"A-22", "A-23"}, {"A-23", "A-24"}, {"A-25"}])
    monkeypatch.setattr(codes, "_random_texts", lambda *_: next(batches))
    make_code("A22")
    assert codes.generate(3, campaign_id=make_campaign().id, pattern="A-##") == [
        "A-23",
        "A-24",
        "A-25",
    ]


def test_a_leaked_code_is_frozen_and_replaced_and_its_history_stays(app: Flask) -> None:
    old = create("ZOE10")
    new = codes.replace(old.id, "ZOE20", reason="posted on a coupon site")
    assert (old.status, new.replaces_id, new.ambassador_id) == ("frozen", old.id, old.ambassador_id)
    with pytest.raises(NotFoundError):
        codes.freeze(old.id, reason="again")
    with pytest.raises(CodeTakenError):
        create("ZOE10")  # never given to anybody else
    acts = db.session.scalars(db.select(AuditLine.act).order_by(AuditLine.id)).all()
    assert acts == ["code.create", "code.freeze", "code.create"]
