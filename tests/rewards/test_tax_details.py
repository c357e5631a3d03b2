"""What declarations say of a person: asked for when needed, masked, and kept as the law asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors.models import Ambassador
from core import clock
from core.db import db
from core.errors import InvalidInputError
from rewards import erasure, person_data, tax_details, year_totals
from rewards import wording_statements as words
from rewards.models_contracts import TaxDetail, ThresholdKind
from tests.conftest import NOW
from tests.factories import make_user, sign_in
from tests.rewards.test_payouts import LATER, later, rules
from tests.rewards.test_statements import paid

__all__ = ["rules"]


def said(**overrides: Any) -> tax_details.Said:
    """Return what a business in France says."""
    told: dict[str, Any] = {
        "name": "Zoé Martin EI", "is_business": True, "siret": "732 829 320 00074",
        "profession": "Créatrice", "street": "1 rue du Lac", "postal_code": "74000",
        "city": "Annecy", "country": "FR", "tin": "",
    }  # fmt: skip
    return tax_details.Said(**told | overrides)


def row(kind: ThresholdKind = ThresholdKind.DAS2) -> dict[str, object]:
    """Return the one row of a declaration of this year."""
    limit, found = year_totals.declared(kind, 2026)
    assert limit
    (cells,) = words.declared_rows(kind, 2026, limit, found)
    return dict(zip(words.DECLARED_HEADS[kind], cells, strict=True))


@pytest.mark.parametrize(("total", "is_asked"), [(1_920_000, False), (1_920_010, True)])
def test_nothing_is_asked_before_a_declaration_is_near(
    app: Flask, total: int, is_asked: bool
) -> None:
    (who,) = paid(total)  # 10 % of it; DAS2 counts above 2,400.00, 80 % are 1,920.00
    with later():
        assert tax_details.needed(who) == ({ThresholdKind.DAS2} if is_asked else set())
        if not is_asked:
            with pytest.raises(tax_details.NotAskedError):
                tax_details.change(who, said())


def test_das2_carries_siret_address_and_profession_once_they_were_given(app: Flask) -> None:
    (who,) = paid(2_500_000)
    with later():
        assert (row()["siret"], row()["coordonnees"]) == ("", "asked for")
        tax_details.change(who, said())
        told = row()
    assert (told["nom"], told["siret"], told["profession"]) == (
        "Zoé Martin EI", "73282932000074", "Créatrice",
    )  # fmt: skip
    assert (told["rue"], told["code_postal"], told["commune"], told["pays"]) == (
        "1 rue du Lac", "74000", "Annecy", "FR",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"siret": "73282932000075"}, {"siret": ""}, {"city": " "}, {"country": "XX"},
     {"country": "US", "tin": "12345678"}, {"street": "x" * 201}],
)  # fmt: skip
def test_details_that_cannot_be_are_refused(app: Flask, wrong: dict[str, str]) -> None:
    (who,) = paid(2_500_000)
    with later(), pytest.raises(InvalidInputError):
        tax_details.change(who, said(**wrong))


def test_a_tax_number_is_sealed_masked_and_kept_when_the_field_is_empty(app: Flask) -> None:
    (who,) = paid(2_500_000)
    with later():
        american = {"country": "us", "is_business": False, "siret": ""}
        kept = tax_details.change(who, said(tin="123-45-6789", **american))
        assert "123456789" not in (kept.sealed_tin or "")
        tax_details.change(who, said(city="Boston", **american))
        assert tax_details.tin(who) == "123456789"
        assert row(ThresholdKind.NEC)["tin"] == "*****6789"
        copy = person_data.text(db.session.get_one(Ambassador, who).member)
        assert "123456789" in copy
        tax_details.change(who, said())  # moved to France
        assert tax_details.tin(who) is None


def test_the_portal_asks_once_a_declaration_needs_it(app: Flask, client: FlaskClient) -> None:
    (who,) = paid(2_500_000)
    with later():
        user = make_user(RoleName.AMBASSADOR)
        db.session.get_one(Ambassador, who).user_id = user.id
        sign_in(client, user)
        assert "/portal/me/tax" in client.get("/portal/payouts").text
        form = {
            "name": "Zoé", "profession": "Author", "street": "1 rue", "postal_code": "1",
            "city": "Paris", "country": "FR",
        }  # fmt: skip
        answer = client.post("/portal/me/tax?lang=en", data=form | {"city": ""})
        assert (answer.status_code, "This field is needed." in answer.text) == (422, True)
        assert client.post("/portal/me/tax", data=form).status_code == 303
        assert "/portal/me/tax" not in client.get("/portal/payouts").text
        assert "Author" in client.get("/portal/me/tax").text


@pytest.mark.parametrize("total", [2_000_000, 2_500_000])
def test_an_erasure_keeps_what_was_declared_for_six_years_and_forgets_the_rest(
    app: Flask, total: int
) -> None:
    (who,) = paid(total)
    with later():
        tax_details.change(who, said())
        erasure.erase(db.session.get_one(Ambassador, who).member)
        db.session.commit()
        db.session.expire_all()
        is_declared = total > 2_400_000
        assert (tax_details.of(who) is not None) is is_declared
        if is_declared:
            assert row()["nom"] == "Zoé Martin EI"
    for after, gone in ((timedelta(days=6 * 365), 0), (timedelta(days=6 * 367), int(is_declared))):
        with clock.frozen(LATER + after):
            assert tax_details.sweep() == gone
    assert db.session.get(TaxDetail, who) is None
    assert LATER > NOW
